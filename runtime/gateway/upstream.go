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
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to) // and the Host with it
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetXForwarded()
		},
		ModifyResponse: func(resp *http.Response) error {
			v.status, v.wrote = resp.StatusCode, true
			v.socket = resp.StatusCode == http.StatusSwitchingProtocols
			return nil
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
	proxy.ServeHTTP(w, r.WithContext(ctx))
}

// newUpstreamTransport returns the transport for a whole gateway.
func newUpstreamTransport() *http.Transport {
	return &http.Transport{
		MaxIdleConns: 64, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: 10 * time.Second, DisableCompression: true,
	}
}
