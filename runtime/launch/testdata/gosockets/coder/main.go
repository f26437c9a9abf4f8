// Package echo answers WebSocket messages, with github.com/coder/websocket.
package echo

import (
	"net/http"

	"github.com/coder/websocket"
)

func Handler(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if string(message) == "panic" {
			panic("as asked")
		}
		if err := conn.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}
