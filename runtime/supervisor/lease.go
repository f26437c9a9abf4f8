package supervisor

import (
	"context"
	"sync"

	"brink/policy"
)

// Lease is one request's hold on a worker. It ends with Release, or with
// Upgrade when the request became a WebSocket.
type Lease struct {
	m    *member
	once sync.Once
}

// Worker returns the worker's execution id.
func (l *Lease) Worker() string { return l.m.id }

// Context ends with the worker; its cause is a policy.Reason. It is the same
// for all leases on one worker.
func (l *Lease) Context() context.Context { return l.m.ctx }

// Dial opens a new connection to the worker's HTTP socket.
func (l *Lease) Dial(ctx context.Context) (Conn, error) { return l.m.proc.Dial(ctx) }

// Usage returns what the worker has used so far, measured now.
func (l *Lease) Usage() policy.Usage { return l.m.measure() }

// Release ends the request. Only the first call of Release or Upgrade counts.
func (l *Lease) Release() {
	l.once.Do(func() { l.m.pool.post(l.m, policy.RequestEnded{}) })
}

// Upgrade turns the request into an open WebSocket: the request is over, the
// socket counts until done is called. closeSocket is called, at most once and
// from another goroutine, when the socket has to be closed with a Close frame
// of that code; it must not block.
func (l *Lease) Upgrade(closeSocket func(code int, reason string)) (done func()) {
	done = func() {}
	l.once.Do(func() {
		s := &socket{close: closeSocket}
		l.m.pool.openSocket(l.m, s)
		done = sync.OnceFunc(func() { l.m.pool.closeSocket(l.m, s) })
	})
	return done
}

// socket is one open WebSocket, as far as the supervisor can act on it.
type socket struct {
	close func(code int, reason string)
}
