package policy

import "fmt"

// Reason says why a worker ended. As an error it is the cause of the context
// that every request on that worker runs under, so that one ladder can map it
// to an HTTP status or a WebSocket close code.
type Reason uint8

const (
	// ReasonNone is the zero value: the worker lives.
	ReasonNone Reason = iota
	// ReasonRequestEnded is the ordinary end under per_request.
	ReasonRequestEnded
	// ReasonEarlyDrop ends a retired worker that has nothing left to do.
	ReasonEarlyDrop
	// ReasonWallClock, ReasonCPU and ReasonMemory are the hard limits.
	ReasonWallClock
	ReasonCPU
	ReasonMemory
	// ReasonTermination is the shutdown of brink itself.
	ReasonTermination
	// ReasonRestarted is a restart, a reload or a change of configuration.
	ReasonRestarted
	// ReasonCrashed is a worker that ended by itself after it was ready.
	ReasonCrashed
	// ReasonLoadFailed is a worker whose module graph did not load: syntax
	// error, missing module, build error. Hosted: BOOT_ERROR, 503.
	ReasonLoadFailed
	// ReasonEvaluateFailed is a worker whose code threw while it was being
	// evaluated. Hosted: WORKER_ERROR, 500.
	ReasonEvaluateFailed
	// ReasonUnused ends a spare that nobody needs any more.
	ReasonUnused

	reasonCount
)

var reasonNames = [...]string{
	"none", "request_ended", "early_drop", "wall_clock", "cpu", "memory", "termination",
	"restarted", "crashed", "load_failed", "evaluate_failed", "unused",
}

// String returns the reason as logs and `beforeunload` spell it.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Error makes a Reason usable as the cause of a cancelled context.
func (r Reason) Error() string { return "worker ended: " + r.String() }

// IsLimit says whether the worker died of a resource limit (546 when hosted).
func (r Reason) IsLimit() bool {
	return r == ReasonWallClock || r == ReasonCPU || r == ReasonMemory
}

// ShutdownName returns the reason as the hosted runtime's Shutdown event
// spells it (edge-runtime's ShutdownReason).
func (r Reason) ShutdownName() string {
	switch r {
	case ReasonWallClock:
		return "WallClockTime"
	case ReasonCPU:
		return "CPUTime"
	case ReasonMemory:
		return "Memory"
	case ReasonTermination, ReasonRestarted:
		return "TerminationRequested"
	default:
		return "EarlyDrop"
	}
}
