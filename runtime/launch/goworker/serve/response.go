package serve

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// response is net/http's own, with the same optional methods, and notes when
// the client has all of it.
type response struct {
	http.ResponseWriter
	noBody bool   // HEAD, or a status without a body
	ended  func() // called when the client is about to have all of it

	started bool
	length  int64 // of the body as declared; -1 when it is not, set by start
	written int64
	socket  net.Conn // set once hijacked
}

func (w *response) start(status int) {
	if w.started || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.started = true
	w.length = -1
	if n, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		w.length = n
	}
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.noBody = true
	}
}

func (w *response) complete() bool {
	return w.started && (w.noBody || w.length >= 0 && w.written >= w.length)
}

// WriteHeader sends the status.
func (w *response) WriteHeader(status int) {
	w.start(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write writes part of the body.
func (w *response) Write(b []byte) (int, error) {
	w.start(http.StatusOK)
	n, err := w.ResponseWriter.Write(b)
	w.written += int64(n)
	return n, err
}

// WriteString writes part of the body.
func (w *response) WriteString(s string) (int, error) {
	w.start(http.StatusOK)
	n, err := io.WriteString(w.ResponseWriter, s)
	w.written += int64(n)
	return n, err
}

// ReadFrom copies the body from r, by sendfile where the system can.
func (w *response) ReadFrom(r io.Reader) (int64, error) {
	w.start(http.StatusOK)
	n, err := w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
	w.written += n
	return n, err
}

// Flush sends what is buffered.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush, for http.ResponseController.
func (w *response) FlushError() error {
	w.start(http.StatusOK)
	if w.complete() {
		// The count goes out first, or brink might end the worker in between.
		w.ended()
		w.leaveConnection()
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// leaveConnection keeps the client from sending its next request on this
// connection, where it would wait for the handler to return: the response says
// "Connection: close". With the header written already that is no longer
// possible through Header, but a MaxBytesReader over its limit still does it
// ("MaxBytesReader … tells the ResponseWriter to close the connection").
func (w *response) leaveConnection() {
	over := http.MaxBytesReader(w.ResponseWriter, io.NopCloser(strings.NewReader("..")), 1)
	_, _ = io.Copy(io.Discard, over)
}

// Hijack hands over the connection. From then on the socket's end, not the
// response's, makes a task of a handler that goes on.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	s := &socket{Conn: conn, ended: sync.OnceFunc(w.ended)}
	w.started = true
	w.socket = s
	// Both buffers are empty or hold the client's first bytes; the writer is
	// kept as it is, since closing goes through the connection.
	if rw.Reader.Buffered() == 0 {
		rw.Reader.Reset(s)
	}
	return s, rw, nil
}

// SetReadDeadline is for http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(w.ResponseWriter).SetReadDeadline(t)
}

// SetWriteDeadline is for http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t)
}

// EnableFullDuplex is for http.ResponseController.
func (w *response) EnableFullDuplex() error {
	return http.NewResponseController(w.ResponseWriter).EnableFullDuplex()
}

// CloseNotify is deprecated, and older libraries still ask for it.
func (w *response) CloseNotify() <-chan bool {
	//lint:ignore SA1019 what net/http's own response has, this one has
	return w.ResponseWriter.(http.CloseNotifier).CloseNotify()
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// socket is a hijacked connection that notes its end.
type socket struct {
	net.Conn
	ended func()
}

// Read reads from the client; an error other than a deadline ends the socket.
func (s *socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.ended()
	}
	return n, err
}

// Close closes the connection.
func (s *socket) Close() error {
	s.ended()
	return s.Conn.Close()
}
