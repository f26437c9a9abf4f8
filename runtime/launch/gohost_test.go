package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"brink/runtime/config"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

// writeTree writes files (path -> text) below a new folder and returns it.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func goFunction(dir string) config.Function {
	return config.Function{Name: filepath.Base(dir), Language: config.Go, Entrypoint: dir, Dir: dir}
}

// prepared builds the function in dir.
func prepared(t *testing.T, dir string) (*Go, config.Function) {
	t.Helper()
	g, f := NewGo(GoOptions{CacheDir: t.TempDir()}), goFunction(dir)
	if err := g.Prepare(t.Context(), f, func(string) {}); err != nil {
		t.Fatalf("Prepare: %v", err)
	}
	return g, f
}

// goHost is the supervisor's side of one worker, as small as it can be.
type goHost struct {
	t      *testing.T
	paths  worker.Paths
	cmd    *exec.Cmd
	conn   *wire.Conn
	raw    net.Conn
	client *http.Client
	exited chan error

	mu       sync.Mutex // guards what follows
	seen     []wire.Message
	changed  chan struct{} // closed at the next message
	out, err lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// await waits until the process has printed exactly want: what it prints takes
// another way than its answers.
func (l *lockedBuffer) await(t *testing.T, name, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); l.String() != want; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Errorf("%s is %q, want %q", name, l.String(), want)
			return
		}
	}
}

// startGo builds the function in dir and starts a worker, which waits at the
// gate.
func startGo(t *testing.T, dir string) *goHost {
	t.Helper()
	g, f := prepared(t, dir)
	spec, err := g.Spec(f, "id", nil)
	if err != nil {
		t.Fatal(err)
	}
	return startSpec(t, spec)
}

func startSpec(t *testing.T, spec worker.Spec) *goHost {
	t.Helper()
	private, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(private) })
	h := &goHost{t: t, exited: make(chan error, 1), changed: make(chan struct{})}
	h.paths = worker.Paths{Dir: private, HTTP: filepath.Join(private, "h"), Control: filepath.Join(private, "c"), Tmp: filepath.Join(private, "t")}
	if err := os.Mkdir(h.paths.Tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", h.paths.Control)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := spec.Command(h.paths)
	h.cmd = exec.Command(c.Path, c.Args...)
	h.cmd.Dir, h.cmd.Stdout, h.cmd.Stderr = c.Dir, &h.out, &h.err
	h.cmd.Env = append(c.Env, wire.EnvProtocol+"=1", wire.EnvHTTPSocket+"="+h.paths.HTTP, wire.EnvControlSocket+"="+h.paths.Control)
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if h.raw, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	h.conn = wire.NewConn(h.raw)
	h.client = &http.Client{Transport: &http.Transport{DialContext: h.dial}}
	var reading sync.WaitGroup
	reading.Go(h.read)
	go func() { h.exited <- h.cmd.Wait() }()
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		h.raw.Close()
		h.cmd.Process.Kill()
		<-h.exited
		reading.Wait()
	})
	return h
}

func (h *goHost) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", h.paths.HTTP)
}

func (h *goHost) read() {
	for {
		m, err := h.conn.Receive()
		if err != nil {
			return
		}
		h.mu.Lock()
		h.seen = append(h.seen, m)
		close(h.changed)
		h.changed = make(chan struct{})
		h.mu.Unlock()
	}
}

// await returns the first message that fits, seen before or yet to come.
func (h *goHost) await(what string, fits func(wire.Message) bool) wire.Message {
	h.t.Helper()
	deadline := time.After(20 * time.Second)
	for next := 0; ; {
		h.mu.Lock()
		seen, changed := h.seen, h.changed
		h.mu.Unlock()
		for ; next < len(seen); next++ {
			if fits(seen[next]) {
				return seen[next]
			}
		}
		select {
		case <-changed:
		case <-deadline:
			h.t.Fatalf("no %s; seen %+v; stderr:\n%s", what, seen, h.err.String())
		}
	}
}

func (h *goHost) awaitType(typ wire.Type) wire.Message {
	h.t.Helper()
	return h.await(string(typ), func(m wire.Message) bool { return m.Type == typ })
}

func (h *goHost) send(m wire.Message) {
	h.t.Helper()
	if err := h.conn.Send(m); err != nil {
		h.t.Fatal(err)
	}
}

// open opens the gate and waits until requests are served.
func (h *goHost) open(env map[string]string) {
	h.t.Helper()
	h.awaitType(wire.TypeWaiting)
	h.send(wire.Message{Type: wire.TypeGo, Env: env, Options: json.RawMessage(`{}`)})
	h.awaitType(wire.TypeReady)
}

// get makes one request under the id "r1" and returns status and body.
func (h *goHost) get(path string) (int, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, "http://functions.test"+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set(wire.HeaderRequestID, "r1")
	resp, err := h.client.Do(r)
	if err != nil {
		h.t.Fatalf("GET %s: %v; stderr:\n%s", path, err, h.err.String())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, "cut: " + err.Error()
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}
