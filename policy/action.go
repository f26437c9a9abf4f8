package policy

import "time"

// Action is something that has to be done to one worker, in order. The types
// below are all there are.
type Action interface{ action() }

type (
	// Arm starts a timer; TimerFired reports its end.
	Arm struct {
		Timer Timer
		After time.Duration
	}
	// TellUnload dispatches beforeunload in the worker with this reason.
	TellUnload struct{ Reason Reason }
	// TellDrain tells the worker that nothing new will come.
	TellDrain struct{ Reason Reason }
	// CloseSockets sends a Close frame with this code on each open WebSocket.
	CloseSockets struct{ Code int }
	// End ends everything on the worker with Reason as the cause, and kills
	// its process. It is the last action of a worker's life.
	End struct{ Reason Reason }
	// Note is something the user should read once. Limit names which limit it
	// is about, Stage how far it went.
	Note struct {
		Limit Reason
		Stage Stage
	}
)

func (Arm) action()          {}
func (TellUnload) action()   {}
func (TellDrain) action()    {}
func (CloseSockets) action() {}
func (End) action()          {}
func (Note) action()         {}

// Stage says how far a worker has come on the way to a limit.
type Stage uint8

const (
	// StageRetired: half the wall clock, or the CPU soft limit: it takes no
	// new requests.
	StageRetired Stage = iota
	// StageReached: the limit itself; the worker is ended.
	StageReached
	// StageWould: the limit itself under Warn; hosted would have ended it.
	StageWould
)

// WebSocket close codes brink sends, RFC 6455 section 7.4.1 and the IANA
// registry (1012).
const (
	CloseGoingAway      = 1001
	CloseInternalError  = 1011
	CloseServiceRestart = 1012
)
