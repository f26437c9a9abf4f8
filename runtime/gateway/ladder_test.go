package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"brink/policy"
	"brink/runtime/supervisor"
)

const (
	bodyBoot   = `{"code":"BOOT_ERROR","message":"Worker failed to boot (please check logs)"}`
	bodyWorker = `{"code":"WORKER_ERROR","message":"Function exited due to an error (please check logs)"}`
	bodyLimit  = `{"code":"WORKER_LIMIT","message":"Worker failed to respond due to a resource limit (please check logs)"}`
	bodyOther  = `{"code":"Internal Server Error","message":"Request failed due to an internal server error"}`
)

func TestWorkersThatCannotBeHad(t *testing.T) {
	s := serve(t, hello(), nil)
	for _, tt := range []struct {
		err    error
		status int
		code   string
		body   string
	}{
		{fmt.Errorf("boot: %w", policy.ReasonLoadFailed), 503, "BOOT_ERROR", bodyBoot},
		{fmt.Errorf("boot: %w", policy.ReasonEvaluateFailed), 500, "WORKER_ERROR", bodyWorker},
		{fmt.Errorf("boot: %w", policy.ReasonCrashed), 500, "WORKER_ERROR", bodyWorker},
		{policy.ReasonCPU, 546, "WORKER_LIMIT", bodyLimit},
		{policy.ReasonWallClock, 546, "WORKER_LIMIT", bodyLimit},
		{policy.ReasonMemory, 546, "WORKER_LIMIT", bodyLimit},
		{policy.ReasonTermination, 503, "SERVICE_UNAVAILABLE", `{"code":"SERVICE_UNAVAILABLE","message":"brink is shutting down"}`},
		{supervisor.ErrQueueTimeout, 503, "BOOT_ERROR", bodyBoot},
		{supervisor.ErrNotServing, 503, "BOOT_ERROR", bodyBoot},
		{supervisor.ErrNotFound, 404, "NOT_FOUND", "Function not found"},
		{supervisor.ErrClosed, 503, "SERVICE_UNAVAILABLE", `{"code":"SERVICE_UNAVAILABLE","message":"brink is shutting down"}`},
		{errors.New("disk full"), 500, "", bodyOther},
	} {
		s.worker.refuse.Store(&tt.err)
		resp, body := s.get("/functions/v1/hello")
		if resp.StatusCode != tt.status || resp.Header.Get("sb-error-code") != tt.code || body != tt.body {
			t.Errorf("%v: %d %q %s", tt.err, resp.StatusCode, resp.Header.Get("sb-error-code"), body)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Access-Control-Expose-Headers") != "sb-error-code" {
			t.Errorf("%v: no CORS headers: %v", tt.err, resp.Header)
		}
	}
}

func TestWorkerEndsBeforeItAnswers(t *testing.T) {
	for _, tt := range []struct {
		reason policy.Reason
		status int
		code   string
	}{
		{policy.ReasonCPU, 546, "WORKER_LIMIT"}, {policy.ReasonWallClock, 546, "WORKER_LIMIT"}, {policy.ReasonMemory, 546, "WORKER_LIMIT"},
		{policy.ReasonCrashed, 500, "WORKER_ERROR"}, {policy.ReasonRestarted, 503, "WORKER_RESTARTED"},
		{policy.ReasonTermination, 503, "SERVICE_UNAVAILABLE"}, {policy.ReasonEarlyDrop, 500, ""},
	} {
		for _, first := range []string{"connection", "reason"} {
			t.Run(tt.reason.String()+"/"+first, func(t *testing.T) {
				var s *stage
				ready := make(chan struct{})
				s = serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
					<-ready
					http.ReadRequest(br)
					if first == "connection" {
						conn.Close()
					}
					s.worker.end(tt.reason)
				})
				close(ready)
				resp, body := s.get("/functions/v1/hello")
				if resp.StatusCode != tt.status || resp.Header.Get("sb-error-code") != tt.code {
					t.Errorf("%d %q %s", resp.StatusCode, resp.Header.Get("sb-error-code"), body)
				}
				if rec := s.logs.wait(t, "request", 1); rec.text("cause") == "" {
					t.Errorf("no cause in %v", rec.attrs)
				}
			})
		}
	}
}

func TestWorkerEndsWithinItsAnswer(t *testing.T) {
	for _, head := range []string{"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "Content-Length: 100\r\n\r\nhello", "\r\nhello"} {
		begun := make(chan struct{})
		var s *stage
		s = serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
			http.ReadRequest(br)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head)
			<-begun
			s.worker.end(policy.ReasonCPU)
			br.ReadByte() // until the gateway closes
		})
		resp, err := http.Get(s.url("/functions/v1/hello"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		close(begun)
		if text, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%q: the client saw a clean end after %q", head, text)
		}
		if rec := s.logs.wait(t, "request", 1); !strings.Contains(rec.text("cause"), "response cut: the worker reached its CPU limit of 2s") || rec.text("status") != "200" {
			t.Errorf("record %v", rec.attrs)
		}
	}
}

func TestIdleTimeout(t *testing.T) {
	fn := hello()
	fn.Limits.IdleTimeout = 20 * time.Millisecond
	aborted := make(chan struct{})
	s := serve(t, fn, func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(aborted)
	})
	resp, body := s.get("/functions/v1/hello")
	if resp.StatusCode != 504 || resp.Header.Get("sb-error-code") != "IDLE_TIMEOUT" || !strings.Contains(body, `"code":"IDLE_TIMEOUT"`) {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	<-aborted
}

func TestIdleTimeoutEndsWithTheFirstByte(t *testing.T) {
	fn := hello()
	fn.Limits.IdleTimeout = 50 * time.Millisecond
	s := serve(t, fn, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		late := time.NewTimer(100 * time.Millisecond)
		defer late.Stop()
		select {
		case <-late.C:
		case <-r.Context().Done():
		}
		io.WriteString(w, "late")
	})
	if resp, body := s.get("/functions/v1/hello"); resp.StatusCode != 200 || body != "late" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestWarnOnlySaysWhatHostedWouldDo(t *testing.T) {
	fn := hello()
	fn.Limits.Enforcement = policy.Warn
	fn.Limits.IdleTimeout = time.Nanosecond
	over := &policy.Usage{CPU: 2400 * time.Millisecond, Peak: 300 * policy.MiB, Wall: time.Minute}
	var s *stage
	s = serve(t, fn, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hello/hungry" {
			s.worker.usage.Store(over)
		}
	})
	if resp, _ := s.get("/functions/v1/hello"); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if would := s.logs.wait(t, "request", 1).text("would"); !strings.HasPrefix(would, "this would have been 504 when hosted (first byte after ") {
		t.Errorf("would = %q", would)
	}
	s.get("/functions/v1/hello/hungry")
	if would := s.logs.wait(t, "request", 2).text("would"); would != "this would have been 546 when hosted (CPU 2.4 s of 2 s, memory 300 MB of 256 MB)" {
		t.Errorf("would = %q", would)
	}
	s.get("/functions/v1/hello") // hosted, a fresh worker would have served it
	if would := s.logs.wait(t, "request", 3).text("would"); !strings.HasPrefix(would, "this would have been 504") {
		t.Errorf("would = %q", would)
	}
}

func TestStatusOutsideTheRange(t *testing.T) {
	for _, status := range []string{"600 X", "999 X", "101 Switching Protocols", "000 X"} {
		s := serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
			http.ReadRequest(br)
			io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
		})
		s.quick()
		resp, body := s.get("/functions/v1/hello")
		if resp.StatusCode != 500 || resp.Header.Get("sb-error-code") != "INVALID_RESPONSE_STATUS_CODE" {
			t.Errorf("%s: %d %s", status, resp.StatusCode, body)
		}
	}
}

func TestEndlessResponseHeadIsRefused(t *testing.T) {
	s := serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
		http.ReadRequest(br)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(conn, "X-A: "+strings.Repeat("a", 1000)+"\r\n"); err != nil {
				return
			}
		}
	})
	s.quick()
	if resp, _ := s.get("/functions/v1/hello"); resp.StatusCode != 500 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestHTMLIsPlainUnderStrictParity(t *testing.T) {
	html := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	fn := hello()
	if resp, _ := serve(t, fn, html).get("/functions/v1/hello"); resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("relaxed: %q", resp.Header.Get("Content-Type"))
	}
	fn.Parity = policy.ParityStrict
	s := serve(t, fn, html)
	if resp, _ := s.get("/functions/v1/hello"); resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("strict: %q", resp.Header.Get("Content-Type"))
	}
	if resp, _ := s.do("POST", "/functions/v1/hello", nil, nil); resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("strict, POST: %q", resp.Header.Get("Content-Type"))
	}
}

func TestRecordSaysWhatTheRequestCost(t *testing.T) {
	var s *stage
	s = serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		s.worker.usage.Store(&policy.Usage{CPU: 30 * time.Millisecond, Wall: time.Second, Memory: 5, Peak: 7})
	})
	s.worker.usage.Store(&policy.Usage{CPU: 10 * time.Millisecond})
	s.get("/functions/v1/hello/x?y")
	rec := s.logs.wait(t, "request", 1)
	for key, want := range map[string]string{
		"function": "hello", "worker": "exec-1", "method": "GET", "path": "/functions/v1/hello/x", "status": "200",
		"cpu_ms": "20", "wall_ms": "1000", "memory_bytes": "5", "peak_bytes": "7", "cause": "", "would": "",
	} {
		if rec.text(key) != want {
			t.Errorf("%s = %q, want %q", key, rec.text(key), want)
		}
	}
}

func TestPanicIsLoggedAndAnswered(t *testing.T) {
	s := serve(t, hello(), nil)
	s.gateway.workers = nil
	resp, body := s.get("/functions/v1/hello")
	if resp.StatusCode != 500 || body != bodyOther {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if rec := s.logs.wait(t, "error", 1); !strings.Contains(rec.text("stack"), "goroutine") {
		t.Errorf("record %v", rec.attrs)
	}
}

func TestCloseEndsWhatIsServed(t *testing.T) {
	started := make(chan struct{}, 2)
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		<-r.Context().Done()
	})
	status := make(chan int, 1)
	go func() {
		resp, err := http.Get(s.url("/functions/v1/hello"))
		if err != nil {
			t.Error(err)
			close(status)
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	<-started
	s.gateway.Close()
	s.gateway.Close()
	if got := <-status; got != 503 {
		t.Errorf("waiting request got %d", got)
	}
	if resp, _ := s.get("/functions/v1/hello"); resp.StatusCode != 503 {
		t.Errorf("later request got %d", resp.StatusCode)
	}
}
