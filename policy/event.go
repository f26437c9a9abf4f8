package policy

import "time"

// Event is something that happened to one worker. The types below are all
// there are.
type Event interface{ event() }

type (
	// GateOpened: the worker was told to read the user's code. Its life, as the
	// limits count it, starts here.
	GateOpened struct{}
	// BecameReady: it accepts requests.
	BecameReady struct{}
	// RequestStarted: a request was given to it.
	RequestStarted struct{}
	// RequestEnded: the response body ended, or the request failed.
	RequestEnded struct{}
	// SocketOpened: a request was answered with 101; it ended with that, and a
	// WebSocket is open.
	SocketOpened struct{}
	// SocketClosed: that WebSocket is gone.
	SocketClosed struct{}
	// TasksChanged: so many background tasks are not settled.
	TasksChanged struct{ Pending int }
	// Sampled: what the worker has used so far. Resident is memory over the
	// booted baseline; Reported is V8 heap plus external memory as the worker
	// itself last said, 0 when it has not.
	Sampled struct {
		CPU                time.Duration
		Resident, Reported int64
	}
	// TimerFired: a timer that an Arm action asked for has run out.
	TimerFired struct{ Timer Timer }
	// UnloadReturned: the synchronous part of its beforeunload listeners is over.
	UnloadReturned struct{}
	// RestartAsked: a newer worker takes over (restart, reload, configuration).
	RestartAsked struct{}
	// TerminationAsked: brink is shutting down and waits Grace for what is in
	// flight.
	TerminationAsked struct{ Grace time.Duration }
	// EndAsked: a rehearsal of Reason, as the real limit would end it.
	EndAsked struct{ Reason Reason }
	// KillAsked: a shutdown has waited long enough.
	KillAsked struct{}
	// Discarded: a spare, or a worker nobody waits for, is not needed any more.
	Discarded struct{}
	// Exited: the process ended by itself; Reason says how it looked.
	Exited struct{ Reason Reason }
)

func (GateOpened) event()       {}
func (BecameReady) event()      {}
func (RequestStarted) event()   {}
func (RequestEnded) event()     {}
func (SocketOpened) event()     {}
func (SocketClosed) event()     {}
func (TasksChanged) event()     {}
func (Sampled) event()          {}
func (TimerFired) event()       {}
func (UnloadReturned) event()   {}
func (RestartAsked) event()     {}
func (TerminationAsked) event() {}
func (EndAsked) event()         {}
func (KillAsked) event()        {}
func (Discarded) event()        {}
func (Exited) event()           {}

// Memory is what counts against the limit, in bytes: the worker's own account,
// or resident memory beyond the slack when that is more.
func (s Sampled) Memory() int64 { return max(s.Reported, s.Resident-memorySlack, 0) }

// Timer names one of a worker's timers. Each is armed at most once.
type Timer uint8

const (
	// TimerHalf runs out at half of the wall clock.
	TimerHalf Timer = iota
	// TimerNinety runs out at 90 % of the wall clock.
	TimerNinety
	// TimerWall runs out at the wall clock.
	TimerWall
	// TimerDrain runs out when a replaced worker's sockets have to go, or when
	// a shutdown has waited long enough.
	TimerDrain
	// TimerUnload runs out when beforeunload listeners have not returned.
	TimerUnload
)

// String names the timer for logs and tests.
func (t Timer) String() string {
	return [...]string{"half", "ninety", "wall", "drain", "unload"}[t]
}
