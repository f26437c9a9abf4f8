package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// outside answers everything outside /functions/v1/: the upstream does, if
// there is one.
func (g *Gateway) outside(ctx context.Context, w http.ResponseWriter, r *http.Request, v *visit, t *Table, target string) {
	if t.Upstream != nil {
		g.forward(ctx, w, r, v, t.Upstream)
		return
	}
	path, _, _ := strings.Cut(target, "?")
	switch {
	case strings.HasPrefix(path, "/auth/v1/") && r.Method == http.MethodOptions:
		preflight(w, r, v)
	case path == "/auth/v1/user" && t.Verifier != nil && r.Method == http.MethodGet:
		status, body := t.Verifier.User(ctx, r.Header.Get("Authorization"))
		reply(w, v, status, "application/json", body)
	case path == "/auth/v1/.well-known/jwks.json" && t.Verifier != nil:
		reply(w, v, http.StatusOK, "application/json", t.Verifier.PublicJWKS())
	case path == "/auth/v1/health":
		v.quiet = true
		replyJSON(w, v, http.StatusOK, "", struct {
			Name        string `json:"name"`
			Description string `json:"description"`
		}{"brink", "brink answers /auth/v1/user and /auth/v1/.well-known/jwks.json"})
	case isAPI(path):
		v.cause = "not part of brink"
		service, _, _ := strings.Cut(path[1:], "/v1/")
		replyJSON(w, v, http.StatusNotImplemented, "NO_UPSTREAM", errorBody{"NO_UPSTREAM",
			fmt.Sprintf("brink serves functions, not %s: serve with --upstream URL (or upstream = \"URL\" in [edge_runtime]) to have /%s/v1/ answered by a real Supabase", service, service)})
	case path == "/":
		g.index(w, r, v, t)
	default:
		reply(w, v, http.StatusNotFound, "text/plain", []byte("Not Found"))
	}
}

// isAPI says whether a path is one of Supabase's services': /rest/v1/…
func isAPI(path string) bool {
	service, _, ok := strings.Cut(path[1:]+"/", "/v1/")
	return ok && service != "" && service != "functions" && !strings.Contains(service, "/")
}

// preflight answers a browser's question before a call to /auth/v1/.
func preflight(w http.ResponseWriter, r *http.Request, v *visit) {
	h := w.Header()
	allowCORS(h)
	h.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	v.status = http.StatusNoContent
	w.WriteHeader(http.StatusNoContent)
}

// index lists the functions' URLs.
func (g *Gateway) index(w http.ResponseWriter, r *http.Request, v *visit, t *Table) {
	base := g.baseURL
	if base == "" {
		base = "http://" + r.Host
	}
	var b strings.Builder
	names := t.names()
	if len(names) == 0 {
		b.WriteString("brink serves no functions.\n")
	}
	for _, name := range names {
		b.WriteString(base + functionsPrefix + name + "\n")
	}
	reply(w, v, http.StatusOK, "text/plain; charset=utf-8", []byte(b.String()))
}
