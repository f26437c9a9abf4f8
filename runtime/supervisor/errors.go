package supervisor

import "errors"

// Errors of Acquire. Where a worker was started and failed, the error wraps
// the policy.Reason instead.
var (
	// ErrNotFound: no function of that name is served.
	ErrNotFound = errors.New("function not found")
	// ErrQueueTimeout: the function's workers were all busy for the whole
	// request-wait time (10 s, as edge-runtime's --request-wait-timeout).
	ErrQueueTimeout = errors.New("worker did not respond in time")
	// ErrNotServing: the function's module was evaluated and nothing listens.
	ErrNotServing = errors.New("function loaded but serves nothing")
	// ErrClosed: brink is shutting down.
	ErrClosed = errors.New("brink is shutting down")
)
