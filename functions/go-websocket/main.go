// Package chat is a chat room that keeps its members in memory: the example of
// why per_worker matters. Under per_worker everybody is in the same worker and
// hears everybody else; under per_request each socket would have a room of its
// own, for as long as its handshake takes.
//
//	brink ws /functions/v1/go-websocket?name=Ann
package chat

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// maxMessage is the longest message in bytes.
const maxMessage = 8 << 10

var lobby = newRoom()

// Handler lets the caller into the room under ?name=.
func Handler(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		http.Error(w, "This is a chat room: connect with a WebSocket, ?name= says who you are.", http.StatusUpgradeRequired)
		return
	}
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "somebody"
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: origins()})
	if err != nil {
		slog.WarnContext(r.Context(), "no WebSocket", "error", err) // Accept has answered
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxMessage)
	slog.InfoContext(r.Context(), "joined", "name", name)
	err = lobby.serve(r.Context(), conn, name)
	slog.InfoContext(r.Context(), "left", "name", name, "status", websocket.CloseStatus(err))
}

// Shutdown says goodbye to everybody; the cause is the reason. It is optional:
// brink calls it before the worker ends.
func Shutdown(ctx context.Context) {
	slog.Info("closing the room", "reason", context.Cause(ctx))
	lobby.say("the room closes")
}

// origins are the pages that may connect. A page of a development server has
// another port than brink, and so another origin; name your own hosts in
// ALLOWED_ORIGINS, separated by commas.
func origins() []string {
	if own := os.Getenv("ALLOWED_ORIGINS"); own != "" {
		return strings.Split(own, ",")
	}
	return []string{"localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*"}
}

// serve keeps conn in the room until it ends.
func (m *room) serve(ctx context.Context, conn *websocket.Conn, name string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	me := m.join(name)
	defer m.leave(me)
	go func() { cancel(write(ctx, conn, me)) }()
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		m.say(name + ": " + string(text))
	}
}

var errTooSlow = errors.New("the member does not read")

// write sends what the room says to one member. One who does not keep up is
// let go, so that nobody else waits.
func write(ctx context.Context, conn *websocket.Conn, me *member) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case line, ok := <-me.lines:
			if !ok {
				conn.Close(websocket.StatusPolicyViolation, "too slow")
				return errTooSlow
			}
			if err := send(ctx, conn, line); err != nil {
				return err
			}
		}
	}
}

func send(ctx context.Context, conn *websocket.Conn, line string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, []byte(line))
}
