package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

// gate is a terminal that takes nothing until it is opened.
type gate struct {
	opened  chan struct{}
	arrived chan struct{} // a write has come; buffered
	mu      sync.Mutex
	out     bytes.Buffer
}

func newGate() *gate { return &gate{opened: make(chan struct{}), arrived: make(chan struct{}, 1)} }

func (g *gate) Write(p []byte) (int, error) {
	select {
	case g.arrived <- struct{}{}:
	default:
	}
	<-g.opened
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.out.Write(p)
}

func (g *gate) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.out.String()
}

func TestPrintingNeverBlocksAndCountsWhatIsLost(t *testing.T) {
	terminal := newGate()
	s := newScreen(terminal, false)
	s.print("first\n", false)
	<-terminal.arrived // the writer is stuck now
	line := strings.Repeat("x", 1<<20-1) + "\n"
	for range 5 {
		s.print(line, true) // three fit
	}
	s.print("brink's own\n", false)
	close(terminal.opened)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	out := terminal.String()
	if got := strings.Count(out, line); got != 3 {
		t.Errorf("%d lines of output were kept, want 3", got)
	}
	if !strings.Contains(out, "brink's own\n") || !strings.HasSuffix(out, "… 2 lines lost here: the terminal did not keep up\n") {
		t.Errorf("the end is %q", out[max(0, len(out)-100):])
	}
}

func TestStatusLineStaysBelowWhatIsPrinted(t *testing.T) {
	terminal := newGate()
	s := newScreen(terminal, true)
	s.setStatus("working")
	<-terminal.arrived
	s.print("line\n", false)
	close(terminal.opened)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := terminal.String(), "working"+clearLine+"line\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCloseOfAScreenIsIdempotentAndLosesNothing(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, false)
	for range 100 {
		s.print("line\n", true)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s.print("too late\n", false)
	if got := strings.Count(out.String(), "line\n"); got != 100 {
		t.Errorf("%d of 100 lines arrived", got)
	}
}
