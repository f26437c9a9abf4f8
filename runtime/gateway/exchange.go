package gateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"brink/policy"
)

// exchange is one request handed to one worker.
type exchange struct {
	g      *Gateway
	v      *visit
	fn     Function
	lease  Lease
	target string // request target for the worker, byte for byte
	// cancel ends the exchange with a cause; whatever ends it early does so
	// through this.
	cancel context.CancelCauseFunc

	link   *link
	pool   *pool       // nil: the link is used once
	unlink func() bool // stops ctx from closing the link
	waited time.Duration
}

// run hands the request over and relays the answer. It returns when the
// request is over.
func (x *exchange) run(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	upgrade := upgradeOf(r)
	if err := x.handOver(ctx, r, upgrade); err != nil {
		x.fail(ctx, w, err)
		return
	}
	up := x.upload(ctx, w, r)
	resp, err := x.answer(ctx, w, r, up)
	switch {
	case err != nil:
		x.link.conn.Close()
		x.fail(ctx, w, err)
		up.finish()
	case upgrade != "":
		x.switchProtocols(ctx, w, r, resp, upgrade)
		return
	case !validStatus(resp.StatusCode) || resp.StatusCode == http.StatusSwitchingProtocols:
		x.link.conn.Close()
		x.v.cause = fmt.Sprintf("the function answered with status %d", resp.StatusCode)
		replyRung(w, x.v, rungStatus)
		up.finish()
	default:
		x.relay(ctx, w, r, resp, up)
		return
	}
	x.unlink()
	x.link.free()
}

// handOver sends the request head on an idle connection or a new one. A
// request of which the worker may have got a single byte is never sent again.
func (x *exchange) handOver(ctx context.Context, r *http.Request, upgrade string) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	head := appendHead((*buf)[:0], r, x.v.id, x.target, upgrade)
	if x.fn.Kind == policy.PerWorker && upgrade == "" {
		x.pool = x.g.pools.of(x.lease)
	}
	for {
		if err := x.connect(ctx); err != nil {
			return err
		}
		n, err := x.link.conn.Write(head)
		if err == nil {
			return nil
		}
		retry := n == 0 && x.link.reused && ctx.Err() == nil
		x.unlink()
		x.link.discard()
		if !retry {
			return fmt.Errorf("cannot hand over the request: %w", err)
		}
	}
}

// connect sets link, and has ctx close it.
func (x *exchange) connect(ctx context.Context) error {
	x.link = nil
	if x.pool != nil {
		x.link = x.pool.get()
	}
	if x.link == nil {
		conn, err := x.lease.Dial(ctx)
		if err != nil {
			return fmt.Errorf("cannot connect to the worker: %w", err)
		}
		x.link = newLink(conn)
	}
	conn := x.link.conn
	x.unlink = context.AfterFunc(ctx, func() { conn.Close() })
	return nil
}

// answer reads the response head, passing on informational ones. The idle
// timeout runs until it is there.
func (x *exchange) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, up *upload) (*http.Response, error) {
	limits, started := x.fn.Limits, time.Now()
	if limits.Enforcement == policy.Enforce && limits.IdleTimeout > 0 {
		idle := time.AfterFunc(limits.IdleTimeout, func() { x.cancel(errIdleTimeout) })
		defer idle.Stop()
	}
	for {
		resp, err := x.link.head(r)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusContinue {
			up.proceed()
			continue
		}
		if resp.StatusCode >= 100 && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			inform(w, resp)
			continue
		}
		x.waited = time.Since(started)
		return resp, ctx.Err()
	}
}

// inform passes on an informational response, such as 103 Early Hints.
func inform(w http.ResponseWriter, resp *http.Response) {
	h := w.Header()
	copyAnswer(h, resp.Header)
	w.WriteHeader(resp.StatusCode)
	clear(h)
}

// fail makes the answer to a request that got none from its worker.
func (x *exchange) fail(ctx context.Context, w http.ResponseWriter, err error) {
	cause := x.settle(ctx, err, errNoAnswer)
	x.v.cause = explain(cause, x.fn)
	replyRung(w, x.v, ladder(cause))
}

// settle finds out why the connection to the worker failed. A killed worker's
// connections end a moment before its end is known, so it waits a little for
// that; other is the cause when the worker lives on.
func (x *exchange) settle(ctx context.Context, err, other error) error {
	if ctx.Err() == nil {
		grace := time.NewTimer(x.g.times.reason)
		defer grace.Stop()
		select {
		case <-ctx.Done():
		case <-grace.C:
			return fmt.Errorf("%w (%w)", other, bare(err))
		}
	}
	return context.Cause(ctx)
}

// bare strips the addresses from a network error: they name a private socket.
func bare(err error) error {
	if op, ok := err.(*net.OpError); ok {
		return op.Err
	}
	return err
}
