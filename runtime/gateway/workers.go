package gateway

import (
	"context"
	"net"

	"brink/policy"
)

// Workers hands out workers; the supervisor does.
type Workers interface {
	// Acquire blocks until a worker of the function may take one more request,
	// or ctx ends. Its error wraps a policy.Reason when a worker was started
	// and failed, else one of the supervisor's errors.
	Acquire(ctx context.Context, function string) (Lease, error)
}

// Lease is one request's share of a worker. The gateway calls Release exactly
// when the request is over, or Upgrade when it became a socket.
type Lease interface {
	// Worker is the execution id.
	Worker() string
	// Context ends with the worker; its cause is a policy.Reason.
	Context() context.Context
	// Dial opens a new connection to the worker's HTTP socket.
	Dial(ctx context.Context) (net.Conn, error)
	// Usage is what the worker has used so far.
	Usage() policy.Usage
	// Release says that the request is over. It is idempotent.
	Release()
	// Upgrade says that the request became a socket. closeSocket asks for a
	// Close frame with that code toward both sides; it never blocks and may be
	// called at any time, by any goroutine. done says that the socket ended;
	// it is idempotent.
	Upgrade(closeSocket func(code int, reason string)) (done func())
}
