package gateway

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxAnswerHead bounds the bytes of a response head. A worker is not trusted
// to keep it small; 1 MiB is what net/http allows a client.
const maxAnswerHead = 1 << 20

var errHeadTooLarge = errors.New("the response head is larger than 1 MiB")

// link is one connection to a worker. One request at a time uses it.
type link struct {
	conn   net.Conn
	br     *bufio.Reader // reads the link, so that a head's size is bounded
	budget int           // bytes that a head may still have; negative: no bound
	reused bool          // it carried a request before
	since  time.Time     // idle since
}

var (
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}
	buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}
)

// bufferSize is how much of a body, or of one direction of a socket, is in
// memory at once.
const bufferSize = 16 << 10

func newLink(conn net.Conn) *link {
	l := &link{conn: conn, budget: -1, br: readers.Get().(*bufio.Reader)}
	l.br.Reset(l)
	return l
}

// Read reads from the worker, within the budget.
func (l *link) Read(p []byte) (int, error) {
	if l.budget == 0 {
		return 0, errHeadTooLarge
	}
	if l.budget > 0 && len(p) > l.budget {
		p = p[:l.budget]
	}
	n, err := l.conn.Read(p)
	if l.budget > 0 {
		l.budget -= n
	}
	return n, err
}

// head reads one response head; r is the request that it answers.
func (l *link) head(r *http.Request) (*http.Response, error) {
	l.budget = maxAnswerHead
	resp, err := http.ReadResponse(l.br, r)
	l.budget = -1
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return resp, err
}

// free gives the buffers back. Nothing may use the link any more.
func (l *link) free() {
	l.br.Reset(nil)
	readers.Put(l.br)
	l.br = nil
}

// discard closes the link. Nothing may use it any more.
func (l *link) discard() {
	l.conn.Close()
	l.free()
}
