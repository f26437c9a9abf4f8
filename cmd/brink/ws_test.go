package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// wsServer answers with talk, and offers the subprotocol "p".
func wsServer(t *testing.T, talk func(context.Context, *websocket.Conn, *http.Request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"p"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		talk(r.Context(), conn, r)
	}))
	t.Cleanup(server.Close)
	return wsURL(server.URL)
}

func echo(ctx context.Context, conn *websocket.Conn, r *http.Request) {
	if name := r.Header.Get("X-Name"); name != "" {
		_ = conn.Write(ctx, websocket.MessageText, []byte("hello "+name))
	}
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if string(data) == "bye" {
			conn.Close(websocket.StatusNormalClosure, "")
			return
		}
		if string(data) == "close me" {
			conn.Close(4001, "as you wish")
			return
		}
		_ = conn.Write(ctx, kind, append([]byte("echo "), data...))
	}
}

func runWS(t *testing.T, opts WSOptions, stdin io.Reader) (stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	err = ws(t.Context(), opts, &IO{Stdin: stdin, Stdout: &out, Stderr: &errOut})
	return out.String(), errOut.String(), err
}

func TestWSSendsLinesAndPrintsMessages(t *testing.T) {
	url := wsServer(t, echo)
	opts := WSOptions{URL: url, Header: http.Header{"X-Name": {"Ada"}}, Protocols: []string{"p"}, Wait: time.Hour}
	stdout, stderr, err := runWS(t, opts, strings.NewReader("one\r\ntwo\n\nlast\nbye"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "hello Ada\necho one\necho two\necho \necho last\n"; stdout != want {
		t.Errorf("got %q, want %q", stdout, want)
	}
	if want := "connected (subprotocol p)\nclosed 1000\n"; stderr != want {
		t.Errorf("stderr %q, want %q", stderr, want)
	}
}

func TestWSReportsTheServersCloseCode(t *testing.T) {
	_, _, err := runWS(t, WSOptions{URL: wsServer(t, echo), Wait: time.Hour}, strings.NewReader("close me\n"))
	if err == nil || err.Error() != "closed 4001 as you wish" {
		t.Errorf("got %v", err)
	}
}

func TestWSReportsAConnectionThatIsCut(t *testing.T) {
	url := wsServer(t, func(_ context.Context, conn *websocket.Conn, _ *http.Request) { conn.CloseNow() })
	stdin, hold := io.Pipe()
	defer hold.Close()
	if _, _, err := runWS(t, WSOptions{URL: url, Wait: time.Hour}, stdin); err == nil || !strings.Contains(err.Error(), "without a close frame") {
		t.Errorf("got %v", err)
	}
}

func TestWSClosesAfterTheInputHasEnded(t *testing.T) {
	_, stderr, err := runWS(t, WSOptions{URL: wsServer(t, echo), Wait: time.Millisecond}, strings.NewReader(""))
	if err != nil || stderr != "closed 1000\n" {
		t.Errorf("got %v, stderr %q", err, stderr)
	}
}

func TestWSClosesWhenInterrupted(t *testing.T) {
	code := make(chan websocket.StatusCode, 1)
	received := make(chan struct{})
	url := wsServer(t, func(ctx context.Context, conn *websocket.Conn, _ *http.Request) {
		if _, _, err := conn.Read(ctx); err != nil {
			t.Error(err)
		}
		close(received)
		_, _, err := conn.Read(ctx)
		code <- websocket.CloseStatus(err)
	})
	ctx, interrupt := context.WithCancel(t.Context())
	stdin, typed := io.Pipe()
	defer typed.Close()
	done := make(chan error, 1)
	go func() {
		done <- ws(ctx, WSOptions{URL: url, Wait: time.Hour}, &IO{Stdin: stdin, Stdout: io.Discard, Stderr: io.Discard})
	}()
	if _, err := io.WriteString(typed, "hi\n"); err != nil {
		t.Fatal(err)
	}
	<-received
	interrupt()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := <-code; got != websocket.StatusNormalClosure {
		t.Errorf("the server saw %d", got)
	}
}

func TestWSShowsWhatARefusalSaid(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"msg":"Invalid JWT"}`, http.StatusUnauthorized)
	}))
	defer server.Close()
	_, _, err := runWS(t, WSOptions{URL: wsURL(server.URL)}, strings.NewReader(""))
	if err == nil || !strings.Contains(err.Error(), `401 Unauthorized {"msg":"Invalid JWT"} instead of 101`) {
		t.Errorf("got %v", err)
	}
}

func TestWSOffersSubprotocolsAsBrowsersDo(t *testing.T) {
	offered := make(chan string, 1)
	url := wsServer(t, func(_ context.Context, conn *websocket.Conn, r *http.Request) {
		offered <- r.Header.Get("Sec-WebSocket-Protocol")
		conn.Close(websocket.StatusNormalClosure, "")
	})
	if _, _, err := runWS(t, WSOptions{URL: url, Protocols: []string{"other", "p"}, Wait: time.Hour}, strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	if got := <-offered; got != "other, p" {
		t.Errorf("offered %q", got)
	}
}

func TestWSNamesTheURLOnceWhenNobodyAnswers(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	url := wsURL(server.URL) + "/?jwt=secret"
	_, _, err := runWS(t, WSOptions{URL: url}, strings.NewReader(""))
	if err == nil || strings.Count(err.Error(), "secret") != 1 || !strings.HasPrefix(err.Error(), "cannot connect to "+url+": ") {
		t.Errorf("got %v", err)
	}
}
