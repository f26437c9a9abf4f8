package launch

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brink/runtime/wire"
	"brink/runtime/worker"
)

// conformant is a worker, and the sink that hears it.
type conformant struct {
	t      *testing.T
	worker *worker.Worker
	client *http.Client

	mu       sync.Mutex // guards what follows
	messages []wire.Message
	output   []string
	ended    *worker.Exit
	changed  chan struct{} // closed at every change
}

func startConformant(t *testing.T, spec worker.Spec) *conformant {
	t.Helper()
	c := &conformant{t: t, changed: make(chan struct{})}
	starter := worker.NewStarter()
	w, err := starter.Start(shortTempDir(t), spec, c)
	if err != nil {
		t.Fatal(err)
	}
	c.worker = w
	c.client = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return w.Dial(ctx) },
	}}
	t.Cleanup(func() {
		w.Kill()
		<-w.Done()
		starter.Close()
	})
	return c
}

// Message keeps m.
func (c *conformant) Message(m wire.Message) { c.change(func() { c.messages = append(c.messages, m) }) }

// Output keeps line.
func (c *conformant) Output(s worker.Stream, line string) {
	c.change(func() { c.output = append(c.output, s.String()+": "+line) })
}

// Exited keeps e.
func (c *conformant) Exited(e worker.Exit) { c.change(func() { c.ended = &e }) }

func (c *conformant) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// awaitFunc waits until holds, which is called under the lock.
func (c *conformant) awaitFunc(what string, holds func() bool) {
	c.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		ok, changed := holds(), c.changed
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			c.t.Fatalf("no %s; messages %+v, output %q", what, c.messages, c.output)
		}
	}
}

func (c *conformant) awaitMessage(what string, is func(wire.Message) bool) (m wire.Message) {
	c.t.Helper()
	c.awaitFunc(what, func() bool {
		i := slices.IndexFunc(c.messages, is)
		if i >= 0 {
			m = c.messages[i]
		}
		return i >= 0
	})
	return m
}

func (c *conformant) await(typ wire.Type) wire.Message {
	c.t.Helper()
	return c.awaitMessage(string(typ), func(m wire.Message) bool { return m.Type == typ })
}

func (c *conformant) awaitLog(text string) wire.Message {
	c.t.Helper()
	return c.awaitMessage(text, func(m wire.Message) bool { return m.Type == wire.TypeLog && m.Text == text })
}

func (c *conformant) index(typ wire.Type) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.IndexFunc(c.messages, func(m wire.Message) bool { return m.Type == typ })
}

func (c *conformant) count(typ wire.Type) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.messages {
		if m.Type == typ {
			n++
		}
	}
	return n
}

// exit waits for the end of the process.
func (c *conformant) exit() (e worker.Exit) {
	c.t.Helper()
	c.awaitFunc("end", func() bool { return c.ended != nil })
	return *c.ended
}

// open opens the gate and waits until requests are served.
func (c *conformant) open() {
	c.t.Helper()
	c.await(wire.TypeWaiting)
	c.worker.Open()
	c.await(wire.TypeReady)
}

// ask makes one request under the id "r1", as the gateway would; status 0 says
// that no answer came.
func (c *conformant) ask(method, path, body string) (int, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1:54321"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set(wire.HeaderRequestID, "r1")
	resp, err := c.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}
