package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"brink/policy"
)

// relay passes the worker's answer to the client as it comes.
func (x *exchange) relay(ctx context.Context, w http.ResponseWriter, r *http.Request, resp *http.Response, up *upload) {
	x.announce(w, r, resp)
	err := x.copyBody(w, resp)
	whole := up.finish()
	linked := x.unlink()
	switch {
	case err == nil && ctx.Err() != nil && resp.ContentLength < 0 && resp.Close:
		// The end of this body is the end of the connection, and somebody cut it.
		x.breakOff(ctx, errCutShort)
	case err == nil:
		copyTrailers(w.Header(), resp)
		if linked && whole && x.pool != nil && !resp.Close && x.link.br.Buffered() == 0 {
			x.pool.put(x.link)
			return
		}
	default:
		x.breakOff(ctx, err)
	}
	x.link.discard()
}

// announce sends the status and the headers, unchanged but for what the policy
// asks for.
func (x *exchange) announce(w http.ResponseWriter, r *http.Request, resp *http.Response) {
	h := w.Header()
	copyAnswer(h, resp.Header)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // net/http would guess one
	}
	if x.fn.Parity == policy.ParityStrict && r.Method == http.MethodGet {
		x.plainHTML(h)
	}
	if len(resp.Trailer) > 0 {
		h.Set("Trailer", strings.Join(keys(resp.Trailer), ", "))
	}
	varyByEncoding(h)
	x.g.hintCORS(x.v, r, resp.Header)
	x.v.status, x.v.wrote = resp.StatusCode, true
	w.WriteHeader(resp.StatusCode)
}

// varyByEncoding adds what the hosted runtime puts on every answer of a
// function, whether it compresses it or not.
func varyByEncoding(h http.Header) {
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Accept-Encoding") {
				return
			}
		}
	}
	h["Vary"] = append(slices.Clip(h["Vary"]), "Accept-Encoding")
}

// plainHTML does what the hosted platform does with HTML on GET, outside
// custom domains: it is served as text/plain.
func (x *exchange) plainHTML(h http.Header) {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != "text/html" {
		return
	}
	h.Set("Content-Type", mime.FormatMediaType("text/plain", params))
	x.g.hint("html", x.v, x.fn.Name+" answered GET with text/html, which the hosted platform serves as text/plain (parity = \"strict\")")
}

// errClient marks a failure to write to the client.
type errClient struct{ error }

// copyBody copies the body and flushes whenever the next read would wait, so
// that each chunk is sent as it comes, and a body that is there already goes
// out with its head in one piece.
func (x *exchange) copyBody(w http.ResponseWriter, resp *http.Response) error {
	rc := http.NewResponseController(w)
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	// A body of unknown length is flushed at least once: net/http would give a
	// short one a Content-Length.
	flushed := resp.ContentLength >= 0
	if x.link.br.Buffered() == 0 && resp.ContentLength != 0 && resp.Request.Method != http.MethodHead {
		if err := rc.Flush(); err != nil {
			return errClient{err}
		}
		flushed = true
	}
	for {
		n, err := resp.Body.Read(*buf)
		if n > 0 {
			if _, err := w.Write((*buf)[:n]); err != nil {
				return errClient{err}
			}
			x.v.out += int64(n)
		}
		if err != nil && err != io.EOF {
			return err
		}
		if !flushed || err == nil && x.link.br.Buffered() == 0 {
			if err := rc.Flush(); err != nil {
				return errClient{err}
			}
			flushed = true
		}
		if err == io.EOF {
			return nil
		}
	}
}

// copyTrailers passes on the trailers, announced or not.
func copyTrailers(h http.Header, resp *http.Response) {
	for name, values := range resp.Trailer {
		if len(values) > 0 {
			h[http.TrailerPrefix+name] = values
		}
	}
}

// breakOff cuts a response that has begun: the client must see an error, not
// an end.
func (x *exchange) breakOff(ctx context.Context, err error) {
	x.v.abort = true
	x.link.conn.Close()
	cause := errors.Join(errClientGone)
	if _, ok := errors.AsType[errClient](err); !ok {
		cause = x.settle(ctx, err, errCutShort)
	}
	x.v.cause = "response cut: " + explain(cause, x.fn)
}
