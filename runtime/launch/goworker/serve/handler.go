package serve

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"

	"brink/runtime/wire"
)

// handler returns the function's handler as the worker serves it: under the
// request's id, counted, and with its panics reported.
func (w *worker) handler(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(wire.HeaderRequestID)
		r.Header.Del(wire.HeaderRequestID)
		r.RemoteAddr = remoteAddr(r.Header)
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
		e := &exchange{tasks: &w.tasks}
		defer e.handlerReturned()
		// The client may go before the handler is done.
		defer context.AfterFunc(r.Context(), e.responseEnded)()
		out := &response{ResponseWriter: rw, noBody: r.Method == http.MethodHead, ended: e.responseEnded}
		defer w.recovered(out, id)
		h(out, r)
	})
}

// recovered turns a panic of the handler into a fault and, as long as nothing
// was written, a 500. Otherwise the client has to see that the answer is cut.
func (w *worker) recovered(out *response, id string) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	w.send(faultOf(v, id))
	switch {
	case out.socket != nil:
		out.socket.Close()
	case out.started:
		panic(http.ErrAbortHandler)
	default:
		clear(out.Header())
		http.Error(out, "Internal Server Error", http.StatusInternalServerError)
	}
}

// remoteAddr returns an address in the form that net/http promises. On a Unix
// socket there is none, so it is the client's as the gateway saw it, with port
// 0; without a gateway it is the loopback.
func remoteAddr(h http.Header) string {
	hops := strings.Split(strings.Join(h.Values("X-Forwarded-For"), ","), ",")
	if ip := net.ParseIP(strings.TrimSpace(hops[len(hops)-1])); ip != nil {
		return net.JoinHostPort(ip.String(), "0")
	}
	return "127.0.0.1:0"
}

// faultOf describes a panic. It has to be called by the deferred func that
// recovered it.
func faultOf(v any, id string) wire.Message {
	return wire.Message{
		Type: wire.TypeFault, Phase: wire.PhaseRun, Name: "panic", Text: panicText(v), Stack: panicStack(), RequestID: id,
	}
}

func panicText(v any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T that cannot be printed", v)
		}
	}()
	if err, ok := v.(error); ok {
		return err.Error()
	}
	return fmt.Sprint(v)
}

// panicStack returns the user's frames of the panic that is being recovered,
// as the Go runtime prints them.
func panicStack() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var b strings.Builder
	self, panicked := "", false
	for {
		f, more := frames.Next()
		switch own, _, _ := strings.Cut(f.Function, ".panicStack"); {
		case self == "":
			self = own + "."
		case f.Function == "runtime.gopanic":
			panicked = true
		case !panicked || strings.HasPrefix(f.Function, "runtime."):
		case strings.HasPrefix(f.Function, self):
			if b.Len() > 0 {
				return b.String()
			}
		default:
			fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}
