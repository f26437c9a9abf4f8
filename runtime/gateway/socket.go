package gateway

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// errNoClose is why a socket ended whose function went silent.
var errNoClose = errors.New("the function closed the connection without a Close frame")

// socket relays a connection after its 101. Its two lanes move the bytes; run
// owns its state and decides when it is over.
type socket struct {
	x      *exchange
	client net.Conn
	worker net.Conn
	up     *lane // client to worker
	down   *lane // worker to client
	framed bool
	asks   chan ask
	events chan event
	wg     sync.WaitGroup

	// Used by run only.
	clientDone bool // Close frame or end seen from the client
	workerDone bool // the same from the worker
	upEnded    bool
	downEnded  bool
	final      *ask // goes to the client when the worker's last bytes did
	code       int  // of brink's own Close frame
	cause      error
	timer      *time.Timer
}

// ask is a wish for a Close frame.
type ask struct {
	code   int
	reason string
}

// newSocket returns the socket of a hijacked connection. What net/http read
// ahead is taken from its reader, and no more: a read through it would cancel
// the request's context when the client half-closes.
func newSocket(x *exchange, client net.Conn, readAhead *bufio.Reader, framed bool) *socket {
	worker, from := x.link.conn, io.Reader(client)
	if n := readAhead.Buffered(); n > 0 {
		ahead, _ := readAhead.Peek(n) // cannot fail: so much is there
		from = io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), client)
	}
	return &socket{
		x: x, client: client, worker: worker, framed: framed,
		up:     &lane{src: from, from: client, dst: worker, mask: true, framed: framed},
		down:   &lane{src: x.link.br, from: worker, dst: client, framed: framed},
		asks:   make(chan ask, 1),
		events: make(chan event, 2*eventKinds),
	}
}

// ask wants the socket closed with a code, for the supervisor. The first wish
// counts. It never blocks.
func (s *socket) ask(code int, reason string) {
	select {
	case s.asks <- ask{code, reason}:
	default:
	}
}

// run relays until the socket is over, closes both connections and returns
// after its goroutines. The error says why brink ended it, nil if it did not.
func (s *socket) run(ctx context.Context) error {
	s.timer = time.NewTimer(time.Hour)
	s.timer.Stop()
	defer s.timer.Stop()
	s.wg.Go(func() { s.up.pump(s.events) })
	s.wg.Go(func() { s.down.pump(s.events) })
	for over, ended := false, ctx.Done(); !over; {
		select {
		case e := <-s.events:
			over = s.handle(e)
		case a := <-s.asks:
			over = s.closeBoth(a)
		case <-ended:
			ended = nil
			over = s.workerEnded(context.Cause(ctx))
		case <-s.timer.C:
			over = s.expired()
		}
	}
	s.client.Close()
	s.worker.Close()
	s.wg.Wait()
	s.account()
	return s.cause
}

// account fills in what the record says.
func (s *socket) account() {
	s.x.v.in, s.x.v.out = s.up.passed(), s.down.passed()
	s.x.v.closed = cmp.Or(s.code, s.down.told(), s.up.told())
}

// handle takes an event of a lane and says whether the socket is over.
func (s *socket) handle(e event) (over bool) {
	switch {
	case e.kind == closeSeen && e.lane == s.up:
		s.clientDone = true
		s.workerDone = s.workerDone || s.downEnded
	case e.kind == closeSeen && e.lane == s.down:
		s.workerDone = true
	case e.kind == deafened && e.lane == s.down:
		return true // the client is gone, and nothing will reach it
	case e.kind == deafened && e.lane == s.up:
		// The worker closed; what it said before is still on its way.
		s.down.hurry(s.x.g.times.linger)
		return false
	case e.kind == srcEnded && e.lane == s.up:
		return s.clientEnded(e.err)
	case e.kind == srcEnded && e.lane == s.down:
		return s.silent()
	}
	if s.clientDone && s.workerDone {
		return true
	}
	s.arm(s.x.g.times.closing)
	return false
}

// clientEnded deals with the end of what the client says: half closed, or gone.
func (s *socket) clientEnded(err error) (over bool) {
	s.upEnded, s.clientDone = true, true
	if err != io.EOF || s.workerDone || s.final != nil {
		return true
	}
	closeWrite(s.worker)
	s.down.hurry(s.x.g.times.linger)
	return false
}

// silent deals with the end of what the worker says. Without a Close frame the
// reason is waited for: a killed worker's connections end a moment before.
func (s *socket) silent() (over bool) {
	s.downEnded = true
	switch {
	case s.final != nil:
		return s.say(*s.final)
	case s.code != 0:
		return s.clientDone
	case s.workerDone:
		return s.halfClose()
	case s.clientDone:
		return true
	}
	s.arm(s.x.g.times.reason)
	return false
}

// halfClose passes the worker's end on to the client.
func (s *socket) halfClose() (over bool) {
	s.workerDone = true
	if s.clientDone {
		return true
	}
	closeWrite(s.client)
	s.up.hurry(s.x.g.times.linger)
	return false
}

// expired deals with the end of the timer.
func (s *socket) expired() (over bool) {
	if s.downEnded && !s.workerDone && s.final == nil && s.code == 0 {
		s.cause = errNoClose
		return s.halfClose()
	}
	return true
}

// closeBoth says Close to both sides and gives them the grace to answer.
func (s *socket) closeBoth(a ask) (over bool) {
	switch {
	case s.code != 0: // the first wish counts
		return false
	case !s.framed:
		return true
	}
	s.code = a.code
	s.bound()
	s.up.close(a.code, a.reason)
	s.down.close(a.code, a.reason)
	return s.clientDone && s.workerDone
}

// workerEnded deals with the worker's end, or the gateway's.
func (s *socket) workerEnded(cause error) (over bool) {
	if s.code != 0 { // on its way out; the worker's last bytes may still come
		return s.clientDone
	}
	s.cause = cause
	r := ladder(cause)
	if r.closeCode == 0 || !s.framed {
		return true
	}
	a := ask{r.closeCode, r.closeReason}
	if s.x.lease.Context().Err() == nil {
		return s.closeBoth(a)
	}
	s.bound()
	if s.downEnded {
		return s.say(a)
	}
	// What the worker said last is passed on first.
	s.final = &a
	_ = s.worker.SetReadDeadline(time.Now().Add(s.x.g.times.grace))
	return false
}

// say puts the Close frame toward the client after the worker's last byte. In
// the middle of a frame there is nothing left to say.
func (s *socket) say(a ask) (over bool) {
	s.code = a.code
	return !s.down.close(a.code, a.reason) || s.clientDone
}

// bound starts the grace: all has to be over at its end, writes included.
func (s *socket) bound() {
	end := time.Now().Add(s.x.g.times.grace)
	_ = s.client.SetWriteDeadline(end)
	_ = s.worker.SetWriteDeadline(end)
	s.timer.Reset(s.x.g.times.grace)
}

// arm sets the timer, unless the grace runs already.
func (s *socket) arm(d time.Duration) {
	if s.code == 0 && s.final == nil {
		s.timer.Reset(d)
	}
}
