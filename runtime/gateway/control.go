package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"brink/policy"
	"brink/runtime/supervisor"
)

// Controls is what a running brink can be asked to do. Its methods are called
// by many goroutines at once. An error that wraps supervisor.ErrNotFound says
// that a named function is not served.
type Controls interface {
	// Restart restarts the named functions, or all for no names, and returns
	// those it restarted.
	Restart(ctx context.Context, names []string) ([]string, error)
	// End ends a function's workers as if that had happened to them, and
	// returns how many there were.
	End(ctx context.Context, name string, reason policy.Reason) (int, error)
	// Status returns what `brink functions list` shows; it is sent as JSON.
	Status() any
}

// The paths of the control API. All take and give JSON.
const (
	pathRestart = "/v1/restart" // POST
	pathEnd     = "/v1/end"     // POST
	pathStatus  = "/v1/status"  // GET
)

// EndReasons are the accepted names of `brink functions end --reason`.
var EndReasons = []string{"wall_clock", "cpu", "memory", "early_drop", "termination", "crash"}

// ParseEndReason reads one of EndReasons. Its error names what is allowed.
func ParseEndReason(name string) (policy.Reason, error) {
	switch name {
	case "wall_clock":
		return policy.ReasonWallClock, nil
	case "cpu":
		return policy.ReasonCPU, nil
	case "memory":
		return policy.ReasonMemory, nil
	case "early_drop":
		return policy.ReasonEarlyDrop, nil
	case "termination":
		return policy.ReasonTermination, nil
	case "crash":
		return policy.ReasonCrashed, nil
	}
	return policy.ReasonNone, fmt.Errorf("reason is %q: allowed are %v", name, EndReasons)
}

type restartRequest struct {
	Functions []string `json:"functions"`
}

type restartAnswer struct {
	Restarted []string `json:"restarted"`
}

type endRequest struct {
	Function string `json:"function"`
	Reason   string `json:"reason"`
}

type endAnswer struct {
	Ended int `json:"ended"`
}

type controlFault struct {
	Message string `json:"message"`
}

// maxControlBody bounds what a control request may say.
const maxControlBody = 1 << 20

// ControlHandler returns the control API of a running brink, for a listener
// that only its user can reach, such as a Unix socket in a private folder.
func ControlHandler(c Controls) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathRestart, func(w http.ResponseWriter, r *http.Request) {
		control(w, r, func(ctx context.Context, q restartRequest) (restartAnswer, error) {
			names, err := c.Restart(ctx, q.Functions)
			return restartAnswer{names}, err
		})
	})
	mux.HandleFunc("POST "+pathEnd, func(w http.ResponseWriter, r *http.Request) {
		control(w, r, func(ctx context.Context, q endRequest) (endAnswer, error) {
			reason, err := ParseEndReason(q.Reason)
			if err != nil {
				return endAnswer{}, badRequest{err}
			}
			n, err := c.End(ctx, q.Function, reason)
			return endAnswer{n}, err
		})
	})
	mux.HandleFunc("GET "+pathStatus, func(w http.ResponseWriter, _ *http.Request) {
		writeControl(w, http.StatusOK, c.Status())
	})
	return mux
}

// badRequest marks an error in what was asked.
type badRequest struct{ error }

// control decodes a request, does it, and encodes the answer.
func control[Q, A any](w http.ResponseWriter, r *http.Request, do func(context.Context, Q) (A, error)) {
	var q Q
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody)).Decode(&q); err != nil {
		writeControl(w, http.StatusBadRequest, controlFault{"cannot read the request: " + err.Error()})
		return
	}
	a, err := do(r.Context(), q)
	_, bad := errors.AsType[badRequest](err)
	switch {
	case err == nil:
		writeControl(w, http.StatusOK, a)
	case bad:
		writeControl(w, http.StatusBadRequest, controlFault{err.Error()})
	case errors.Is(err, supervisor.ErrNotFound):
		writeControl(w, http.StatusNotFound, controlFault{err.Error()})
	default:
		writeControl(w, http.StatusInternalServerError, controlFault{err.Error()})
	}
}

func writeControl(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"message":"cannot encode the answer"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that left is not an error of ours
}
