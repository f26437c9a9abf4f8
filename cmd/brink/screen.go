package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// The queue of a screen is bounded: behind a stopped terminal (Ctrl-S) or a
// slow pipe it grows to queueLimit bytes. Function output is refused earlier,
// so that there is room for brink's own lines.
const (
	queueLimit   = 4 << 20
	outputLimit  = 3 << 20
	closeTimeout = 2 * time.Second // how long Close waits for a stopped terminal
)

// clearLine erases what stands on the current line and goes to its beginning.
const clearLine = "\r\x1b[2K"

// clearAll erases the screen and what can be scrolled back to.
const clearAll = "\x1b[H\x1b[2J\x1b[3J"

// screen is the one writer to a terminal (or a pipe, for people). Printing
// never blocks: workers must not stand still because a terminal does. One
// goroutine, started by newScreen and ended by Close, writes what is queued,
// and keeps the status line below everything else.
type screen struct {
	w   io.Writer
	tty bool // status lines can be overwritten

	mu     sync.Mutex // guards the fields below
	queue  []string
	size   int    // bytes in queue
	lost   int    // lines refused since the last write
	status string // what the last line is to show
	closed bool

	wake  chan struct{} // something was queued, or closed
	ended chan struct{} // the goroutine is gone
}

func newScreen(w io.Writer, tty bool) *screen {
	s := &screen{w: w, tty: tty, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go s.run()
	return s
}

// print queues text, which ends with a newline. Output of functions is dropped
// first when the queue is full.
func (s *screen) print(text string, functionOutput bool) {
	limit := queueLimit
	if functionOutput {
		limit = outputLimit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.size+len(text) > limit {
		s.lost += strings.Count(text, "\n")
		return
	}
	s.queue = append(s.queue, text)
	s.size += len(text)
	s.signal()
}

// setStatus shows line below everything else until it is replaced; "" removes
// it. Without a terminal nothing is shown.
func (s *screen) setStatus(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tty || s.closed || s.status == line {
		return
	}
	s.status = line
	s.signal()
}

// signal wakes the goroutine; mu is held.
func (s *screen) signal() {
	select {
	case s.wake <- struct{}{}:
	default: // it has been woken already
	}
}

// Close writes what is queued and ends the goroutine. It is idempotent, and
// gives up on a terminal that takes nothing for two seconds; the goroutine then
// ends with the write that blocks it.
func (s *screen) Close() error {
	s.mu.Lock()
	s.closed = true
	s.status = ""
	s.signal()
	s.mu.Unlock()
	timeout := time.NewTimer(closeTimeout)
	defer timeout.Stop()
	select {
	case <-s.ended:
		return nil
	case <-timeout.C:
		return fmt.Errorf("cannot write the last lines: the terminal takes nothing")
	}
}

func (s *screen) run() {
	defer close(s.ended)
	shown := "" // the status line on the terminal
	for range s.wake {
		text, status, closed := s.take()
		var b strings.Builder
		if shown != "" && (text != "" || status != shown) {
			b.WriteString(clearLine)
			shown = ""
		}
		b.WriteString(text)
		if status != "" && status != shown {
			b.WriteString(status)
		}
		shown = status
		if b.Len() > 0 {
			if _, err := io.WriteString(s.w, b.String()); err != nil {
				shown = "" // nobody is looking; the next write may tell otherwise
			}
		}
		if closed {
			return
		}
	}
}

// take empties the queue.
func (s *screen) take() (text, status string, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text = strings.Join(s.queue, "")
	if s.lost > 0 {
		text += fmt.Sprintf("… %s lost here: the terminal did not keep up\n", plural(s.lost, "line"))
	}
	s.queue, s.size, s.lost = nil, 0, 0
	return text, s.status, s.closed
}
