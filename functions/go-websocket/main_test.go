package chat

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func dial(t *testing.T, url, origin string) (*websocket.Conn, error) {
	t.Helper()
	conn, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
	if err != nil && resp == nil {
		t.Fatal(err)
	}
	if conn != nil {
		t.Cleanup(func() { conn.CloseNow() })
	}
	return conn, err
}

func expect(t *testing.T, conn *websocket.Conn, want string) {
	t.Helper()
	_, got, err := conn.Read(t.Context())
	if err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got, err, want)
	}
}

func TestMembersHearEachOther(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(Handler))
	defer server.Close()
	ann, err := dial(t, server.URL+"?name=Ann", "http://localhost:5173")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, ann, "Ann joined, 1 here")
	bob, err := dial(t, server.URL+"?name=Bob", "http://127.0.0.1:3000")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, ann, "Bob joined, 2 here")
	expect(t, bob, "Bob joined, 2 here")
	if err := bob.Write(t.Context(), websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	expect(t, ann, "Bob: hi")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("restarted"))
	Shutdown(ctx)
	expect(t, ann, "the room closes")
	bob.Close(websocket.StatusNormalClosure, "")
	expect(t, ann, "Bob left, 1 here")
}

func TestOtherOriginsAndPlainRequestsAreRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(Handler))
	defer server.Close()
	if _, err := dial(t, server.URL, "https://evil.example"); err == nil {
		t.Error("a page of another host may connect")
	}
	w := httptest.NewRecorder()
	Handler(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusUpgradeRequired || !strings.Contains(w.Body.String(), "WebSocket") {
		t.Errorf("plain GET: %d %s", w.Code, w.Body)
	}
}

func TestMemberWhoDoesNotReadIsLetGo(t *testing.T) {
	m := newRoom()
	slow := m.join("slow")
	for i := range backlog + 1 {
		m.say(strconv.Itoa(i))
	}
	n := 0
	for range slow.lines {
		n++
	}
	if n != backlog || len(m.members) != 0 {
		t.Errorf("%d lines, %d members", n, len(m.members))
	}
}
