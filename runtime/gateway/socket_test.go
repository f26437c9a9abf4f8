package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"brink/policy"
)

// sockets is a function that opens a WebSocket and lets talk have it.
func sockets(talk func(ctx context.Context, c *websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			InsecureSkipVerify: true, Subprotocols: []string{"chat", "jwt-abc"}, CompressionMode: websocket.CompressionContextTakeover,
		})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(-1)
		talk(context.WithoutCancel(r.Context()), c)
	}
}

func echo(ctx context.Context, c *websocket.Conn) {
	for {
		kind, text, err := c.Read(ctx)
		if err != nil {
			return
		}
		if c.Write(ctx, kind, text) != nil {
			return
		}
	}
}

func (s *stage) websocket(o *websocket.DialOptions) *websocket.Conn {
	s.t.Helper()
	c, _, err := websocket.Dial(s.t.Context(), s.url("/functions/v1/hello"), o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.CloseNow() })
	c.SetReadLimit(-1)
	return c
}

// ended waits for the socket's record and checks that nothing of it is left.
func (s *stage) ended() logRecord {
	s.t.Helper()
	rec := s.logs.wait(s.t, "request", 1)
	if released, upgrades, done := s.worker.counts(); released != 1 || upgrades != 1 || done != 1 {
		s.t.Errorf("released %d, upgrades %d, done %d", released, upgrades, done)
	}
	if n := s.gateway.counters.sockets.Load(); n != 0 {
		s.t.Errorf("%d sockets are counted open", n)
	}
	return rec
}

func TestSocketEchoes(t *testing.T) {
	for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
		s := serve(t, hello(), sockets(echo))
		c := s.websocket(&websocket.DialOptions{CompressionMode: mode, Subprotocols: []string{"jwt-abc"}})
		if c.Subprotocol() != "jwt-abc" {
			t.Errorf("subprotocol %q", c.Subprotocol())
		}
		big := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
		for _, message := range [][]byte{[]byte("hi"), nil, bytes.Repeat([]byte("x"), 126), bytes.Repeat([]byte("y"), 1<<16), big} {
			for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
				if err := c.Write(t.Context(), kind, message); err != nil {
					t.Fatal(err)
				}
				back, text, err := c.Read(t.Context())
				if err != nil || back != kind || !bytes.Equal(text, message) {
					t.Fatalf("message of %d came back as %d, %v", len(message), len(text), err)
				}
			}
		}
		if err := c.Close(4321, "done"); err != nil {
			t.Errorf("close: %v", err)
		}
		if rec := s.ended(); rec.text("status") != "101" || rec.text("close_code") != "4321" || rec.text("cause") != "" || rec.text("socket") != "true" {
			t.Errorf("record %v", rec.attrs)
		}
	}
}

func TestPingsAndFragmentsPass(t *testing.T) {
	s := serve(t, hello(), sockets(echo))
	c := s.websocket(nil)
	reading := c.CloseRead(t.Context())
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if reading.Err() != nil {
		t.Error("the socket is closed")
	}
	c.CloseNow()
	s.ended()

	raw := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) { io.Copy(conn, br) }))
	conn, br := raw.handshake()
	var all []byte
	for _, f := range [][]byte{frame(0x01, []byte("a"), true), frame(0x89, []byte("ping"), true), frame(0x00, []byte("b"), true), frame(0x80, nil, true), frame(0xc2, []byte("rsv"), true)} {
		all = append(all, f...)
		conn.Write(f)
	}
	got := make([]byte, len(all))
	if _, err := io.ReadFull(br, got); err != nil || !bytes.Equal(got, all) {
		t.Errorf("frames came back as %x, %v", got, err)
	}
}

// upgradeThen accepts a handshake by hand.
func upgradeThen(talk func(conn net.Conn, br *bufio.Reader)) func(int, net.Conn, *bufio.Reader) {
	return func(_ int, conn net.Conn, br *bufio.Reader) {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nX-Own: 1\r\nConnection: Upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\n\r\n")
		talk(conn, br)
	}
}

const handshake = "GET /functions/v1/hello HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// handshake opens a socket by hand.
func (s *stage) handshake() (*net.TCPConn, *bufio.Reader) {
	s.t.Helper()
	conn, br := s.dial()
	io.WriteString(conn, handshake)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" {
		s.t.Fatalf("handshake: %v, %v", resp, err)
	}
	<-s.worker.upgraded
	return conn, br
}

func TestBytesSentWithTheHandshakeArrive(t *testing.T) {
	s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {
		conn.Write([]byte("first"))
		io.Copy(conn, br)
	}))
	conn, br := s.dial()
	io.WriteString(conn, handshake+"early")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.Header.Get("X-Own") != "1" {
		t.Fatalf("%v, %v", resp, err)
	}
	conn.CloseWrite()
	if all, err := io.ReadAll(br); err != nil || string(all) != "firstearly" {
		t.Errorf("got %q, %v", all, err)
	}
}

func TestFunctionsCloseCodePasses(t *testing.T) {
	s := serve(t, hello(), sockets(func(_ context.Context, c *websocket.Conn) { c.Close(4000, "no more") }))
	c := s.websocket(nil)
	_, _, err := c.Read(t.Context())
	if e, ok := errors.AsType[websocket.CloseError](err); !ok || e.Code != 4000 || e.Reason != "no more" {
		t.Errorf("close: %v", err)
	}
	if rec := s.ended(); rec.text("close_code") != "4000" || rec.text("cause") != "" {
		t.Errorf("record %v", rec.attrs)
	}
}

func TestSupervisorClosesSocketsWithACode(t *testing.T) {
	closed := make(chan error, 1)
	s := serve(t, hello(), sockets(func(ctx context.Context, c *websocket.Conn) {
		for {
			_, _, err := c.Read(ctx)
			if err != nil {
				closed <- err
				return
			}
		}
	}))
	c := s.websocket(nil)
	<-s.worker.upgraded
	s.worker.closeSockets(1012, "service restart")
	s.worker.closeSockets(1001, "later wishes do not count")
	_, _, err := c.Read(t.Context())
	if e, ok := errors.AsType[websocket.CloseError](err); !ok || e.Code != 1012 || e.Reason != "service restart" {
		t.Errorf("client: %v", err)
	}
	if err := <-closed; websocket.CloseStatus(err) != 1012 {
		t.Errorf("function: %v", err)
	}
	if rec := s.ended(); rec.text("close_code") != "1012" {
		t.Errorf("record %v", rec.attrs)
	}
	s.worker.closeSockets(1001, "after the end")
}

func TestCloseFrameWaitsForTheEndOfAFrame(t *testing.T) {
	half, rest := make(chan struct{}), make(chan struct{})
	payload := bytes.Repeat([]byte("z"), 300_000)
	big := frame(0x82, payload, false)
	s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {
		conn.Write(big[:100_000])
		close(half)
		<-rest
		conn.Write(big[100_000:])
		conn.Write(frame(0x81, []byte("too late"), false))
		var f frames
		for buf := make([]byte, 100); f.ended == 0; { // brink's own, masked
			n, err := br.Read(buf)
			if err != nil {
				return
			}
			f.next(buf[:n])
		}
		conn.Write(frame(0x88, closePayload(f.ended, ""), false))
	}))
	conn, br := s.handshake()
	<-half
	got := make([]byte, 50_000)
	io.ReadFull(br, got)
	s.worker.closeSockets(1012, "service restart")
	// The wish is being dealt with once the function's side has its Close frame;
	// the frame in flight is finished all the same.
	close(rest)
	all := append(got, make([]byte, len(big)-len(got))...)
	if _, err := io.ReadFull(br, all[50_000:]); err != nil || !bytes.Equal(all, big) {
		t.Fatalf("frame in flight was damaged: %v", err)
	}
	next := make([]byte, 2)
	io.ReadFull(br, next)
	for next[0] == 0x81 { // it may have overtaken the wish
		io.CopyN(io.Discard, br, int64(next[1]))
		io.ReadFull(br, next)
	}
	if want := closeFrame(1012, "service restart", false); !bytes.Equal(next, want[:2]) {
		t.Errorf("after the frame came %x", next)
	}
	conn.Write(frame(0x88, closePayload(1012, ""), true))
	s.ended()
}

func TestSocketIsCutWhenNoFrameEndsInTime(t *testing.T) {
	s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {
		conn.Write(frame(0x82, make([]byte, 1000), false)[:500])
		io.Copy(io.Discard, br)
	}))
	s.quick()
	_, br := s.handshake()
	io.CopyN(io.Discard, br, 500)
	s.worker.closeSockets(1012, "service restart")
	if rest, err := io.ReadAll(br); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	s.ended()
}

func TestWorkersEndReachesTheSocket(t *testing.T) {
	for _, tt := range []struct {
		reason policy.Reason
		code   websocket.StatusCode // -1: no Close frame
	}{
		{policy.ReasonCrashed, 1011}, {policy.ReasonRestarted, 1012}, {policy.ReasonTermination, 1001},
		{policy.ReasonCPU, -1}, {policy.ReasonWallClock, -1}, {policy.ReasonMemory, -1}, {policy.ReasonEarlyDrop, -1},
	} {
		for _, first := range []string{"connection", "reason"} {
			t.Run(tt.reason.String()+"/"+first, func(t *testing.T) {
				var s *stage
				die := make(chan struct{})
				s = serveRaw(t, hello(), upgradeThenAccept(func(conn net.Conn, br *bufio.Reader) {
					conn.Write(frame(0x81, []byte("last words"), false))
					<-die
					if first == "reason" {
						s.worker.end(tt.reason)
					}
					conn.Close()
					s.worker.end(tt.reason)
				}))
				c := s.websocket(nil)
				if _, text, err := c.Read(t.Context()); string(text) != "last words" {
					t.Fatalf("%q, %v", text, err)
				}
				close(die)
				_, _, err := c.Read(t.Context())
				if got := websocket.CloseStatus(err); got != tt.code {
					t.Errorf("close %d: %v", got, err)
				}
				if rec := s.ended(); !strings.HasPrefix(rec.text("cause"), "socket closed: ") {
					t.Errorf("record %v", rec.attrs)
				}
			})
		}
	}
}

// upgradeThenAccept accepts a handshake by hand so that real clients agree.
func upgradeThenAccept(talk func(conn net.Conn, br *bufio.Reader)) func(int, net.Conn, *bufio.Reader) {
	return func(_ int, conn net.Conn, br *bufio.Reader) {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n", acceptKey(r.Header.Get("Sec-WebSocket-Key")))
		talk(conn, br)
	}
}

func TestSocketUnderPerRequestIsCutWithAHint(t *testing.T) {
	fn := hello()
	fn.Kind = policy.PerRequest
	s := serve(t, fn, sockets(echo))
	c := s.websocket(nil)
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != -1 || err == nil {
		t.Errorf("close: %v", err)
	}
	s.ended()
	want := `WebSocket to hello closed at once: policy per_request ends the worker with the response; set policy = "per_worker" in [edge_runtime]`
	if got := s.logs.wait(t, "hint", 1).text("message"); got != want {
		t.Errorf("hint = %q", got)
	}
	if n := s.gateway.counters.cutSockets.Load(); n != 1 {
		t.Errorf("counted %d", n)
	}
}

func TestSocketHeldByABackgroundTaskGetsNoHostedHint(t *testing.T) {
	s := serve(t, hello(), sockets(echo))
	s.worker.usage.Store(&policy.Usage{Tasks: 1})
	s.websocket(nil).Close(1000, "")
	s.logs.wait(t, "request", 1)
	if hints := s.logs.of("hint"); len(hints) != 0 {
		t.Errorf("hints %v", hints)
	}
}

func TestSocketUnderPerWorkerGetsTheHostedHintOnce(t *testing.T) {
	s := serve(t, hello(), sockets(echo))
	for range 2 {
		s.websocket(nil).Close(1000, "")
	}
	s.logs.wait(t, "request", 2)
	if hints := s.logs.of("hint"); len(hints) != 1 || !strings.Contains(hints[0].text("message"), "3m20s old") || !strings.Contains(hints[0].text("message"), "EdgeRuntime.waitUntil") {
		t.Errorf("hints %v", hints)
	}
}
