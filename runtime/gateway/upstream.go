package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// forward passes a request on to a real Supabase, WebSockets included. That is
// an ordinary server far away, so net/http's own proxy does it.
func (g *Gateway) forward(ctx context.Context, w http.ResponseWriter, r *http.Request, v *visit, to *url.URL) {
	seen := &statusWriter{ResponseWriter: w}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to) // and the Host with it
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetXForwarded()
		},
		ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			v.cause = fmt.Sprintf("upstream %s did not answer: %v", to.Redacted(), err)
			if r.Context().Err() != nil {
				replyRung(w, v, rungGone)
				return
			}
			replyJSON(w, v, http.StatusBadGateway, "UPSTREAM_ERROR", errorBody{"UPSTREAM_ERROR",
				fmt.Sprintf("the upstream %s did not answer: is it running, and is --upstream right?", to.Redacted())})
		},
		Transport: g.upstream,
	}
	defer func() { // also when the proxy breaks off a response by a panic
		if v.status == 0 {
			v.status, v.wrote = seen.status, seen.status != 0
		}
	}()
	proxy.ServeHTTP(seen, r.WithContext(ctx))
}

// newUpstreamTransport returns the transport for a whole gateway.
func newUpstreamTransport() *http.Transport {
	return &http.Transport{
		MaxIdleConns: 64, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: 10 * time.Second, DisableCompression: true,
	}
}

// statusWriter notes the final status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (w *statusWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
