package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// headerErrorCode is the hosted platform's header for a failure's code.
const headerErrorCode = "Sb-Error-Code"

// allowCORS lets scripts of any origin read one of brink's own answers: a 401
// or 404 without these headers shows up in a browser as a CORS error. A
// function's answers never get them.
func allowCORS(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "authorization, x-client-info, apikey")
	h.Set("Access-Control-Expose-Headers", "sb-error-code")
}

// reply writes one of brink's own answers.
func reply(w http.ResponseWriter, v *visit, status int, contentType string, body []byte) {
	h := w.Header()
	allowCORS(h)
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	v.status = status
	w.WriteHeader(status)
	n, _ := w.Write(body) // a client that left is not an error of ours
	v.out += int64(n)
}

// replyJSON answers with v as JSON and, on failure, its code in the header.
func replyJSON(w http.ResponseWriter, v *visit, status int, code string, body any) {
	if code != "" {
		w.Header().Set(headerErrorCode, code)
	}
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{}`)
		v.cause = "cannot encode the answer: " + err.Error()
	}
	reply(w, v, status, "application/json", text)
}

type errorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// replyRung answers with a rung of the ladder.
func replyRung(w http.ResponseWriter, v *visit, r rung) {
	switch r {
	case rungGone:
		v.status, v.abort = statusClientGone, true // else net/http would send a 200
		return
	case rungNotFound:
		w.Header().Set(headerErrorCode, r.code)
		reply(w, v, r.status, "text/plain", []byte(r.message))
		return
	case rungInternal:
		replyJSON(w, v, r.status, "", errorBody{r.code, r.message})
		return
	}
	replyJSON(w, v, r.status, r.code, errorBody{r.code, r.message})
}
