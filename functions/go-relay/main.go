// Package relay hands the messages of a WebSocket on to another server and
// back: the way to keep an API key out of the browser. RELAY_TARGET in the
// function's env names the server, RELAY_TOKEN is sent to it as a bearer token.
//
//	RELAY_TARGET=wss://echo.example.com/ brink serve
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/coder/websocket"
)

// maxMessage is the longest message in bytes, in either direction.
const maxMessage = 1 << 20

// Handler connects to the target first, so that a target that does not answer
// is an HTTP status and not a socket that closes.
func Handler(w http.ResponseWriter, r *http.Request) {
	address, err := target()
	if err != nil {
		slog.ErrorContext(r.Context(), "no target", "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	upstream, err := dial(r.Context(), address)
	if err != nil {
		slog.ErrorContext(r.Context(), "target does not answer", "target", address, "error", err)
		http.Error(w, "The relay's target does not answer.", http.StatusBadGateway)
		return
	}
	defer upstream.CloseNow()
	client, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		// A page of a development server has another port, and so another origin.
		OriginPatterns: []string{"localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*"},
		Subprotocols:   []string{upstream.Subprotocol()},
	})
	if err != nil {
		slog.WarnContext(r.Context(), "no WebSocket", "error", err) // Accept has answered
		return
	}
	defer client.CloseNow()
	relay(r.Context(), client, upstream)
}

// target reads and checks RELAY_TARGET.
func target() (string, error) {
	address := os.Getenv("RELAY_TARGET")
	if address == "" {
		return "", errors.New("RELAY_TARGET is not set: add a line like RELAY_TARGET=wss://host/path to the functions' .env file")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return "", fmt.Errorf("RELAY_TARGET is %q: it has to be the address of a WebSocket server, like wss://host/path", address)
	}
	return address, nil
}

func dial(ctx context.Context, address string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	header := http.Header{}
	if token := os.Getenv("RELAY_TOKEN"); token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPHeader: header})
	return conn, err
}

// relay copies in both directions until one side ends, and ends the other the
// same way.
func relay(ctx context.Context, client, upstream *websocket.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client.SetReadLimit(maxMessage)
	upstream.SetReadLimit(maxMessage)
	ended := make(chan error, 1)
	go func() { ended <- pass(ctx, client, upstream) }()
	pass(ctx, upstream, client)
	cancel()
	<-ended
}

// pass copies messages until from ends, and then closes to with from's status.
func pass(ctx context.Context, to, from *websocket.Conn) error {
	for {
		kind, message, err := from.Read(ctx)
		if err != nil {
			return finish(to, err)
		}
		if err := to.Write(ctx, kind, message); err != nil {
			return finish(from, err)
		}
	}
}

func finish(conn *websocket.Conn, err error) error {
	var closed websocket.CloseError
	switch {
	case !errors.As(err, &closed):
		closed.Code = websocket.StatusGoingAway
	case closed.Code == websocket.StatusNoStatusRcvd: // may not be sent
		closed.Code = websocket.StatusNormalClosure
	}
	conn.Close(closed.Code, closed.Reason)
	return err
}
