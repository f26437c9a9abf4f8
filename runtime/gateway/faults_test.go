package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"brink/policy"
)

// rehearsing is a stage whose requests may end their worker. Ends of other
// reasons than limits and crashes wait for the request, as the supervisor's do.
func rehearsing(t *testing.T, handler http.HandlerFunc) (*stage, *[]string) {
	s := serve(t, hello(), handler)
	var asked []string
	s.gateway.end = func(function, worker string, reason policy.Reason) {
		asked = append(asked, function+" "+worker+" "+reason.String())
		if reason.IsLimit() || reason == policy.ReasonCrashed {
			s.worker.end(reason)
		}
	}
	return s, &asked
}

func TestARequestEndsItsWorkerWhenFaultsAreAllowed(t *testing.T) {
	for reason, want := range map[string]int{
		"wall_clock": 546, "cpu": 546, "memory": 546, "crash": 500, "early_drop": 200, "termination": 200,
	} {
		s, asked := rehearsing(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(HeaderEnd) != "" {
				t.Error("the function sees the header")
			}
		})
		resp, _ := s.do("GET", "/functions/v1/hello", http.Header{HeaderEnd: {reason}}, nil)
		named, _ := ParseEndReason(reason)
		if resp.StatusCode != want || len(*asked) != 1 || (*asked)[0] != "hello exec-1 "+named.String() {
			t.Errorf("%s: %d, asked %q", reason, resp.StatusCode, *asked)
		}
	}
}

func TestAnUnknownEndIsRefused(t *testing.T) {
	s, asked := rehearsing(t, func(http.ResponseWriter, *http.Request) { t.Error("it was served") })
	resp, body := s.do("GET", "/functions/v1/hello", http.Header{HeaderEnd: {"boredom"}}, nil)
	if resp.StatusCode != 400 || !strings.Contains(body, "early_drop") || len(*asked) != 0 {
		t.Errorf("%d %s, asked %q", resp.StatusCode, body, *asked)
	}
}

func TestEndsAreIgnoredWithAHintUnlessAllowed(t *testing.T) {
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(HeaderEnd) != "" {
			t.Error("the function sees the header")
		}
	})
	for range 2 {
		if resp, _ := s.do("GET", "/functions/v1/hello", http.Header{HeaderEnd: {"cpu"}}, nil); resp.StatusCode != 200 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	if hint := s.logs.wait(t, "hint", 1).text("message"); !strings.Contains(hint, "--faults") {
		t.Errorf("hint %q", hint)
	}
	if n := len(s.logs.of("hint")); n != 1 {
		t.Errorf("%d hints", n)
	}
}

func TestRecordSaysHowNearTheLimitsAWorkerCame(t *testing.T) {
	for _, row := range []struct {
		enforcement      policy.Enforcement
		cpu, memory, age string
	}{
		{policy.Enforce, "0.25", "0.5", "0.9"},
		{policy.Warn, "0.25", "0.5", "0.9"},
		{policy.Off, "", "", ""},
	} {
		fn := hello()
		fn.Limits.Enforcement = row.enforcement
		s := serve(t, fn, func(http.ResponseWriter, *http.Request) {})
		s.worker.usage.Store(&policy.Usage{CPU: 500 * time.Millisecond, Wall: 360 * time.Second, Memory: 5, Peak: 128 * policy.MiB})
		s.get("/functions/v1/hello")
		rec := s.logs.wait(t, "request", 1)
		if c, m, a := rec.text("cpu_share"), rec.text("memory_share"), rec.text("wall_share"); c != row.cpu || m != row.memory || a != row.age {
			t.Errorf("%v: cpu %s, memory %s, wall %s", row.enforcement, c, m, a)
		}
	}
}

func TestALimitThatDoesNotExistHasNoShare(t *testing.T) {
	fn := hello()
	fn.Limits.CPUHard, fn.Limits.WallClock = 0, 0
	s := serve(t, fn, func(http.ResponseWriter, *http.Request) {})
	s.get("/functions/v1/hello")
	rec := s.logs.wait(t, "request", 1)
	if rec.text("cpu_share") != "" || rec.text("wall_share") != "" || rec.text("memory_share") != "0" {
		t.Errorf("%v", rec.attrs)
	}
}

func TestASocketOverItsLimitSaysWhatHostedWouldHaveDone(t *testing.T) {
	v := &visit{socket: true, limits: policy.DefaultLimits(policy.PlanPro), after: policy.Usage{Wall: 500 * time.Second}}
	v.limits.Enforcement = policy.Warn
	if got := v.wouldHave(0); got != "hosted, this socket would have been dropped (wall clock 500 s of 400 s)" {
		t.Errorf("would = %q", got)
	}
}

func TestALaterRequestCountsByItsOwnCost(t *testing.T) {
	v := &visit{limits: policy.DefaultLimits(policy.PlanPro)}
	v.limits.Enforcement = policy.Warn
	v.before.CPU, v.after.CPU = 7*time.Second, 10*time.Second
	if got := v.wouldHave(0); got != "this would have been 546 when hosted (CPU 3 s of 2 s)" {
		t.Errorf("would = %q", got)
	}
	v.after.CPU = 8 * time.Second
	if got := v.wouldHave(0); got != "" {
		t.Errorf("would = %q", got)
	}
}

func TestAnswersVaryByEncoding(t *testing.T) {
	for own, want := range map[string]string{
		"":                        "Accept-Encoding",
		"Origin":                  "Origin, Accept-Encoding",
		"Origin, accept-encoding": "Origin, accept-encoding",
		"*":                       "*",
	} {
		s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
			if own != "" {
				w.Header().Set("Vary", own)
			}
			w.WriteHeader(http.StatusNoContent)
		})
		for _, method := range []string{"GET", "HEAD"} {
			resp, _ := s.do(method, "/functions/v1/hello", nil, nil)
			if got := strings.Join(resp.Header["Vary"], ", "); got != want {
				t.Errorf("%s, Vary %q becomes %q", method, own, got)
			}
		}
	}
}
