package supervisor

import (
	"cmp"
	"context"
	"time"

	"brink/policy"
)

// member is one worker of a pool. Fields are guarded by the pool's lock unless
// said otherwise.
type member struct {
	pool   *pool
	id     string
	stamp  string        // of the files its process fixed at its start
	kind   policy.Kind   // does not change once the gate is open
	limits policy.Limits // likewise
	crash  Crash         // does not change

	// ctx ends with the worker, its cause is a policy.Reason. cancel is called
	// by carry. Neither changes.
	ctx    context.Context
	cancel context.CancelCauseFunc
	proc   Process // set before anybody else sees the member

	state   policy.Worker
	wanted  bool  // a request or a restart wants the gate opened
	atGate  bool  // it said waiting
	boot    *boot // who waits for it to become ready; nil for spares and once answered
	sockets map[*socket]struct{}
	todo    []func() // not carried out yet
	busy    bool     // somebody carries them out
	timers  [policy.TimerUnload + 1]*time.Timer

	created        time.Time
	opened         time.Time
	ready          time.Time
	requests       int
	opens          int      // sockets ever
	output         []string // stderr lines while booting: the engine's own error text
	report         []string // held back: the language's report of a crash, so far
	unreport       *time.Timer
	faulted        bool // the user's failure was shown
	faultAt        policy.Reason
	mute           bool        // it loaded and nothing listened
	slow           *time.Timer // runs while the user's code loads
	unserved       *time.Timer // runs while loaded and nothing listens
	resident       int64       // at the last sample
	reported       int64       // heap plus external, as the worker said last
	heap, external int64
	failure        string // text of the user's last failure
	sampler        *time.Timer
	pause          time.Duration // of the sampler
	cpu            time.Duration // at the last sample
	peak           int64
	asked          time.Time // last AskMemory
	asking         bool      // it was not answered yet
	askPause       time.Duration
	accounted      struct { // when it last accounted for its memory
		cpu      time.Duration
		resident int64
	}
}

// live says whether user code was, or is about to be, read by the worker.
func (m *member) live() bool { return m.wanted || m.state.Phase != policy.Spare }

// measure reads what the worker uses now.
func (m *member) measure() policy.Usage {
	cpu, resident := m.proc.Sample()
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	return m.record(cpu, resident)
}

// record notes a reading. Until the worker has accounted for its memory,
// resident memory is all that is known, and no peak is made of it: it holds
// code and caches too. The pool's lock is held.
func (m *member) record(cpu time.Duration, resident int64) policy.Usage {
	m.resident = cmp.Or(resident, m.resident)
	used := policy.Sampled{Resident: m.resident, Reported: m.reported}.Memory()
	m.peak = max(m.peak, used)
	m.cpu = max(m.cpu, cpu)
	if m.reported == 0 {
		used = m.resident
	}
	u := policy.Usage{CPU: m.cpu, Memory: used, Peak: max(m.peak, used), Tasks: m.state.Tasks}
	if !m.opened.IsZero() {
		u.Wall = time.Since(m.opened)
	}
	return u
}
