package gateway

import (
	"net/http"

	"brink/policy"
)

// HeaderEnd names one of EndReasons: the worker that serves the request ends
// as if that had happened to it. It works where Options.End is set; functions
// never see it.
const HeaderEnd = "X-Brink-End"

// endAsked returns the end that a request wants for its worker, or ReasonNone.
// It answers a request for one that does not exist, and returns false.
func (g *Gateway) endAsked(w http.ResponseWriter, r *http.Request, v *visit) (policy.Reason, bool) {
	name := r.Header.Get(HeaderEnd)
	if name == "" {
		return policy.ReasonNone, true
	}
	if g.end == nil {
		g.hint("faults", v, HeaderEnd+" was ignored: serve with --faults to let requests end their worker")
		return policy.ReasonNone, true
	}
	reason, err := ParseEndReason(name)
	if err != nil {
		v.cause = HeaderEnd + ": " + err.Error()
		replyJSON(w, v, http.StatusBadRequest, rungBody.code, errorBody{rungBody.code, v.cause})
		return reason, false
	}
	return reason, true
}
