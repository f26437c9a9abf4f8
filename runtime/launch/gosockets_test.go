package launch

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/coder/websocket"

	"brink/runtime/wire"
)

func TestWebSocketLibrariesHijackBehindTheProtocol(t *testing.T) {
	for _, library := range []string{"coder", "xnet", "gorilla"} {
		dir, err := filepath.Abs(filepath.Join("testdata", "gosockets", library))
		if err != nil {
			t.Fatal(err)
		}
		h := startGo(t, dir)
		h.open(nil)
		conn := h.socket()
		if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			t.Fatalf("%s: %v", library, err)
		}
		if _, got, err := conn.Read(t.Context()); err != nil || string(got) != "hello" {
			t.Errorf("%s: read %q, %v", library, got, err)
		}
		// A handler that panics may not leave its client hanging.
		if err := conn.Write(t.Context(), websocket.MessageText, []byte("panic")); err != nil {
			t.Fatalf("%s: %v", library, err)
		}
		if _, got, err := conn.Read(t.Context()); err == nil {
			t.Errorf("%s: read %q after the panic", library, got)
		}
		h.await("fault", func(m wire.Message) bool { return m.Type == wire.TypeFault && m.Text == "as asked" })
	}
}

func TestHandlerThatOutlivesItsSocketIsATask(t *testing.T) {
	h := startGo(t, writeTree(t, map[string]string{"main.go": `package x

import (
	"io"
	"net/http"
)

var proceed = make(chan bool)

func Handler(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/go-on" {
		proceed <- true
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n")
	io.Copy(io.Discard, conn)
	<-proceed
}
`}))
	h.open(nil)
	conn, err := h.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	tasks := len(h.seen)
	h.mu.Unlock()
	conn.Close()
	m := h.awaitType(wire.TypeTasks)
	if m.Pending != 1 || tasks != 4 {
		t.Errorf("tasks %+v; %d messages while the socket was open, want the 4 of the start", m, tasks)
	}
	h.get("/go-on")
	h.await("end of the task", func(m wire.Message) bool { return m.Type == wire.TypeTasks && m.Pending == 0 })
}

func TestHandlerThatOutlivesItsClientIsATask(t *testing.T) {
	h := startGo(t, writeTree(t, map[string]string{"main.go": `package x

import "net/http"

var proceed = make(chan bool)

func Handler(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/go-on" {
		proceed <- true
		return
	}
	http.NewResponseController(w).Flush()
	<-r.Context().Done()
	<-proceed
}
`}))
	h.open(nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://functions.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := h.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	resp.Body.Close()
	if m := h.awaitType(wire.TypeTasks); m.Pending != 1 {
		t.Errorf("tasks = %+v", m)
	}
	h.get("/go-on")
	h.await("end of the task", func(m wire.Message) bool { return m.Type == wire.TypeTasks && m.Pending == 0 })
}

// socket opens a WebSocket to the worker.
func (h *goHost) socket() *websocket.Conn {
	h.t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: h.dial}}
	conn, _, err := websocket.Dial(h.t.Context(), "ws://functions.test/", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		h.t.Fatalf("cannot open a WebSocket: %v; stderr:\n%s", err, h.err.String())
	}
	h.t.Cleanup(func() { conn.CloseNow() })
	return conn
}
