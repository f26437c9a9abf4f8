package gateway

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"brink/policy"
)

// requestTarget returns the path and query of the request line, byte for byte.
func requestTarget(r *http.Request) string {
	target := r.RequestURI
	if _, rest, ok := strings.Cut(target, "://"); ok && !strings.HasPrefix(target, "/") {
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			target = rest[i:]
		} else {
			target = "/"
		}
	}
	if !strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "?") {
		return "/" // OPTIONS *, CONNECT host:port
	}
	if target[0] == '?' {
		target = "/" + target
	}
	return target
}

// slugOf returns the first part of a path such as /hello/a?x=1.
func slugOf(target string) string {
	slug := target[1:]
	if i := strings.IndexAny(slug, "/?"); i >= 0 {
		slug = slug[:i]
	}
	return slug
}

// internalSlug is not a function: health and metrics are below it.
const internalSlug = "_internal"

// route finds who answers a request.
func (g *Gateway) route(ctx context.Context, cancel context.CancelCauseFunc, w http.ResponseWriter, r *http.Request, v *visit) {
	t := g.table.Load()
	target := requestTarget(r)
	below, ok := strings.CutPrefix(target, functionsPrefix)
	if !ok {
		g.outside(ctx, w, r, v, t, target)
		return
	}
	target = "/" + below
	slug := slugOf(target)
	if slug == internalSlug {
		g.internal(w, v, target)
		return
	}
	fn, ok := t.Functions[slug]
	if !ok {
		v.cause = fmt.Sprintf("no function is called %q", slug)
		g.hintNearest(t, v, slug)
		replyRung(w, v, rungNotFound)
		return
	}
	v.function = fn.Name
	g.serve(ctx, cancel, w, r, v, t, fn, target)
}

// internal answers what the Supabase CLI's main service does: the CLI's own
// status command asks for the first.
func (g *Gateway) internal(w http.ResponseWriter, v *visit, target string) {
	v.quiet = true
	path, _, _ := strings.Cut(target, "?")
	switch path {
	case "/" + internalSlug + "/health":
		replyJSON(w, v, http.StatusOK, "", struct {
			Message string `json:"message"`
		}{"ok"})
	case "/" + internalSlug + "/metric":
		replyJSON(w, v, http.StatusOK, "", g.measure())
	default:
		replyRung(w, v, rungNotFound)
	}
}

// measure returns the counters, in the spelling of the hosted runtime where it
// has the same ones.
func (g *Gateway) measure() map[string]any {
	all := map[string]any{
		"receivedRequestsCount": g.counters.received.Load(),
		"handledRequestsCount":  g.counters.handled.Load(),
		"openSocketsCount":      g.counters.sockets.Load(),
		"cutSocketsCount":       g.counters.cutSockets.Load(),
	}
	if g.metrics != nil {
		maps.Copy(all, g.metrics())
	}
	return all
}

// methods are those the hosted platform lets through, and HEAD, which clients
// and health checks use.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// serve serves a request to a function: the gate, a lease, the exchange.
func (g *Gateway) serve(ctx context.Context, cancel context.CancelCauseFunc, w http.ResponseWriter, r *http.Request, v *visit, t *Table, fn Function, target string) {
	if !slices.Contains(methods, r.Method) {
		v.cause = "method not allowed"
		w.Header().Set("Allow", strings.Join(methods, ", "))
		replyJSON(w, v, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", errorBody{"METHOD_NOT_ALLOWED", "Method " + r.Method + " is not allowed"})
		return
	}
	if fn.VerifyJWT && r.Method != http.MethodOptions && !g.admit(ctx, w, r, v, t) {
		return
	}
	end, ok := g.endAsked(w, r, v)
	if !ok {
		return
	}
	lease, err := g.workers.Acquire(ctx, fn.Name)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		v.cause = explain(err, fn)
		replyRung(w, v, ladder(err))
		return
	}
	defer lease.Release()
	v.worker, v.limits = lease.Worker(), fn.Limits
	stop := context.AfterFunc(lease.Context(), func() { cancel(context.Cause(lease.Context())) })
	defer stop()
	v.before = lease.Usage()
	if end != policy.ReasonNone {
		g.end(fn.Name, v.worker, end)
	}
	x := &exchange{g: g, v: v, fn: fn, lease: lease, target: target, cancel: cancel}
	x.run(ctx, w, r)
	v.after, v.measured = lease.Usage(), true
	v.would = v.wouldHave(x.waited)
}

// admit says whether a request's token lets it pass, and answers it if not.
func (g *Gateway) admit(ctx context.Context, w http.ResponseWriter, r *http.Request, v *visit, t *Table) bool {
	if t.Verifier == nil {
		v.cause = "there are no keys to verify tokens with"
		replyRung(w, v, rungInternal)
		return false
	}
	refusal := t.Verifier.Verify(ctx, r.Header.Get("Authorization"), r.Header.Get("Apikey"))
	if refusal == nil {
		return true
	}
	v.cause = "token refused: " + refusal.Reason
	if upgradeOf(r) != "" {
		g.hintHandshakeRefused(v)
	}
	w.Header().Set(headerErrorCode, refusal.Code)
	reply(w, v, refusal.Status, "application/json", refusal.Body)
	return false
}
