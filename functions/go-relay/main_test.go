package relay

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// echo is a target that answers each message and closes on "bye".
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
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
			if string(message) == "bye" {
				conn.Close(4000, "as you wish")
				return
			}
			if err := conn.Write(r.Context(), kind, append([]byte("echo "), message...)); err != nil {
				return
			}
		}
	}))
}

func TestMessagesAndTheCloseStatusAreRelayed(t *testing.T) {
	upstream := echo(t)
	defer upstream.Close()
	t.Setenv("RELAY_TARGET", strings.Replace(upstream.URL, "http", "ws", 1))
	t.Setenv("RELAY_TOKEN", "secret")
	server := httptest.NewServer(http.HandlerFunc(Handler))
	defer server.Close()
	conn, _, err := websocket.Dial(t.Context(), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.Read(t.Context()); err != nil || string(got) != "echo hi" {
		t.Fatalf("read %q, %v", got, err)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("bye")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != 4000 {
		t.Errorf("the socket ended with %v, want the target's 4000", err)
	}
}

func TestWithoutATargetTheAnswerSaysWhatToSet(t *testing.T) {
	for value, want := range map[string]struct {
		status int
		text   string
	}{
		"":                  {500, "RELAY_TARGET is not set: add a line"},
		"https://host/path": {500, "has to be the address of a WebSocket server"},
		"ws://127.0.0.1:1/": {502, "does not answer"},
	} {
		t.Setenv("RELAY_TARGET", value)
		w := httptest.NewRecorder()
		Handler(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.text) {
			t.Errorf("RELAY_TARGET=%q: %d %s", value, w.Code, w.Body)
		}
	}
}
