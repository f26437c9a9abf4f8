package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"brink/policy"
	"brink/runtime/supervisor"
)

// StatusWorkerLimit is the hosted platform's status for a worker that died of
// a resource limit.
const StatusWorkerLimit = 546

// statusClientGone is written to records only: nobody is left to read it.
const statusClientGone = 499

// Causes that arise in the gateway itself.
var (
	errIdleTimeout = errors.New("no response within the idle timeout")
	errNoAnswer    = errors.New("the function closed the connection without answering")
	errCutShort    = errors.New("the function broke off its response")
	errBadBody     = errors.New("the request's body is malformed")
	errClientGone  = errors.New("the client went away")
)

// rung is one step of the ladder: what a client is told for one cause.
type rung struct {
	status  int
	code    string // header sb-error-code and field "code"
	message string // field "message"
	// closeCode goes to WebSocket clients in a Close frame; 0 drops the
	// connection without one, as hosted.
	closeCode   int
	closeReason string
}

// The bodies are those of the Supabase CLI's main service; the header carries
// the same code. For 546 the hosted platform's pages know both WORKER_LIMIT and
// WORKER_RESOURCE_LIMIT: header and body say WORKER_LIMIT here, since that is
// what every generation's body says and what clients compare with.
var (
	rungBoot     = rung{503, "BOOT_ERROR", "Worker failed to boot (please check logs)", 1011, "function failed to boot"}
	rungWorker   = rung{500, "WORKER_ERROR", "Function exited due to an error (please check logs)", 1011, "function crashed"}
	rungLimit    = rung{StatusWorkerLimit, "WORKER_LIMIT", "Worker failed to respond due to a resource limit (please check logs)", 0, ""}
	rungIdle     = rung{504, "IDLE_TIMEOUT", "Function did not respond within the request idle timeout (please check logs)", 0, ""}
	rungStatus   = rung{500, "INVALID_RESPONSE_STATUS_CODE", "Function returned a status code outside 101 and 200-599 (please check logs)", 0, ""}
	rungShutdown = rung{503, "SERVICE_UNAVAILABLE", "brink is shutting down", 1001, "going away"}
	rungRestart  = rung{503, "WORKER_RESTARTED", "Worker was restarted before it answered (please try again)", 1012, "service restart"}
	rungInternal = rung{500, "Internal Server Error", "Request failed due to an internal server error", 0, ""}
	rungNotFound = rung{404, "NOT_FOUND", "Function not found", 0, ""}
	rungBody     = rung{400, "BAD_REQUEST", "Request body is malformed", 0, ""}
	rungGone     = rung{status: statusClientGone}
)

// ladderOf maps a reason to its rung. Reasons that end no request in ordinary
// life (early drop, the end of another request, an unused spare) are internal
// errors for a request and a plain drop for a socket.
func ladderOf(r policy.Reason) rung {
	switch r {
	case policy.ReasonWallClock, policy.ReasonCPU, policy.ReasonMemory:
		return rungLimit
	case policy.ReasonLoadFailed:
		return rungBoot
	case policy.ReasonEvaluateFailed, policy.ReasonCrashed:
		return rungWorker
	case policy.ReasonTermination:
		return rungShutdown
	case policy.ReasonRestarted:
		return rungRestart
	case policy.ReasonNone, policy.ReasonRequestEnded, policy.ReasonEarlyDrop, policy.ReasonUnused:
		return rungInternal
	}
	return rungInternal
}

// ladder maps any cause to its rung. It is the only place where an error
// becomes a status or a close code.
func ladder(cause error) rung {
	if reason, ok := errors.AsType[policy.Reason](cause); ok {
		return ladderOf(reason)
	}
	switch {
	case errors.Is(cause, errIdleTimeout):
		return rungIdle
	case errors.Is(cause, errNoAnswer), errors.Is(cause, errCutShort):
		return rungWorker
	case errors.Is(cause, errBadBody):
		return rungBody
	case errors.Is(cause, supervisor.ErrQueueTimeout), errors.Is(cause, supervisor.ErrNotServing):
		return rungBoot
	case errors.Is(cause, supervisor.ErrNotFound):
		return rungNotFound
	case errors.Is(cause, supervisor.ErrClosed):
		return rungShutdown
	case errors.Is(cause, errClientGone), errors.Is(cause, context.Canceled), errors.Is(cause, context.DeadlineExceeded):
		return rungGone
	}
	return rungInternal
}

// explain returns a cause as the developer reads it in the request's line.
func explain(cause error, fn Function) string {
	if errors.Is(cause, errIdleTimeout) {
		return fmt.Sprintf("no response within %s (idle_timeout)", fn.Limits.IdleTimeout)
	}
	if reason, ok := errors.AsType[policy.Reason](cause); ok {
		switch reason {
		case policy.ReasonWallClock:
			return fmt.Sprintf("the worker reached its wall clock of %s", fn.Limits.WallClock)
		case policy.ReasonCPU:
			return fmt.Sprintf("the worker reached its CPU limit of %s", fn.Limits.CPUHard)
		case policy.ReasonMemory:
			return fmt.Sprintf("the worker reached its memory limit of %d MB", fn.Limits.Memory/policy.MiB)
		case policy.ReasonTermination:
			return "brink is shutting down"
		case policy.ReasonRestarted:
			return "the worker was restarted"
		case policy.ReasonCrashed:
			return "the worker ended by itself"
		case policy.ReasonLoadFailed:
			return "the function did not load"
		case policy.ReasonEvaluateFailed:
			return "the function threw while it was evaluated"
		default:
			return reason.Error()
		}
	}
	if ladder(cause) == rungGone {
		return errClientGone.Error()
	}
	return cause.Error()
}

// validStatus says whether a function may answer with this status: 101, or 200
// to 599, as the hosted platform's page on error codes says.
func validStatus(code int) bool {
	return code == http.StatusSwitchingProtocols || code >= 200 && code <= 599
}
