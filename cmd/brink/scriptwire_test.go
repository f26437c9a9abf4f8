package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// wireSocket is a WebSocket of which a script sees each frame, for what a
// library does not let it do: fragments, half-closed connections, not reading.
type wireSocket struct {
	conn    *net.TCPConn
	in      *bufio.Reader
	flooded chan error   // the end of a flood, nil while none runs
	written atomic.Int64 // payload bytes of the flood so far
}

// wireCommands are the steps behind the word wire.
var wireCommands = map[string]func(*testscript.TestScript, *script, *wireSocket, []string){
	"frame": wireFrame, "expect": wireExpect, "drain": wireDrain, "flood": wireFlood, "stalled": wireStalled,
	"flooded": wireFlooded, "half": wireHalf, "end": wireEnd, "raw": wireRaw, "rawexpect": wireRawExpect,
}

func cmdWire(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) == 0 {
		ts.Fatalf("usage: wire step [args]")
	}
	s := stateOf(ts)
	if args[0] == "connect" {
		wireConnect(ts, s, args[1:])
		return
	}
	step := wireCommands[args[0]]
	if step == nil {
		ts.Fatalf("wire knows no %q", args[0])
	}
	if s.wire == nil {
		ts.Fatalf("nothing is connected")
	}
	ts.Check(s.wire.conn.SetReadDeadline(time.Now().Add(scriptDeadline)))
	step(ts, s, s.wire, args[1:])
}

func wireConnect(ts *testscript.TestScript, s *script, args []string) {
	header := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	early := ""
	args = flagArgs(ts, args, "", map[string]func(string){"H": headerFlag(ts, header), "early": func(v string) { early = v }})
	only(ts, args, 1, 1, "wire connect [-H 'K: v']... [-early text] url")
	u, err := url.Parse(absolute(ts, args[0]))
	ts.Check(err)
	var d net.Dialer
	ctx, cancel := s.within()
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	ts.Check(err)
	s.closers = append(s.closers, func() { conn.Close() })
	ts.Check(conn.SetReadDeadline(time.Now().Add(scriptDeadline)))
	req := &http.Request{Method: "GET", URL: u, Host: u.Host, Header: header}
	w := &wireSocket{conn: conn.(*net.TCPConn), in: bufio.NewReader(conn)}
	var handshake bytes.Buffer
	ts.Check(req.Write(&handshake))
	if early != "" {
		handshake.Write(w.frame(1, false, []byte(early)))
	}
	_, err = conn.Write(handshake.Bytes())
	ts.Check(err)
	resp, err := http.ReadResponse(w.in, req)
	ts.Check(err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		ts.Fatalf("the handshake was answered with %s", resp.Status)
	}
	s.last = []answer{{status: resp.StatusCode, header: resp.Header}}
	s.wire = w
}

// frame returns one masked frame. The mask is all zeros, so that the payload
// stays readable.
func (w *wireSocket) frame(opcode byte, more bool, payload []byte) []byte {
	first := 0x80 | opcode
	if more {
		first = opcode
	}
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// next reads one frame.
func (w *wireSocket) next() (opcode byte, more bool, payload []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(w.in, head); err != nil {
		return 0, false, nil, err
	}
	size := uint64(head[1] & 0x7f)
	if size > 125 {
		long := make([]byte, 2)
		if size == 127 {
			long = make([]byte, 8)
		}
		if _, err := io.ReadFull(w.in, long); err != nil {
			return 0, false, nil, err
		}
		size = 0
		for _, b := range long {
			size = size<<8 | uint64(b)
		}
	}
	if head[1]&0x80 != 0 {
		return 0, false, nil, fmt.Errorf("a server's frame is masked")
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(w.in, payload)
	return head[0] & 0x0f, head[0]&0x80 == 0, payload, err
}

func wireFrame(ts *testscript.TestScript, _ *script, w *wireSocket, args []string) {
	more := false
	args = flagArgs(ts, args, "more", map[string]func(string){"more": func(string) { more = true }})
	only(ts, args, 2, 2, "wire frame [-more] opcode payload")
	_, err := w.conn.Write(w.frame(byte(number(ts, args[0])), more, []byte(args[1])))
	ts.Check(err)
}

func wireExpect(ts *testscript.TestScript, _ *script, w *wireSocket, args []string) {
	wantMore := false
	args = flagArgs(ts, args, "more", map[string]func(string){"more": func(string) { wantMore = true }})
	only(ts, args, 2, 2, "wire expect [-more] opcode regexp")
	opcode, more, payload, err := w.next()
	ts.Check(err)
	if int(opcode) != number(ts, args[0]) || more != wantMore || !compile(ts, args[1]).Match(payload) {
		ts.Fatalf("got opcode %d, more %v, %s", opcode, more, short(payload))
	}
}

func wireDrain(ts *testscript.TestScript, _ *script, w *wireSocket, args []string) {
	only(ts, args, 1, 1, "wire drain N")
	for left := number(ts, args[0]); left > 0; {
		opcode, _, payload, err := w.next()
		ts.Check(err)
		if opcode > 2 {
			ts.Fatalf("a frame with opcode %d came, %d bytes before the end", opcode, left)
		}
		left -= len(payload)
		ts.Check(w.conn.SetReadDeadline(time.Now().Add(scriptDeadline)))
	}
}

// floodFrame is the payload of each frame of a flood.
const floodFrame = 64 << 10

func wireFlood(ts *testscript.TestScript, s *script, w *wireSocket, args []string) {
	only(ts, args, 1, 1, "wire flood N")
	total := number(ts, args[0])
	frame := w.frame(2, false, make([]byte, floodFrame))
	ended := make(chan error, 1)
	w.flooded = ended
	go func() { // ends with the connection, which the script's end closes
		for w.written.Load() < int64(total) {
			if _, err := w.conn.Write(frame); err != nil {
				ended <- err
				return
			}
			w.written.Add(floodFrame)
		}
		ended <- nil
	}()
}

// stallTime is how long nothing of a flood is taken before it counts as held
// up.
const stallTime = time.Second

func wireStalled(ts *testscript.TestScript, s *script, w *wireSocket, args []string) {
	only(ts, args, 1, 1, "wire stalled N")
	ctx, cancel := s.within()
	defer cancel()
	look := time.NewTicker(stallTime)
	defer look.Stop()
	for before := int64(-1); ; {
		select {
		case <-look.C:
		case err := <-w.flooded:
			ts.Fatalf("all was taken (%v)", err)
		case <-ctx.Done():
			ts.Fatalf("%d bytes were taken, and more are", w.written.Load())
		}
		now := w.written.Load()
		if now > int64(number(ts, args[0])) {
			ts.Fatalf("%d bytes were taken", now)
		}
		if now == before {
			ts.Logf("held up after %d bytes", now)
			return
		}
		before = now
	}
}

func wireFlooded(ts *testscript.TestScript, s *script, w *wireSocket, args []string) {
	only(ts, args, 0, 0, "wire flooded")
	ctx, cancel := s.within()
	defer cancel()
	select {
	case err := <-w.flooded:
		ts.Check(err)
	case <-ctx.Done():
		ts.Fatalf("only %d bytes were taken", w.written.Load())
	}
}

func wireHalf(ts *testscript.TestScript, _ *script, w *wireSocket, args []string) {
	only(ts, args, 0, 0, "wire half")
	ts.Check(w.conn.CloseWrite())
}

func wireEnd(ts *testscript.TestScript, _ *script, w *wireSocket, args []string) {
	only(ts, args, 0, 0, "wire end")
	left, err := io.ReadAll(w.in)
	ts.Check(err)
	if len(left) > 0 {
		ts.Fatalf("before the end came %s", short(left))
	}
}

func wireRaw(ts *testscript.TestScript, _ *script, w *wireSocket, args []string) {
	only(ts, args, 1, 1, "wire raw text")
	_, err := io.WriteString(w.conn, args[0])
	ts.Check(err)
}

func wireRawExpect(ts *testscript.TestScript, _ *script, w *wireSocket, args []string) {
	only(ts, args, 1, 1, "wire rawexpect text")
	got := make([]byte, len(args[0]))
	_, err := io.ReadFull(w.in, got)
	if string(got) != args[0] || err != nil {
		ts.Fatalf("got %s (%v)", short(got), err)
	}
}

// cmdCrowd opens N sockets, and only when all are open has each of them send
// messages of its own and get them back.
func cmdCrowd(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 2, 2, "crowd N url")
	s := stateOf(ts)
	n := number(ts, args[0])
	for i := range n {
		wsConnect(ts, s, false, []string{"-name", fmt.Sprintf("crowd%d", i), args[1]})
	}
	for round := range 3 {
		for i := range n {
			s.sockets[fmt.Sprintf("crowd%d", i)].write(ts, s, 1, crowdMessage(i, round))
		}
		for i := range n {
			if m := s.sockets[fmt.Sprintf("crowd%d", i)].next(ts, s); string(m.data) != string(crowdMessage(i, round)) {
				ts.Fatalf("socket %d got %s", i, short(m.data))
			}
		}
	}
	for i := range n {
		wsClose(ts, s, s.sockets[fmt.Sprintf("crowd%d", i)], []string{"1000"})
	}
}

func crowdMessage(socket, round int) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("socket %d round %d;", socket, round), 1+socket))
}
