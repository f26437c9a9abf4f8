package gateway

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestRefusedHandshakes(t *testing.T) {
	for _, tt := range []struct{ name, answer, record, warning string }{
		{"bad request", "HTTP/1.1 400 Bad Request\r\nContent-Length: 45\r\n\r\nrequest isn't trying to upgrade to WebSocket.", "the function answered 400", `compare with "websocket"`},
		{"ok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "the function answered 200", `It said: "hello"`},
		{"endless", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhel", "the function answered 200", `It said: "hel"`},
		{"other case", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n", `Upgrade: "WebSocket"`, "exact"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
				http.ReadRequest(br)
				io.WriteString(conn, tt.answer)
				br.ReadByte() // until the gateway closes
			})
			s.quick()
			got := s.raw(handshake)
			if !strings.HasPrefix(got, "HTTP/1.1 502 Bad Gateway\r\n") || !strings.Contains(got, "Connection: close\r\n") || !strings.Contains(got, "Content-Length: 0\r\n") || !strings.HasSuffix(got, "\r\n\r\n") {
				t.Errorf("got %q", got)
			}
			if got := s.logs.wait(t, "warning", 1).text("message"); !strings.Contains(got, tt.warning) {
				t.Errorf("warning %q", got)
			}
			rec := s.logs.wait(t, "request", 1)
			if !strings.Contains(rec.text("cause"), tt.record) || rec.text("status") != "502" {
				t.Errorf("record %v", rec.attrs)
			}
			s.raw(handshake)
			s.logs.wait(t, "request", 2)
			if n := len(s.logs.of("warning")); n != 1 {
				t.Errorf("%d warnings", n)
			}
		})
	}
}

func TestWhatIsNoHandshake(t *testing.T) {
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "plain ", r.Header.Get("Upgrade"), r.Header.Get("Connection"))
	})
	for _, header := range []string{"Upgrade: websocket\r\nConnection: close", "Connection: Upgrade, close", "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"} {
		got := s.raw("GET /functions/v1/hello HTTP/1.1\r\nHost: x\r\n" + header + "\r\n\r\n")
		if !strings.HasSuffix(got, "\r\n\r\nplain ") {
			t.Errorf("%q: %q", header, got)
		}
	}
}

func TestHalfClosedSockets(t *testing.T) {
	t.Run("client first", func(t *testing.T) {
		s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {
			all, _ := io.ReadAll(br)
			conn.Write(append([]byte("had "), all...))
		}))
		conn, br := s.handshake()
		conn.Write(frame(0x81, nil, true))
		conn.CloseWrite()
		if got, err := io.ReadAll(br); err != nil || !bytes.Equal(got, append([]byte("had "), frame(0x81, nil, true)...)) {
			t.Errorf("%q, %v", got, err)
		}
		s.ended()
	})
	t.Run("function first", func(t *testing.T) {
		had := make(chan []byte, 1)
		s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {
			conn.Write(frame(0x88, closePayload(1000, ""), false))
			conn.(*net.UnixConn).CloseWrite()
			all, _ := io.ReadAll(br)
			had <- all
		}))
		conn, br := s.handshake()
		if got, err := io.ReadAll(br); err != nil || len(got) != 4 {
			t.Fatalf("%q, %v", got, err)
		}
		conn.Write(frame(0x81, []byte("still"), true))
		conn.Write(frame(0x88, nil, true))
		if got := <-had; !bytes.Equal(got, append(frame(0x81, []byte("still"), true), frame(0x88, nil, true)...)) {
			t.Errorf("function had %q", got)
		}
		s.ended()
	})
	t.Run("nobody ends it", func(t *testing.T) {
		s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {
			io.Copy(io.Discard, br)
			s := make([]byte, 1)
			conn.Read(s)
			<-t.Context().Done()
		}))
		s.quick()
		conn, br := s.handshake()
		conn.CloseWrite()
		if got, err := io.ReadAll(br); err != nil || len(got) > 0 {
			t.Errorf("%q, %v", got, err)
		}
		s.ended()
	})
}

func TestOneSideGoneCutsTheOther(t *testing.T) {
	t.Run("client", func(t *testing.T) {
		gone := make(chan error, 1)
		s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {
			_, err := io.Copy(io.Discard, br)
			gone <- err
		}))
		conn, _ := s.handshake()
		conn.SetLinger(0) // a reset
		conn.Close()
		<-gone
		s.ended()
	})
	t.Run("function", func(t *testing.T) {
		s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {}))
		s.quick()
		_, br := s.handshake()
		if got, err := io.ReadAll(br); err != nil || len(got) > 0 {
			t.Errorf("%q, %v", got, err)
		}
		if rec := s.ended(); !strings.Contains(rec.text("cause"), "without a Close frame") {
			t.Errorf("record %v", rec.attrs)
		}
	})
	t.Run("no answer to Close", func(t *testing.T) {
		s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) { io.Copy(io.Discard, br) }))
		s.quick()
		conn, br := s.handshake()
		conn.Write(frame(0x88, closePayload(1000, ""), true))
		if got, err := io.ReadAll(br); err != nil || len(got) > 0 {
			t.Errorf("%q, %v", got, err)
		}
		s.ended()
	})
}

func TestGatewayCloseSaysGoingAway(t *testing.T) {
	s := serve(t, hello(), sockets(echo))
	c := s.websocket(nil)
	<-s.worker.upgraded
	status := make(chan websocket.StatusCode, 1)
	go func() {
		_, _, err := c.Read(context.Background())
		status <- websocket.CloseStatus(err)
	}()
	s.gateway.Close()
	if got := <-status; got != 1001 {
		t.Errorf("close %d", got)
	}
	s.ended()
}

func TestOtherProtocolsAreCopiedAndCut(t *testing.T) {
	s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) { io.Copy(conn, br) }))
	conn, br := s.dial()
	io.WriteString(conn, strings.Replace(handshake, "Upgrade: websocket", "Upgrade: own", 1)+"anything")
	if _, err := http.ReadResponse(br, nil); err != nil {
		t.Fatal(err)
	}
	io.CopyN(io.Discard, br, 8)
	<-s.worker.upgraded
	s.worker.closeSockets(1012, "service restart")
	if got, err := io.ReadAll(br); err != nil || len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
	s.ended()
}

func TestSlowReaderSlowsTheFunctionDown(t *testing.T) {
	stuck := make(chan int, 1)
	s := serveRaw(t, hello(), upgradeThen(func(conn net.Conn, br *bufio.Reader) {
		conn.Write(frame(0x82, nil, false))
		sent, piece := 0, frame(0x82, make([]byte, 1<<20), false)
		for sent < stuckBytes {
			conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			n, err := conn.Write(piece)
			sent += n
			if err != nil {
				break
			}
		}
		stuck <- sent
		io.Copy(io.Discard, br)
	}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	conn, _ := s.handshake()
	sent := <-stuck
	runtime.ReadMemStats(&after)
	if sent >= stuckBytes {
		t.Error("the gateway took everything though the client reads nothing")
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("heap grew by %d bytes", grown)
	}
	// A socket that is stuck can still be closed.
	s.quick()
	s.worker.closeSockets(1001, "going away")
	s.ended()
	conn.Close()
}

func TestSocketsLeaveNothingBehind(t *testing.T) {
	s := serve(t, hello(), sockets(echo))
	c := s.websocket(nil)
	<-s.worker.upgraded
	c.Close(1000, "")
	s.logs.wait(t, "request", 1)
	before := runtime.NumGoroutine()
	for i := range 50 {
		c := s.websocket(nil)
		<-s.worker.upgraded
		switch i % 3 {
		case 0:
			c.Close(1000, "")
		case 1:
			c.CloseNow()
		default:
			s.worker.closeSockets(1012, "")
			c.Read(t.Context())
		}
	}
	s.logs.wait(t, "request", 51)
	deadline := time.Now().Add(20 * time.Second)
	for runtime.NumGoroutine() > before+4 {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
}
