package policy

import "time"

// QueueTimeout is how long a request waits for a worker while all of its
// function's workers are busy (edge-runtime's --request-wait-timeout).
const QueueTimeout = 10 * time.Second

// NotServingGrace is how long a function whose module was evaluated may take
// until something listens.
const NotServingGrace = 500 * time.Millisecond

// SlowBoot is how long a worker may load the user's code before brink says so.
const SlowBoot = 10 * time.Second

// SpareIdle is how long a function goes unused before its spares are let go.
const SpareIdle = 10 * time.Minute

// Pool is the state of one function's workers, as far as it decides where the
// next request goes.
type Pool struct {
	Kind       Kind
	Accepting  int  // workers that accept a request now
	Booting    int  // workers whose user code is loading
	Busy       int  // under per_request: workers that hold a request, booting ones included
	SpareReady bool // a spare waits at the gate, and is not outdated
	Max        int  // the most workers one function's burst may start
}

// Placement says where a request goes.
type Placement uint8

const (
	// Wait: no worker now; the request queues for at most QueueTimeout.
	Wait Placement = iota
	// Reuse: an accepting worker takes it.
	Reuse
	// OpenSpare: the waiting spare becomes its worker.
	OpenSpare
	// Spawn: a new process becomes its worker.
	Spawn
)

// Place decides where a request goes.
func (p Pool) Place() Placement {
	if p.Kind == PerWorker {
		switch {
		case p.Accepting > 0:
			return Reuse
		case p.Booting > 0:
			return Wait
		}
		return p.fresh()
	}
	if p.Busy >= p.Max {
		return Wait
	}
	return p.fresh()
}

func (p Pool) fresh() Placement {
	if p.SpareReady {
		return OpenSpare
	}
	return Spawn
}

const (
	backOffFirst = 100 * time.Millisecond
	backOffMost  = 5 * time.Second
)

// BackOff returns how long to wait before the next worker after so many
// crashes in a row. The first crash costs nothing: the next request is served
// at once.
func BackOff(crashes int) time.Duration {
	if crashes <= 1 {
		return 0
	}
	d := backOffFirst
	for range crashes - 2 {
		if d *= 2; d >= backOffMost {
			return backOffMost
		}
	}
	return d
}

// Sampling intervals. A tight ArrayBuffer loop overshoots by about 9 MB at
// 20 ms and by 1 MB at 5 ms (measured on Deno 2.9.6). An idle worker may start to
// allocate at any time (a timer, a WebSocket message), so the longest pause is
// what a loop can fill within memorySlack.
const (
	sampleFast = 5 * time.Millisecond
	sampleMost = 50 * time.Millisecond
)

// SampleAfter returns when to look at a worker again, given what was seen: the
// CPU used since the last look, the CPU left to the next threshold, and how
// long the last pause was. CPU time cannot grow faster than the clock, so it
// is enough to look when the rest could have been used; memory can, so a
// worker that runs is looked at often.
func SampleAfter(used, left, last time.Duration) time.Duration {
	if used < last/100 {
		return min(max(last*2, sampleFast), sampleMost)
	}
	if left <= sampleFast {
		return sampleFast / 2
	}
	return min(left, sampleFast*2)
}

// SampleTogether shortens the longest pause so that the workers that are idle
// are looked at together: waking up costs more than looking. now counts from
// any moment that is the same for all.
func SampleTogether(now, pause time.Duration) time.Duration {
	if pause < sampleMost {
		return pause
	}
	return pause - now%sampleMost
}
