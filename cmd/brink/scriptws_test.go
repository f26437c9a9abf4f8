package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"
)

// socket is a script's WebSocket connection. Its messages are read all the
// time, as pings are answered only then.
type socket struct {
	conn     *websocket.Conn
	done     chan struct{} // closed when reading has ended
	messages chan message  // closed before done
	end      error         // why reading ended; valid after done
}

type message struct {
	kind websocket.MessageType
	data []byte
}

// socketClient connects as brink ws does.
var socketClient = &http.Client{Transport: spacedProtocols{scriptClient.Transport}}

// wsCommands are the steps behind the word ws.
var wsCommands = map[string]func(*testscript.TestScript, *script, *socket, []string){
	"subprotocol": wsSubprotocol, "send": wsSend, "sendbinary": wsSendBinary, "recv": wsReceive,
	"recvbinary": wsReceiveBinary, "recvsize": wsReceiveSize, "ping": wsPing, "close": wsClose, "drop": wsDrop,
	"expectclose": wsExpectClose,
}

func cmdWS(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: ws step [args]")
	}
	s := stateOf(ts)
	if args[0] == "connect" {
		wsConnect(ts, s, neg, args[1:])
		return
	}
	noNegation(ts, neg)
	step := wsCommands[args[0]]
	if step == nil {
		ts.Fatalf("ws knows no %q", args[0])
	}
	name := ""
	rest := args[1:]
	if len(rest) > 1 && rest[0] == "-name" {
		name, rest = rest[1], rest[2:]
	}
	c := s.sockets[name]
	if c == nil {
		ts.Fatalf("no socket is called %q", name)
	}
	step(ts, s, c, rest)
}

func wsConnect(ts *testscript.TestScript, s *script, neg bool, args []string) {
	name := ""
	o := &websocket.DialOptions{HTTPHeader: http.Header{}, HTTPClient: socketClient}
	args = flagArgs(ts, args, "compress", map[string]func(string){
		"name":        func(v string) { name = v },
		"subprotocol": func(v string) { o.Subprotocols = append(o.Subprotocols, v) },
		"H":           headerFlag(ts, o.HTTPHeader),
		"compress":    func(string) { o.CompressionMode = websocket.CompressionContextTakeover },
	})
	only(ts, args, 1, 1, "ws connect [flags] url")
	ctx, cancel := s.within()
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, absolute(ts, args[0]), o)
	if neg {
		if err == nil || resp == nil {
			ts.Fatalf("the handshake was not refused: %v", err)
		}
		body, _ := io.ReadAll(resp.Body) // the library keeps what it has read
		s.take(ts, false, answer{status: resp.StatusCode, header: resp.Header, body: string(body)})
		return
	}
	ts.Check(err)
	conn.SetReadLimit(-1)
	if old := s.sockets[name]; old != nil {
		old.conn.CloseNow()
		<-old.done
	}
	c := &socket{conn: conn, done: make(chan struct{}), messages: make(chan message, 1<<16)}
	s.sockets[name] = c
	go c.read(s.ctx)
}

func (c *socket) read(ctx context.Context) {
	defer close(c.done)
	defer close(c.messages)
	for {
		kind, data, err := c.conn.Read(ctx)
		if err != nil {
			c.end = err
			return
		}
		c.messages <- message{kind, data}
	}
}

// next waits for a message.
func (c *socket) next(ts *testscript.TestScript, s *script) message {
	ctx, cancel := s.within()
	defer cancel()
	select {
	case m, ok := <-c.messages:
		if ok {
			return m
		}
		<-c.done
		ts.Fatalf("the socket ended: %v", c.end)
	case <-ctx.Done():
		ts.Fatalf("no message came")
	}
	panic("unreachable")
}

// short is data as a failure shows it.
func short(data []byte) string {
	if len(data) > 200 {
		return fmt.Sprintf("%q... (%d bytes)", data[:200], len(data))
	}
	return fmt.Sprintf("%q", data)
}

// textOf is the text message of n bytes that send -size sends.
func textOf(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz"
	return strings.Repeat(alphabet, n/len(alphabet)+1)[:n]
}

// bytesOf is the binary message of n bytes that sendbinary sends.
func bytesOf(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i % 251)
	}
	return data
}

func wsSubprotocol(ts *testscript.TestScript, _ *script, c *socket, args []string) {
	only(ts, args, 1, 1, "ws subprotocol regexp")
	if got := c.conn.Subprotocol(); !compile(ts, args[0]).MatchString(got) {
		ts.Fatalf("the subprotocol is %q", got)
	}
}

func (c *socket) write(ts *testscript.TestScript, s *script, kind websocket.MessageType, data []byte) {
	ctx, cancel := s.within()
	defer cancel()
	ts.Check(c.conn.Write(ctx, kind, data))
}

func wsSend(ts *testscript.TestScript, s *script, c *socket, args []string) {
	text := ""
	args = flagArgs(ts, args, "", map[string]func(string){"size": func(v string) { text = textOf(number(ts, v)) }})
	if text == "" {
		only(ts, args, 1, 1, "ws send text")
		text = args[0]
	}
	c.write(ts, s, websocket.MessageText, []byte(text))
}

func wsSendBinary(ts *testscript.TestScript, s *script, c *socket, args []string) {
	only(ts, args, 1, 1, "ws sendbinary N")
	c.write(ts, s, websocket.MessageBinary, bytesOf(number(ts, args[0])))
}

func wsReceive(ts *testscript.TestScript, s *script, c *socket, args []string) {
	only(ts, args, 1, 1, "ws recv regexp")
	m := c.next(ts, s)
	if m.kind != websocket.MessageText || !compile(ts, args[0]).Match(m.data) {
		ts.Fatalf("got a message of type %v: %s", m.kind, short(m.data))
	}
	_, err := ts.Stdout().Write(m.data)
	ts.Check(err)
}

func wsReceiveBinary(ts *testscript.TestScript, s *script, c *socket, args []string) {
	only(ts, args, 1, 1, "ws recvbinary N")
	m := c.next(ts, s)
	if m.kind != websocket.MessageBinary || string(m.data) != string(bytesOf(number(ts, args[0]))) {
		ts.Fatalf("got a message of type %v: %s", m.kind, short(m.data))
	}
}

func wsReceiveSize(ts *testscript.TestScript, s *script, c *socket, args []string) {
	only(ts, args, 1, 1, "ws recvsize N")
	m := c.next(ts, s)
	if m.kind != websocket.MessageText || string(m.data) != textOf(number(ts, args[0])) {
		ts.Fatalf("got a message of type %v: %s", m.kind, short(m.data))
	}
}

func wsPing(ts *testscript.TestScript, s *script, c *socket, args []string) {
	only(ts, args, 0, 0, "ws ping")
	ctx, cancel := s.within()
	defer cancel()
	ts.Check(c.conn.Ping(ctx))
}

func wsClose(ts *testscript.TestScript, s *script, c *socket, args []string) {
	only(ts, args, 1, 2, "ws close code [reason]")
	reason := ""
	if len(args) > 1 {
		reason = args[1]
	}
	ts.Check(c.conn.Close(websocket.StatusCode(number(ts, args[0])), reason))
}

func wsDrop(ts *testscript.TestScript, _ *script, c *socket, args []string) {
	only(ts, args, 0, 0, "ws drop")
	_ = c.conn.CloseNow() // nobody is told: that is the point
	<-c.done
}

func wsExpectClose(ts *testscript.TestScript, s *script, c *socket, args []string) {
	only(ts, args, 1, 2, "ws expectclose code [reason]")
	ctx, cancel := s.within()
	defer cancel()
	select {
	case m, ok := <-c.messages:
		if ok {
			ts.Fatalf("a message came: %s", short(m.data))
		}
	case <-ctx.Done():
		ts.Fatalf("the socket goes on")
	}
	<-c.done
	got, reason := websocket.CloseStatus(c.end), ""
	if closed, ok := asCloseError(c.end); ok {
		reason = closed.Reason
	}
	if got == -1 {
		got = websocket.StatusAbnormalClosure
	}
	if int(got) != number(ts, args[0]) {
		ts.Fatalf("closed with %d: %v", got, c.end)
	}
	if len(args) > 1 && !compile(ts, args[1]).MatchString(reason) {
		ts.Fatalf("the reason is %q", reason)
	}
}
