package wire

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxLine is the longest line, in bytes, that a Conn reads. A worker is not
// trusted: a longer line ends the connection. Hosted log messages are cut at
// 10,000 characters, so nothing honest comes near it.
const MaxLine = 1 << 20

// ErrLineTooLong is returned by Receive for a line of more than MaxLine bytes.
var ErrLineTooLong = errors.New("worker protocol: line too long")

// VersionError is returned by CheckHello for a worker of another version.
type VersionError struct{ Got int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("worker speaks protocol %d, brink speaks %d: use the worker that this brink builds (clear its cache with `brink engine clean`), or update brink", e.Got, Version)
}

// Conn sends and receives messages over a stream. Send may be called by many
// goroutines at once; Receive by one at a time. Neither closes the stream.
type Conn struct {
	r *bufio.Scanner

	mu sync.Mutex // guards w
	w  io.Writer
}

// NewConn returns a Conn over rw.
func NewConn(rw io.ReadWriter) *Conn {
	s := bufio.NewScanner(rw)
	s.Buffer(make([]byte, 0, 4096), MaxLine)
	return &Conn{r: s, w: rw}
}

// Send writes one message. It blocks while the other side does not read.
func (c *Conn) Send(m Message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("cannot encode %s message: %w", m.Type, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("cannot send %s message: %w", m.Type, err)
	}
	return nil
}

// Receive returns the next message, blocking until there is one. Lines that
// are not a JSON object are skipped, as an unknown message would be. At the
// end of the stream it returns io.EOF.
func (c *Conn) Receive() (Message, error) {
	for c.r.Scan() {
		var m Message
		if json.Unmarshal(c.r.Bytes(), &m) == nil && m.Type != "" {
			return m, nil
		}
	}
	switch err := c.r.Err(); {
	case err == nil:
		return Message{}, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return Message{}, ErrLineTooLong
	default:
		return Message{}, fmt.Errorf("cannot read from worker: %w", err)
	}
}

// CheckHello says whether m is a hello of this version.
func CheckHello(m Message) error {
	if m.Type != TypeHello {
		return fmt.Errorf("worker said %q before hello", m.Type)
	}
	if m.Protocol != Version {
		return &VersionError{Got: m.Protocol}
	}
	return nil
}
