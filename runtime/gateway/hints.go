package gateway

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"brink/policy"
)

// maxHints bounds the memory of hints already given: clients choose some of
// the keys.
const maxHints = 1000

// onces remembers which advice was given already.
type onces struct {
	mu   sync.Mutex
	seen map[string]struct{} // guarded by mu
}

// first says whether key is seen for the first time. Beyond maxHints it says
// no.
func (o *onces) first(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.seen[key]; ok || len(o.seen) >= maxHints {
		return false
	}
	if o.seen == nil {
		o.seen = map[string]struct{}{}
	}
	o.seen[key] = struct{}{}
	return true
}

// hint gives a piece of advice, once for each topic and function.
func (g *Gateway) hint(topic string, v *visit, message string) {
	if g.onces.first(topic + "\x00" + v.function) {
		g.log.Warn("hint", slog.String("function", v.function), slog.String("request_id", v.id), slog.String("message", message))
	}
}

// hintNearest reports an unknown function and the name that was perhaps meant.
func (g *Gateway) hintNearest(t *Table, v *visit, slug string) {
	if !g.onces.first("unknown\x00" + slug) {
		return
	}
	names := t.names()
	message := fmt.Sprintf("no function is called %q", slug)
	switch near := g.nearest(slug, names); {
	case near != "":
		message += fmt.Sprintf(": did you mean %q?", near)
	case len(names) > 0:
		message += ": there are " + strings.Join(names[:min(len(names), 10)], ", ")
	default:
		message += ": no function is served"
	}
	g.log.Warn("hint", slog.String("request_id", v.id), slog.String("message", message))
}

// hintCORS tells that a browser will not hand this response to its page.
func (g *Gateway) hintCORS(v *visit, r *http.Request, answer http.Header) {
	origin := r.Header.Get("Origin")
	if origin == "" || answer.Get("Access-Control-Allow-Origin") != "" {
		return
	}
	if u, err := url.Parse(origin); err == nil && strings.EqualFold(u.Host, r.Host) {
		return
	}
	g.hint("cors", v, fmt.Sprintf("%s answered %s for %s without Access-Control-Allow-Origin, so a browser will not show it to the page: "+
		`answer OPTIONS and set "Access-Control-Allow-Origin": "*" (and Access-Control-Allow-Headers: authorization, x-client-info, apikey, content-type) in the function`, v.function, v.method, origin))
}

// hintUpgrade tells what the hosted platform would do with a socket, unless a
// background task keeps the worker there too.
func (g *Gateway) hintUpgrade(v *visit, fn Function, lease Lease) {
	if lease.Usage().Tasks > 0 {
		return
	}
	if fn.Kind != policy.PerWorker || fn.Parity != policy.ParityRelaxed || fn.Limits.WallClock <= 0 {
		return
	}
	g.hint("half", v, fmt.Sprintf("hosted, this WebSocket to %s would be dropped when its worker is %s old, half of the wall clock: "+
		"hold a promise with EdgeRuntime.waitUntil() until the socket closes, or try it with parity = \"strict\"", fn.Name, fn.Limits.WallClock/2))
}

// hintHandshakeRefused tells how a WebSocket client can authenticate.
func (g *Gateway) hintHandshakeRefused(v *visit) {
	g.hint("handshake", v, fmt.Sprintf("a WebSocket handshake to %s was refused with 401: browsers cannot send an Authorization header with it. "+
		"Set verify_jwt = false in [functions.%s] (or serve with --no-verify-jwt) and check a token in the function, sent as ?jwt=… or as a subprotocol (Sec-WebSocket-Protocol: jwt-…)", v.function, v.function))
}

// hintPerRequest tells why a socket closed at once.
func (g *Gateway) hintPerRequest(v *visit) {
	g.hint("per_request", v, fmt.Sprintf("WebSocket to %s closed at once: policy per_request ends the worker with the response; set policy = \"per_worker\" in [edge_runtime]", v.function))
}
