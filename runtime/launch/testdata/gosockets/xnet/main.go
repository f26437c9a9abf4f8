// Package echo answers WebSocket messages, with golang.org/x/net/websocket.
package echo

import (
	"net/http"

	"golang.org/x/net/websocket"
)

func Handler(w http.ResponseWriter, r *http.Request) {
	websocket.Server{Handler: func(conn *websocket.Conn) {
		var message string
		for websocket.Message.Receive(conn, &message) == nil {
			if message == "panic" {
				panic("as asked")
			}
			if websocket.Message.Send(conn, message) != nil {
				return
			}
		}
	}}.ServeHTTP(w, r)
}
