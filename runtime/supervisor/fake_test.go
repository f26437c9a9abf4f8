package supervisor

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brink/policy"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

// fakeProcess is a worker without a process: it says waiting at once, and
// becomes ready when the gate opens, unless boot says otherwise.
type fakeProcess struct {
	host *fakeHost
	sink worker.Sink
	spec worker.Spec

	mu       sync.Mutex
	unloads  []string
	drains   []string
	asks     int
	cpu      time.Duration
	resident int64
	dead     bool
	opened   bool
}

// fakeHost starts fakeProcesses.
type fakeHost struct {
	boot   func(*fakeProcess) // when the gate opens; nil: ready at once
	unload func(*fakeProcess) // on beforeunload; nil: returns at once
	start  func(*fakeProcess) // instead of waiting

	mu    sync.Mutex
	procs []*fakeProcess
}

func (h *fakeHost) Start(spec worker.Spec, sink worker.Sink) (Process, error) {
	p := &fakeProcess{host: h, sink: sink, spec: spec}
	h.mu.Lock()
	h.procs = append(h.procs, p)
	h.mu.Unlock()
	if h.start != nil {
		go h.start(p)
	} else {
		go sink.Message(wire.Message{Type: wire.TypeWaiting})
	}
	return p, nil
}

// all returns the processes ever started.
func (h *fakeHost) all() []*fakeProcess {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*fakeProcess{}, h.procs...)
}

// openedCount says how many were let through the gate.
func (h *fakeHost) openedCount() int {
	n := 0
	for _, p := range h.all() {
		p.mu.Lock()
		if p.opened {
			n++
		}
		p.mu.Unlock()
	}
	return n
}

func (p *fakeProcess) Open() {
	p.mu.Lock()
	p.opened = true
	p.mu.Unlock()
	if p.host.boot != nil {
		go p.host.boot(p)
		return
	}
	go p.ready()
}

func (p *fakeProcess) ready() {
	p.sink.Message(wire.Message{Type: wire.TypeReady})
	p.sink.Message(wire.Message{Type: wire.TypeLoaded, Serving: true})
}

func (p *fakeProcess) BeforeUnload(reason string) {
	p.mu.Lock()
	p.unloads = append(p.unloads, reason)
	p.mu.Unlock()
	if p.host.unload != nil {
		go p.host.unload(p)
		return
	}
	go p.sink.Message(wire.Message{Type: wire.TypeClosing})
}

func (p *fakeProcess) Drain(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drains = append(p.drains, reason)
}

func (p *fakeProcess) AskMemory() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asks++
}

func (p *fakeProcess) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asks
}

func (p *fakeProcess) Sample() (time.Duration, int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cpu, p.resident
}

func (p *fakeProcess) use(cpu time.Duration, resident int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cpu, p.resident = cpu, resident
}

func (p *fakeProcess) Dial(context.Context) (net.Conn, error) {
	return nil, errors.New("a fake has no socket")
}

func (p *fakeProcess) Kill() { p.exit(worker.Exit{Code: -1, Signal: "killed"}) }

// exit ends the process, once.
func (p *fakeProcess) exit(e worker.Exit) {
	p.mu.Lock()
	dead := p.dead
	p.dead = true
	p.mu.Unlock()
	if !dead {
		go p.sink.Exited(e)
	}
}

func (p *fakeProcess) said() (unloads, drains []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.unloads...), append([]string{}, p.drains...)
}

// world is a supervisor with fakes under it, for use in a synctest bubble.
type world struct {
	*Supervisor
	t    *testing.T
	host *fakeHost
	fn   Function
}

// inBubble runs test with a world that serves the function "hello", and closes
// it at the end.
func inBubble(t *testing.T, kind policy.Kind, test func(w *world)) {
	t.Helper()
	inBubbleWith(t, 0, kind, test)
}

func inBubbleWith(t *testing.T, spares int, kind policy.Kind, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, host: &fakeHost{}}
		w.Supervisor = New(Options{Start: w.host.Start, Logger: slog.New(slog.DiscardHandler), Max: 2})
		w.fn = Function{
			Name: "hello", Kind: kind, Spares: spares, DrainTimeout: 10 * time.Second,
			Limits: policy.Limits{WallClock: 400 * time.Second, CPUSoft: time.Second, CPUHard: 2 * time.Second, Memory: 200 * policy.MiB},
			Spec:   func(id string) (worker.Spec, error) { return worker.Spec{Function: "hello", ID: id}, nil },
		}
		w.Apply(t.Context(), []Function{w.fn})
		test(w)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		w.Close(ctx)
	})
}

// acquire returns a lease or fails the test.
func (w *world) acquire() *Lease {
	w.t.Helper()
	l, err := w.Acquire(w.t.Context(), "hello")
	if err != nil {
		w.t.Fatalf("acquire: %v", err)
	}
	return l
}

// result is what an Acquire in the background came to.
type result struct {
	lease *Lease
	err   error
}

func (w *world) acquireLater(ctx context.Context) <-chan result {
	ch := make(chan result, 1)
	go func() {
		l, err := w.Acquire(ctx, "hello")
		ch <- result{l, err}
	}()
	return ch
}

func (w *world) status() Status { return w.Status()[0] }

func (w *world) process(l *Lease) *fakeProcess {
	for _, p := range w.host.all() {
		if p.spec.ID == l.Worker() {
			return p
		}
	}
	w.t.Fatal("no such process")
	return nil
}

// cause returns why the lease's worker ended, nil while it lives.
func cause(l *Lease) error { return context.Cause(l.Context()) }

// pass lets the bubble's clock run on by d. It costs no time.
func pass(d time.Duration) { <-time.After(d) }
