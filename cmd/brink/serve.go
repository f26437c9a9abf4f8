package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"brink/policy"
	"brink/runtime/auth"
	"brink/runtime/config"
	"brink/runtime/engine"
	"brink/runtime/gateway"
	"brink/runtime/supervisor"
	"brink/runtime/watch"
	"brink/runtime/worker"
)

// heapGrowth is how much the heap may grow between two collections, in percent.
// brink keeps next to nothing, so that at Go's own 100 it collects for every
// 4 MB: a tenth of the CPU of a request for 12 MB of memory less.
const heapGrowth = 400

// serve runs functions until ctx ends. It is the composition root: the only
// place that knows every package.
func serve(ctx context.Context, opts ServeOptions, o *IO) error {
	out := newOutput(opts, o)
	defer out.Close()
	if o.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	cfg, err := config.Load(opts.Config)
	if err != nil {
		return err
	}
	listener, err := listen(cfg)
	if err != nil {
		return err
	}
	defer listener.Close()
	s := &server{opts: opts, io: o, out: out, log: out.logger, listener: listener, written: cfg.Policy, imported: map[string][]string{}}
	if err := s.findEngine(ctx); err != nil {
		return err
	}
	if err := s.build(cfg); err != nil {
		return err
	}
	defer s.close()
	if err := s.apply(ctx, cfg); err != nil {
		return err
	}
	return s.run(ctx)
}

// server is one running `brink functions serve`.
type server struct {
	opts     ServeOptions
	io       *IO
	out      *output
	log      *slog.Logger
	listener net.Listener
	cache    string
	engine   engine.Engine

	runDir    string // holds the workers' private folders
	starter   *worker.Starter
	launchers launchers
	workers   *supervisor.Supervisor
	gateway   *gateway.Gateway
	http      *http.Server
	control   *http.Server
	watcher   *watch.Watcher
	serving   sync.WaitGroup // http and control
	failed    chan error     // the http server ended by itself

	reloading sync.Mutex     // one reload at a time; guards the fields below
	cfg       *config.Config // what is served
	authKeys  *auth.Keys     // its keys
	override  *policy.Kind   // chosen with the key p, until the files say something new
	written   policy.Kind    // what the files and flags said last

	watching sync.Mutex          // guards the fields below, and one Set at a time
	watched  *config.Config      // what the watcher is set for
	imported map[string][]string // files outside the functions folder, by function

	seen sync.Mutex // guards view
	view *config.Config
}

// listen takes the port. An address in use is the user's most frequent error.
func listen(cfg *config.Config) (net.Listener, error) {
	address := net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port))
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is in use on %s: stop what listens there (a local Supabase?), or take another port with --port, --port 0 for a free one", cfg.Port, cfg.Host)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w; check --host and --port", address, err)
	}
	return l, nil
}

// findEngine finds Deno, or installs it, saying so on stderr: the events of
// --log-format json begin with ready.
func (s *server) findEngine(ctx context.Context) error {
	cache, err := engine.DefaultCacheDir(s.io.Environ)
	if err != nil {
		return err
	}
	s.cache = cache
	find := engineOptions(s.opts.Deno, cache, s.io)
	progress := newScreen(s.io.Stderr, isTerminal(s.io.Stderr))
	find.Progress = progressLines(progress)
	s.engine, err = engine.Ensure(ctx, find)
	if err := errors.Join(err, progress.Close()); err != nil {
		return err
	}
	if !s.engine.Supported {
		s.out.early("warning", fmt.Sprintf("Deno %s is not the pinned %s: behaviour may differ from what brink is tested with", s.engine.Version, engine.Version))
	}
	return nil
}

// build makes everything that lives as long as the server.
func (s *server) build(cfg *config.Config) error {
	var err error
	if s.launchers, err = newLaunchers(s, cfg); err != nil {
		return err
	}
	if s.runDir, err = makeRunDir(); err != nil {
		return err
	}
	s.failed = make(chan error, 1)
	s.starter = worker.NewStarter()
	s.workers = supervisor.New(supervisor.Options{
		Start: func(spec worker.Spec, sink worker.Sink) (supervisor.Process, error) {
			return s.starter.Start(s.runDir, spec, sink)
		},
		Logger: s.log, Max: goruntime.NumCPU(), Explain: explainEngine,
	})
	s.gateway = gateway.New(gateway.Options{
		Workers: leases{s.workers}, Logger: s.log, Nearest: nearest, BaseURL: s.baseURL(),
		Metrics: s.metrics, End: s.endOnRequest(),
	})
	s.http = gateway.NewServer(s.gateway, s.log)
	s.watcher = watch.New(watch.Options{Logger: s.log})
	return nil
}

// baseURL is the address that people and functions reach brink at.
func (s *server) baseURL() string {
	addr := s.listener.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(addr.Port))
}

// run serves until ctx ends, a key asks to quit, or the server fails.
func (s *server) run(ctx context.Context) error {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	s.startControl()
	s.serving.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("cannot go on serving: %w", err)
		}
	})
	keys, err := s.out.startKeys(ctx, s.io.Stdin)
	if err != nil {
		s.out.early("warning", "cannot read keys: "+err.Error())
	}
	defer keys.Close()
	s.ready()
	s.serving.Go(func() {
		for set := range s.watcher.Changes() {
			s.changed(ctx, set)
		}
	})
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.failed:
			return err
		case key := <-keys.Typed():
			s.key(ctx, key, quit)
		}
	}
}

// ready writes the first event, and those that came before it.
func (s *server) ready() {
	cfg := s.current()
	names := make([]string, 0, len(cfg.Functions))
	for _, f := range cfg.Functions {
		names = append(names, f.Name)
	}
	addr := s.listener.Addr().(*net.TCPAddr)
	s.out.ready(
		slog.String("url", s.baseURL()+functionsPath), slog.String("host", cfg.Host), slog.Int("port", addr.Port),
		slog.String("policy", cfg.Policy.String()), slog.String("engine", fmt.Sprintf("Deno %s (%s)", s.engine.Version, s.engine.Source)),
		slog.String("limits", s.limitsSummary(cfg)), slog.String("project", cfg.Root), slog.Any("functions", names),
	)
}

// close ends everything, politely first: sockets get Close 1001, requests and
// tasks have the drain timeout. A second signal ends brink at once, and with
// it every worker.
func (s *server) close() {
	s.watcher.Close()
	grace := 15 * time.Second
	if cfg := s.current(); cfg != nil {
		grace = cfg.DrainTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace+2*time.Second)
	defer cancel()
	s.listener.Close()
	if busy := s.inFlight(); busy > 0 {
		s.log.Info("progress", slog.String("message", fmt.Sprintf("waiting up to %s for %s; Ctrl-C again ends at once", grace, plural(busy, "request"))))
	}
	if s.control != nil {
		s.control.Close()
	}
	s.workers.Close(ctx)
	s.gateway.Close()
	s.http.Close()
	s.serving.Wait()
	s.starter.Close()
	os.RemoveAll(s.runDir)
}

func (s *server) inFlight() int {
	n := 0
	for _, f := range s.workers.Status() {
		for _, w := range f.Workers {
			n += w.InFlight
		}
	}
	return n
}

// metrics is what /functions/v1/_internal/metric adds of the workers.
func (s *server) metrics() map[string]any {
	workers, spares := 0, 0
	for _, f := range s.workers.Status() {
		workers += len(f.Workers)
		spares += f.Spares
	}
	return map[string]any{"active_user_workers": workers, "spare_workers": spares}
}

// endOnRequest lets requests end their worker, if --faults is given.
func (s *server) endOnRequest() func(function, worker string, reason policy.Reason) {
	if !s.opts.Faults {
		return nil
	}
	return s.workers.EndWorker
}

// leases hands the supervisor's leases to the gateway.
type leases struct{ s *supervisor.Supervisor }

func (l leases) Acquire(ctx context.Context, function string) (gateway.Lease, error) {
	lease, err := l.s.Acquire(ctx, function)
	if err != nil {
		return nil, err
	}
	return lease, nil
}
