package policy

import (
	"testing"
	"time"
)

func TestPlace(t *testing.T) {
	rows := []struct {
		name string
		pool Pool
		want Placement
	}{
		{"per_worker reuses", Pool{Kind: PerWorker, Accepting: 1, SpareReady: true, Max: 2}, Reuse},
		{"per_worker waits for the worker that boots", Pool{Kind: PerWorker, Booting: 1, SpareReady: true, Max: 2}, Wait},
		{"per_worker opens the spare", Pool{Kind: PerWorker, SpareReady: true, Max: 2}, OpenSpare},
		{"per_worker spawns", Pool{Kind: PerWorker, Max: 2}, Spawn},
		{"retired workers do not count", Pool{Kind: PerWorker, Busy: 5, Max: 2}, Spawn},
		{"per_request opens the spare", Pool{Kind: PerRequest, SpareReady: true, Max: 2}, OpenSpare},
		{"per_request spawns", Pool{Kind: PerRequest, Busy: 1, Max: 2}, Spawn},
		{"per_request waits at the most", Pool{Kind: PerRequest, Busy: 2, SpareReady: true, Max: 2}, Wait},
		{"per_request never reuses", Pool{Kind: PerRequest, Accepting: 1, Max: 2}, Spawn},
	}
	for _, row := range rows {
		if got := row.pool.Place(); got != row.want {
			t.Errorf("%s: got %d, want %d", row.name, got, row.want)
		}
	}
}

func TestBackOffGrowsFromNothingToFiveSeconds(t *testing.T) {
	want := []time.Duration{0, 0, 100e6, 200e6, 400e6, 800e6, 1600e6, 3200e6, 5e9, 5e9}
	for crashes, w := range want {
		if got := BackOff(crashes); got != w {
			t.Errorf("after %d crashes: got %v, want %v", crashes, got, w)
		}
	}
}

func TestSampleAfterLooksOftenAtWhatRunsAndRarelyAtWhatSleeps(t *testing.T) {
	rows := []struct {
		name             string
		used, left, last time.Duration
		want             time.Duration
	}{
		{"runs, far from the limit", 5e6, time.Second, 5e6, 2 * sampleFast},
		{"runs, close to the limit", 5e6, 3e6, 5e6, sampleFast / 2},
		{"runs, somewhat close", 5e6, 7e6, 5e6, 7e6},
		{"sleeps: twice as long", 0, time.Second, 5e6, 10e6},
		{"sleeps long: no longer than the cap", 0, time.Second, sampleMost, sampleMost},
	}
	for _, row := range rows {
		if got := SampleAfter(row.used, row.left, row.last); got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
	}
}

func TestDefaultLimitsAreTheHostedNumbers(t *testing.T) {
	pro, free := DefaultLimits(PlanPro), DefaultLimits(PlanFree)
	if pro.WallClock != 400*time.Second || free.WallClock != 150*time.Second {
		t.Errorf("wall clock: pro %v, free %v", pro.WallClock, free.WallClock)
	}
	if pro.CPUSoft != time.Second || pro.CPUHard != 2*time.Second || pro.Memory != 256*MiB || pro.IdleTimeout != 150*time.Second {
		t.Errorf("pro limits %+v", pro)
	}
	if s := pro.Scaled(20); s.WallClock != 20*time.Second || s.CPUHard != pro.CPUHard || s.IdleTimeout != 7500*time.Millisecond {
		t.Errorf("scaled by 20: %+v", s)
	}
}

func TestNamesRoundTrip(t *testing.T) {
	for _, name := range KindNames[:2] {
		if k, err := ParseKind(name); err != nil || k.String() != name {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
	if k, err := ParseKind("oneshot"); err != nil || k != PerRequest {
		t.Errorf("oneshot: %v, %v", k, err)
	}
	_, err := ParseKind("foo")
	if want := `policy is "foo": allowed are per_request, per_worker, oneshot`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for r := range reasonCount {
		if r.String() == "" {
			t.Errorf("reason %d has no name", r)
		}
	}
}

func TestIdleWorkersAreLookedAtTogether(t *testing.T) {
	rows := []struct {
		name             string
		now, pause, want time.Duration
	}{
		{"a worker that runs is not held up or hurried", 7e6, sampleFast, sampleFast},
		{"at the common moment: the whole pause", 5 * sampleMost, sampleMost, sampleMost},
		{"after it: the rest", 5*sampleMost + 15e6, sampleMost, sampleMost - 15e6},
	}
	for _, row := range rows {
		if got := SampleTogether(row.now, row.pause); got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
	}
}
