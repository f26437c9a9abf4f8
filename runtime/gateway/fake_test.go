package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brink/policy"
)

// stage is a gateway with one worker behind it.
type stage struct {
	t       testing.TB
	gateway *Gateway
	server  *httptest.Server
	worker  *fakeWorker
	logs    *logs
}

// fakeWorker stands for the worker of every function: a server on a Unix
// socket, and the lease's side of the supervisor.
type fakeWorker struct {
	id      string
	path    string
	ctx     context.Context
	end     context.CancelCauseFunc
	accepts atomic.Int64 // connections opened
	refuse  atomic.Pointer[error]
	usage   atomic.Pointer[policy.Usage]

	mu       sync.Mutex
	released int                 // guarded by mu
	sockets  []func(int, string) // guarded by mu: closeSocket of each upgrade
	done     int                 // guarded by mu
	upgraded chan struct{}
	oneShot  bool // per_request: an upgrade ends it
}

func (f *fakeWorker) Acquire(ctx context.Context, _ string) (Lease, error) {
	if err := f.refuse.Load(); err != nil {
		return nil, *err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &fakeLease{f: f}, nil
}

type fakeLease struct {
	f    *fakeWorker
	once sync.Once
}

func (l *fakeLease) Worker() string           { return l.f.id }
func (l *fakeLease) Context() context.Context { return l.f.ctx }
func (l *fakeLease) Dial(ctx context.Context) (net.Conn, error) {
	l.f.accepts.Add(1)
	var d net.Dialer
	return d.DialContext(ctx, "unix", l.f.path)
}

func (l *fakeLease) Usage() policy.Usage {
	if u := l.f.usage.Load(); u != nil {
		return *u
	}
	return policy.Usage{}
}

func (l *fakeLease) Release() {
	l.once.Do(func() {
		l.f.mu.Lock()
		defer l.f.mu.Unlock()
		l.f.released++
	})
}

func (l *fakeLease) Upgrade(closeSocket func(int, string)) func() {
	l.f.mu.Lock()
	l.f.sockets = append(l.f.sockets, closeSocket)
	l.f.mu.Unlock()
	select {
	case l.f.upgraded <- struct{}{}:
	default:
	}
	if l.f.oneShot {
		l.f.end(policy.ReasonRequestEnded)
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			l.f.mu.Lock()
			defer l.f.mu.Unlock()
			l.f.done++
		})
	}
}

func (f *fakeWorker) closeSockets(code int, reason string) {
	f.mu.Lock()
	sockets := f.sockets
	f.mu.Unlock()
	for _, s := range sockets {
		s(code, reason)
	}
}

func (f *fakeWorker) counts() (released, upgrades, done int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.released, len(f.sockets), f.done
}

// hello is a function under per_worker with the hosted limits.
func hello() Function {
	return Function{Name: "hello", Kind: policy.PerWorker, Limits: policy.DefaultLimits(policy.PlanPro)}
}

func newWorker(t testing.TB) (*fakeWorker, net.Listener) {
	t.Helper()
	f := &fakeWorker{id: "exec-1", path: filepath.Join(t.TempDir(), "h.sock"), upgraded: make(chan struct{}, 64)}
	f.ctx, f.end = context.WithCancelCause(context.Background())
	ln, err := net.Listen("unix", f.path)
	if err != nil {
		t.Fatal(err)
	}
	return f, ln
}

// serve puts a gateway before an http.Handler.
func serve(t testing.TB, fn Function, handler http.HandlerFunc) *stage {
	t.Helper()
	f, ln := newWorker(t)
	srv := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	return open(t, fn, f)
}

// serveRaw puts a gateway before a worker that deals with each connection by
// hand; n counts connections from 0.
func serveRaw(t testing.TB, fn Function, handle func(n int, conn net.Conn, br *bufio.Reader)) *stage {
	t.Helper()
	f, ln := newWorker(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				handle(n, conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() { wg.Wait() })
	t.Cleanup(func() { ln.Close() })
	return open(t, fn, f)
}

func open(t testing.TB, fn Function, f *fakeWorker) *stage {
	t.Helper()
	s := &stage{t: t, worker: f, logs: newLogs()}
	f.oneShot = fn.Kind == policy.PerRequest
	s.gateway = New(Options{Workers: f, Logger: slog.New(s.logs)})
	s.gateway.SetTable(Table{Functions: map[string]Function{fn.Name: fn}})
	s.server = httptest.NewUnstartedServer(s.gateway)
	s.server.Config = NewServer(s.gateway, slog.New(slog.DiscardHandler))
	s.server.Start()
	t.Cleanup(func() {
		s.gateway.Close()
		s.server.CloseClientConnections()
		s.server.Close()
		f.end(policy.ReasonTermination)
	})
	return s
}

// quick shortens the gateway's own waits for tests that have to see them end.
func (s *stage) quick() {
	s.gateway.times = times{
		reason: 20 * time.Millisecond, expect: 20 * time.Millisecond, leftover: 20 * time.Millisecond,
		grace: 50 * time.Millisecond, linger: 50 * time.Millisecond, closing: 50 * time.Millisecond,
	}
}

func (s *stage) url(path string) string { return s.server.URL + path }

// do sends a request and returns the answer with its whole body.
func (s *stage) do(method, path string, header http.Header, body io.Reader) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url(path), body)
	if err != nil {
		s.t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	resp, err := s.server.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("body: %v", err)
	}
	return resp, string(text)
}

func (s *stage) get(path string) (*http.Response, string) {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, nil)
}

// dial opens a raw connection to the gateway.
func (s *stage) dial() (*net.TCPConn, *bufio.Reader) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn.(*net.TCPConn), bufio.NewReader(conn)
}

// raw sends text on a connection of its own and returns all that comes back
// until the gateway closes.
func (s *stage) raw(text string) string {
	s.t.Helper()
	conn, br := s.dial()
	if _, err := io.WriteString(conn, text); err != nil {
		s.t.Fatal(err)
	}
	all, err := io.ReadAll(br)
	if err != nil {
		s.t.Logf("raw: %v", err)
	}
	return string(all)
}

// logs is a slog.Handler that keeps records and lets tests wait for one.
type logs struct {
	mu      sync.Mutex
	records []logRecord   // guarded by mu
	more    chan struct{} // guarded by mu: closed and replaced at each record
}

type logRecord struct {
	kind  string
	level slog.Level
	attrs map[string]any
}

func (r logRecord) text(key string) string {
	if v, ok := r.attrs[key]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

func newLogs() *logs { return &logs{more: make(chan struct{})} }

func (l *logs) Enabled(context.Context, slog.Level) bool { return true }
func (l *logs) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logs) WithGroup(string) slog.Handler            { return l }
func (l *logs) Handle(_ context.Context, r slog.Record) error {
	rec := logRecord{kind: r.Message, level: r.Level, attrs: map[string]any{}}
	r.Attrs(func(a slog.Attr) bool {
		rec.attrs[a.Key] = a.Value.Any()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, rec)
	close(l.more)
	l.more = make(chan struct{})
	return nil
}

func (l *logs) of(kind string) []logRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []logRecord
	for _, r := range l.records {
		if r.kind == kind {
			found = append(found, r)
		}
	}
	return found
}

// wait returns the nth record of a kind, counted from 1, as soon as it is
// there.
func (l *logs) wait(t testing.TB, kind string, nth int) logRecord {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		more := l.more
		l.mu.Unlock()
		if found := l.of(kind); len(found) >= nth {
			return found[nth-1]
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("no %s record number %d", kind, nth)
		}
	}
}
