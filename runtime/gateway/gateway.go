package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"brink/policy"
	"brink/runtime/supervisor"
)

// Options are what a Gateway is made of. Workers and Logger are needed.
type Options struct {
	Workers Workers
	Logger  *slog.Logger
	// Nearest returns the name among known that name was perhaps meant to be,
	// or "". Nil offers none.
	Nearest func(name string, known []string) string
	// Metrics adds to what /functions/v1/_internal/metric shows. May be nil.
	Metrics func() map[string]any
	// End ends a worker for a reason, when a request asks for that with
	// HeaderEnd. Nil ignores the header.
	End func(function, worker string, reason policy.Reason)
	// BaseURL is the address printed in the list at /; "" takes the request's.
	BaseURL string
}

// Gateway serves functions over HTTP. It is an http.Handler for an http.Server
// on TCP; see NewServer. All methods may be called by many goroutines at once.
type Gateway struct {
	workers Workers
	log     *slog.Logger
	nearest func(string, []string) string
	metrics func() map[string]any
	end     func(function, worker string, reason policy.Reason) // nil: nobody may
	baseURL string

	table    atomic.Pointer[Table]
	pools    pools
	onces    onces
	counters counters
	times    times
	upstream *http.Transport

	mu     sync.Mutex
	open   map[*visit]context.CancelCauseFunc // guarded by mu: requests being served
	closed bool                               // guarded by mu
	wg     sync.WaitGroup                     // counts open
}

// times are the gateway's own waits, apart from the limits of functions.
type times struct {
	reason   time.Duration // for a worker's end to be known after its connection ended
	expect   time.Duration // for a worker to answer Expect: 100-continue
	leftover time.Duration // for the rest of a body that nobody wants
	grace    time.Duration // for both sides to answer brink's Close frame
	linger   time.Duration // silence of the side that is left when the other has ended
	closing  time.Duration // between the first Close frame of the two sides and the second
}

// counters are what _internal/metric shows of the gateway itself.
type counters struct {
	received   atomic.Int64
	handled    atomic.Int64
	sockets    atomic.Int64 // open
	cutSockets atomic.Int64 // closed at once by per_request
}

// New returns a Gateway that serves nothing yet: see SetTable.
func New(o Options) *Gateway {
	g := &Gateway{
		workers: o.Workers, log: o.Logger, nearest: o.Nearest, metrics: o.Metrics, end: o.End, baseURL: o.BaseURL,
		open: map[*visit]context.CancelCauseFunc{}, upstream: newUpstreamTransport(),
		times: times{
			reason: 500 * time.Millisecond, expect: time.Second, leftover: 500 * time.Millisecond,
			grace: 2 * time.Second, linger: 10 * time.Second, closing: 30 * time.Second,
		},
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.nearest == nil {
		g.nearest = func(string, []string) string { return "" }
	}
	g.table.Store(&Table{})
	return g
}

// SetTable replaces what is served. Requests that are being served keep the
// table they started with.
func (g *Gateway) SetTable(t Table) { g.table.Store(&t) }

// Close ends everything that is being served: WebSockets get Close 1001,
// requests without an answer 503, responses that have begun are cut. It returns
// when all of it has ended, a few seconds later at most; requests that come
// later get 503. It is idempotent. A graceful end calls http.Server.Shutdown
// first.
func (g *Gateway) Close() error {
	g.mu.Lock()
	g.closed = true
	for _, cancel := range g.open {
		cancel(policy.ReasonTermination)
	}
	g.mu.Unlock()
	g.wg.Wait()
	g.pools.close()
	g.upstream.CloseIdleConnections()
	return nil
}

// enter registers a visit, unless the gateway is closed.
func (g *Gateway) enter(v *visit, cancel context.CancelCauseFunc) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.open[v] = cancel
	g.wg.Add(1)
	return true
}

func (g *Gateway) leave(v *visit) {
	g.mu.Lock()
	delete(g.open, v)
	g.mu.Unlock()
	g.wg.Done()
}

// ServeHTTP serves one request, and writes its record when it is over. A
// response that has to be cut ends in a panic with http.ErrAbortHandler, as
// net/http wants it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := newVisit(r)
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	g.counters.received.Add(1)
	defer g.counters.handled.Add(1)
	if !g.enter(v, cancel) {
		v.cause = explain(policy.ReasonTermination, Function{})
		replyRung(w, v, ladder(supervisor.ErrClosed))
		g.record(v)
		return
	}
	func() {
		defer g.leave(v)
		defer g.record(v)
		defer g.recover(w, v)
		g.route(ctx, cancel, w, r, v)
	}()
	if v.abort {
		panic(http.ErrAbortHandler)
	}
}

// recover turns a panic of ours into a 500 and an error record with its stack.
func (g *Gateway) recover(w http.ResponseWriter, v *visit) {
	fault := recover()
	if fault == nil {
		return
	}
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		v.abort = true
		return
	}
	g.log.Error("error", slog.String("function", v.function), slog.String("request_id", v.id),
		slog.String("message", fmt.Sprintf("brink failed to serve %s %s: %v (please report this)", v.method, v.path, fault)),
		slog.String("stack", string(debug.Stack())))
	v.cause = "brink failed"
	if v.wrote {
		v.abort = true
		return
	}
	replyRung(w, v, rungInternal)
}
