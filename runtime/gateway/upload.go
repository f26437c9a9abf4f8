package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxLeftover is how much of a body nobody wants is read to keep the client's
// connection usable; net/http's own bound.
const maxLeftover = 256 << 10

// upload sends a request's body to the worker while the answer is read. A nil
// upload is that of a request without a body.
type upload struct {
	x    *exchange
	rc   *http.ResponseController
	body io.Reader
	req  *http.Request
	goOn chan struct{} // closed: the worker wants the body
	once sync.Once
	wg   sync.WaitGroup

	over atomic.Bool   // the worker takes no more
	done chan struct{} // closed when the goroutine ends; it has written:
	sent bool          // all of the body is with the worker
	eof  bool          // all of the body was read
	n    int64
}

// upload starts sending the body, in chunks as they come. A client that asked
// for permission (Expect: 100-continue) gets it when the worker begins to read.
func (x *exchange) upload(ctx context.Context, w http.ResponseWriter, r *http.Request) *upload {
	if framingOf(r) == noBody {
		return nil
	}
	u := &upload{x: x, rc: http.NewResponseController(w), body: r.Body, req: r, goOn: make(chan struct{}), done: make(chan struct{})}
	// Without it net/http reads the whole body before it sends a response.
	// Other ResponseWriters than its own may not know it; nothing is lost then.
	_ = u.rc.EnableFullDuplex()
	if r.Header.Get("Expect") == "" {
		u.proceed()
	}
	conn := x.link.conn
	u.wg.Go(func() { u.run(ctx, conn) })
	return u
}

// proceed lets the body go. It may be called more than once.
func (u *upload) proceed() {
	if u != nil {
		u.once.Do(func() { close(u.goOn) })
	}
}

// wait waits until the worker wants the body. Not every server says so, hence
// the bound, which is that of net/http and curl.
func (u *upload) wait(ctx context.Context) {
	bound := time.NewTimer(u.x.g.times.expect)
	defer bound.Stop()
	select {
	case <-u.goOn:
	case <-bound.C:
	case <-ctx.Done():
	}
}

func (u *upload) run(ctx context.Context, conn net.Conn) {
	defer close(u.done)
	select {
	case <-u.goOn:
	default:
		u.wait(ctx)
	}
	if u.over.Load() {
		return
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	var err error
	if framingOf(u.req) == sized {
		err = u.pump(*buf, conn.Write)
	} else {
		err = u.pumpChunks(conn, *buf)
	}
	switch {
	case err == nil:
		u.sent = !u.over.Load()
	case u.over.Load():
	case errors.Is(err, io.ErrUnexpectedEOF), isNetwork(err):
		u.x.cancel(errClientGone)
	default:
		u.x.cancel(errBadBody)
	}
}

func isNetwork(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok
}

// pump reads the body to its end and gives each piece to write. When the
// worker takes no more, the rest is read and dropped, up to maxLeftover once
// the request is over.
func (u *upload) pump(buf []byte, write func([]byte) (int, error)) error {
	deaf, dropped := false, 0
	for {
		n, err := u.body.Read(buf)
		u.n += int64(n)
		switch {
		case n == 0:
		case deaf || u.over.Load():
			dropped += n
		default:
			_, werr := write(buf[:n])
			deaf = werr != nil
		}
		if err == io.EOF {
			u.eof = true
			if deaf {
				u.over.Store(true)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if u.over.Load() && dropped > maxLeftover {
			return nil
		}
	}
}

// chunkRoom is the room for a chunk's size line and its final CRLF.
const chunkRoom = 10

// pumpChunks sends each piece as one chunk, in one write, and then the
// trailers.
func (u *upload) pumpChunks(conn net.Conn, buf []byte) error {
	data := buf[chunkRoom : len(buf)-2]
	err := u.pump(data, func(p []byte) (int, error) {
		size := strconv.AppendInt(make([]byte, 0, chunkRoom), int64(len(p)), 16)
		size = append(size, "\r\n"...)
		start := chunkRoom - len(size)
		copy(buf[start:], size)
		end := chunkRoom + len(p)
		copy(buf[end:], "\r\n")
		return conn.Write(buf[start : end+2])
	})
	if err != nil || u.over.Load() || !u.eof {
		return err
	}
	last := append(make([]byte, 0, 64), "0\r\n"...)
	for name, values := range u.req.Trailer {
		for _, value := range values {
			last = appendHeader(last, name, value)
		}
	}
	if _, err := conn.Write(append(last, "\r\n"...)); err != nil {
		u.over.Store(true)
	}
	return nil
}

// finish ends the upload when the answer is written, and says whether all of
// the body went to the worker, so that the connection can be used again. If it
// is still running, the connection is closed.
func (u *upload) finish() (whole bool) {
	if u == nil {
		return true
	}
	select {
	case <-u.done:
		u.x.v.in = u.n
		return u.sent
	default:
		u.stop()
		return false
	}
}

// stop ends a running upload and waits for it. The client gets its answer
// before that: it may be slow with a body that nobody reads any more.
func (u *upload) stop() {
	u.x.link.conn.Close()
	u.over.Store(true)
	u.proceed()
	if !u.x.v.abort {
		_ = u.rc.Flush()
	}
	// A read of the client's connection ends in no other way.
	_ = u.rc.SetReadDeadline(time.Now().Add(u.x.g.times.leftover))
	u.wg.Wait()
	if u.eof {
		_ = u.rc.SetReadDeadline(time.Time{})
	}
	u.x.v.in = u.n
}
