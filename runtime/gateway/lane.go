package gateway

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// lane is one direction of a socket: bytes from src to dst, as they are. It can
// put one Close frame of its own between two frames; what comes after that is
// followed, but dropped.
type lane struct {
	src    io.Reader // reads from, after what was read ahead
	from   net.Conn
	dst    net.Conn
	mask   bool // frames toward dst are masked
	framed bool // it carries WebSocket frames

	pending atomic.Pointer[[]byte] // a Close frame to be put in
	linger  atomic.Int64           // ns that src may be silent; 0: for ever

	mu     sync.Mutex
	track  frames // guarded by mu: follows what came from src
	sealed bool   // guarded by mu: the own Close frame is out
	deaf   bool   // guarded by mu: dst takes no more
	bytes  int64  // guarded by mu: came from src
}

// event is what a lane tells its socket. Each kind comes at most once a lane.
type event struct {
	lane *lane
	kind eventKind
	err  error // of ended
}

type eventKind uint8

const (
	closeSeen eventKind = iota // a Close frame from src was passed on
	deafened                   // dst takes no more
	srcEnded                   // src has ended; the lane is done
)

// eventKinds is how many events a lane sends at most.
const eventKinds = 3

// pump moves bytes until src ends. It holds one buffer: a reader that is slow
// slows the writer down.
func (l *lane) pump(events chan<- event) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	toldClose, toldDeaf := false, false
	for {
		if d := l.linger.Load(); d > 0 {
			_ = l.from.SetReadDeadline(time.Now().Add(time.Duration(d)))
		}
		n, err := l.src.Read(*buf)
		if n > 0 {
			closed, deaf := l.forward((*buf)[:n])
			if deaf && !toldDeaf {
				toldDeaf = true
				events <- event{lane: l, kind: deafened}
			}
			if closed && !toldClose {
				toldClose = true
				events <- event{lane: l, kind: closeSeen}
			}
		}
		if err != nil {
			events <- event{lane: l, kind: srcEnded, err: err}
			return
		}
	}
}

// forward passes p on, and says whether a Close frame has passed and whether
// dst takes no more.
func (l *lane) forward(p []byte) (closed, deaf bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes += int64(len(p))
	for len(p) > 0 {
		n := l.span(p)
		l.write(p[:n])
		p = p[n:]
	}
	l.seal()
	return l.track.ended != 0, l.deaf
}

// span follows p and returns how much of it may go out in one piece: all,
// unless a Close frame waits for the end of the current frame. mu is held.
func (l *lane) span(p []byte) (n int) {
	if !l.framed {
		return len(p)
	}
	l.seal()
	if l.pending.Load() != nil && !l.sealed {
		return l.track.next(p)
	}
	for n < len(p) {
		n += l.track.next(p[n:])
	}
	return n
}

// write writes to dst unless it is over with it. mu is held.
func (l *lane) write(p []byte) {
	if l.sealed || l.deaf {
		return
	}
	if _, err := l.dst.Write(p); err != nil {
		l.deaf = true
	}
}

// seal writes the pending Close frame if there is one and a frame may begin.
// mu is held.
func (l *lane) seal() {
	frame := l.pending.Load()
	if frame == nil || l.sealed || !l.framed || !l.track.atBoundary() {
		return
	}
	if l.track.ended == 0 { // nothing follows the other side's own Close frame
		l.write(*frame)
	}
	l.sealed = true
}

// close puts a Close frame at the next boundary, and says whether that was now.
// It blocks while a write to dst does.
func (l *lane) close(code int, reason string) (now bool) {
	frame := closeFrame(code, reason, l.mask)
	l.pending.CompareAndSwap(nil, &frame)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seal()
	return l.sealed
}

// hurry bounds how long src may be silent from now on.
func (l *lane) hurry(d time.Duration) {
	l.linger.Store(int64(d))
	_ = l.from.SetReadDeadline(time.Now().Add(d))
}

// told returns the code of the Close frame that passed, 0 for none.
func (l *lane) told() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.track.ended
}

// passed returns how many bytes came from src.
func (l *lane) passed() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}
