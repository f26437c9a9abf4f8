package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"brink/policy"
)

// switchProtocols makes the request a socket, or refuses to. As the hosted
// runtime does, it takes nothing but a 101 with the very Upgrade value that was
// asked for; anything else becomes an empty 502.
func (x *exchange) switchProtocols(ctx context.Context, w http.ResponseWriter, r *http.Request, resp *http.Response, upgrade string) {
	defer x.link.discard()
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != upgrade {
		x.refuseUpgrade(w, resp, upgrade)
		x.unlink()
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		x.unlink()
		x.v.cause = fmt.Sprintf("cannot take over the client's connection: %v", err)
		replyRung(w, x.v, rungInternal)
		return
	}
	x.v.status, x.v.socket, x.v.wrote = resp.StatusCode, true, true
	_ = conn.SetDeadline(time.Time{}) // net/http may have left one
	if _, err := conn.Write(appendSwitch(nil, resp)); err != nil {
		x.unlink()
		conn.Close()
		x.v.cause = errClientGone.Error()
		return
	}
	x.unlink() // from here on the socket decides how the end of ctx is told
	x.g.counters.sockets.Add(1)
	defer x.g.counters.sockets.Add(-1)
	s := newSocket(x, conn, buffered.Reader, strings.EqualFold(upgrade, "websocket"))
	done := x.lease.Upgrade(s.ask)
	defer done()
	x.g.hintUpgrade(x.v, x.fn, x.lease)
	x.ended(s.run(ctx))
}

// appendSwitch appends the 101 that the client gets.
func appendSwitch(b []byte, resp *http.Response) []byte {
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\n"...)
	kept := http.Header{}
	copyAnswer(kept, resp.Header)
	for name, values := range kept {
		for _, value := range values {
			b = appendHeader(b, name, value)
		}
	}
	b = append(b, "Connection: Upgrade\r\n"...)
	b = appendHeader(b, "Upgrade", resp.Header.Get("Upgrade"))
	return append(b, "\r\n"...)
}

// ended says in the record how a socket ended.
func (x *exchange) ended(cause error) {
	switch {
	case cause == nil:
	case errors.Is(cause, policy.ReasonRequestEnded):
		x.g.counters.cutSockets.Add(1)
		x.g.hintPerRequest(x.v)
		x.v.cause = "socket closed at once: policy per_request ends the worker with the response"
	default:
		x.v.cause = "socket closed: " + explain(cause, x.fn)
	}
}

// maxQuoted is how much of an answer to a handshake is quoted.
const maxQuoted = 200

// refuseUpgrade answers a handshake that the function did not accept, and
// tells the developer what it answered instead: the client learns nothing.
func (x *exchange) refuseUpgrade(w http.ResponseWriter, resp *http.Response, upgrade string) {
	said := x.quote(resp)
	x.v.cause = fmt.Sprintf("the function answered %d to a WebSocket handshake", resp.StatusCode)
	message := fmt.Sprintf("%s answered %d to a WebSocket handshake, where only 101 opens a socket; the client gets 502, as hosted", x.fn.Name, resp.StatusCode)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		x.v.cause = fmt.Sprintf("the function answered Upgrade: %q to Upgrade: %q", resp.Header.Get("Upgrade"), upgrade)
		message = fmt.Sprintf("%s answered a handshake with Upgrade: %q where the client had said %q; the comparison is exact, and the client gets 502, as hosted", x.fn.Name, resp.Header.Get("Upgrade"), upgrade)
	}
	if said != "" {
		message += fmt.Sprintf(". It said: %q", said)
	}
	if resp.StatusCode == http.StatusBadRequest && strings.Contains(strings.ToLower(said), "upgrad") {
		message += `. If the function compares upgrade.toLowerCase() with "WebSocket", that is never equal: compare with "websocket"`
	}
	if x.g.onces.first("refused\x00" + x.fn.Name + message) {
		x.g.log.Warn("warning", slog.String("function", x.fn.Name), slog.String("worker", x.v.worker),
			slog.String("request_id", x.v.id), slog.String("message", message))
	}
	x.v.status, x.v.wrote = http.StatusBadGateway, true
	h := w.Header()
	h["Content-Type"] = nil
	h.Set("Connection", "close")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusBadGateway)
}

// quote returns the beginning of a body, as far as it comes soon.
func (x *exchange) quote(resp *http.Response) string {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return ""
	}
	_ = x.link.conn.SetReadDeadline(time.Now().Add(x.g.times.reason))
	text := make([]byte, maxQuoted)
	n, _ := io.ReadFull(resp.Body, text) // shorter bodies, and slow ones, are fine
	return strings.ToValidUTF8(strings.TrimSpace(string(text[:n])), "")
}

// closeWrite says to the other side that nothing more will come.
func closeWrite(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it may be closed already
		return
	}
	conn.Close()
}
