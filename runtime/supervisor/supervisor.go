package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/google/uuid"

	"brink/policy"
	"brink/runtime/worker"
)

// Conn is a connection to a worker's HTTP socket.
type Conn = net.Conn

// Options are what a Supervisor works with.
type Options struct {
	// Start starts a process; sink hears what it does, from other goroutines,
	// maybe before Start returns. It may block for as long as a fork takes.
	Start  func(spec worker.Spec, sink worker.Sink) (Process, error)
	Logger *slog.Logger
	// Max is the most workers that one function's burst starts; 0 means one.
	Max int
	// Explain makes of the engine's error output, printed before a worker was
	// ready, what the user should read. Nil takes it as it is.
	Explain func(output string) (name, message string)
}

// Supervisor owns the workers of every function. Its methods may be called by
// many goroutines at once.
type Supervisor struct {
	opts Options
	// stop ends preparations when the supervisor closes.
	stop     context.CancelFunc
	stopping context.Context
	wg       sync.WaitGroup // boots and processes

	mu     sync.Mutex // guards the fields below
	pools  map[string]*pool
	closed bool
}

// New returns a Supervisor that serves nothing until Apply.
func New(o Options) *Supervisor {
	o.Max = max(o.Max, 1)
	if o.Explain == nil {
		o.Explain = func(output string) (string, string) { return "", output }
	}
	s := &Supervisor{opts: o, pools: map[string]*pool{}}
	s.stopping, s.stop = context.WithCancel(context.Background())
	return s
}

func newID() string { return uuid.NewString() }

// Apply makes fns the functions that are served. Workers of functions that
// went are drained; those whose fingerprint, policy or limits changed are
// restarted; the others do not notice. It returns the names that changed,
// sorted, once the new workers take requests, failed to boot (which leaves the
// old ones in place) or ctx has ended (which stops nothing); it does not wait
// for the drain.
func (s *Supervisor) Apply(ctx context.Context, fns []Function) []string {
	var changed []string
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	gone := maps.Clone(s.pools)
	var after []func()
	for _, fn := range fns {
		delete(gone, fn.Name)
		p := s.pools[fn.Name]
		if p == nil {
			s.pools[fn.Name] = newPool(s, fn)
			changed = append(changed, fn.Name)
			continue
		}
		if p.sameAs(fn) {
			continue
		}
		changed = append(changed, fn.Name)
		after = append(after, func() { p.replace(ctx, fn) })
	}
	for name, p := range gone {
		delete(s.pools, name)
		changed = append(changed, name)
		after = append(after, p.retire)
	}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, f := range after {
		wg.Go(f)
	}
	wg.Wait()
	slices.Sort(changed)
	return changed
}

// Acquire returns a lease on a worker for one request to function, waiting for
// one if need be. The caller must call Release or Upgrade on it. Errors: those
// of errors.go, a wrapped policy.Reason when the worker did not boot, and the
// cause of ctx.
func (s *Supervisor) Acquire(ctx context.Context, function string) (*Lease, error) {
	p, err := s.pool(function)
	if err != nil {
		return nil, err
	}
	return p.acquire(ctx)
}

func (s *Supervisor) pool(function string) (*pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	p := s.pools[function]
	if p == nil {
		return nil, fmt.Errorf("%w: %q", ErrNotFound, function)
	}
	return p, nil
}

// named returns the pools of names, all of them when there are none.
func (s *Supervisor) named(names []string) ([]*pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(s.pools))
	}
	var pools []*pool
	for _, name := range names {
		p := s.pools[name]
		if p == nil {
			return nil, fmt.Errorf("%w: %q", ErrNotFound, name)
		}
		pools = append(pools, p)
	}
	return pools, nil
}

// Restart replaces the workers of the named functions, of all when there are
// no names: a new worker first, then the old ones are drained. It waits until
// the new workers take requests, or ctx ends, which stops nothing. It returns the names of the functions that
// had workers to replace. A function whose new worker does not boot keeps its
// old ones, and the error says so.
func (s *Supervisor) Restart(ctx context.Context, names []string) ([]string, error) {
	pools, err := s.named(names)
	if err != nil {
		return nil, err
	}
	type result struct {
		name string
		did  bool
		err  error
	}
	results := make([]result, len(pools))
	var wg sync.WaitGroup
	for i, p := range pools {
		wg.Go(func() {
			did, err := p.restart(ctx)
			results[i] = result{p.name, did, err}
		})
	}
	wg.Wait()
	var done []string
	for _, r := range results {
		switch {
		case r.err == nil && r.did:
			done = append(done, r.name)
		case err != nil || r.err == nil:
		case ctx.Err() != nil:
			err = fmt.Errorf("%q is not restarted yet, its old worker goes on until the new one is ready: %w", r.name, r.err)
		default:
			err = fmt.Errorf("cannot restart %q, its old worker goes on: %w", r.name, r.err)
		}
	}
	return done, err
}

// End ends the workers of a function as the real reason would, to rehearse it.
// It returns how many there were.
func (s *Supervisor) End(name string, reason policy.Reason) (int, error) {
	pools, err := s.named([]string{name})
	if err != nil {
		return 0, err
	}
	return pools[0].rehearse(reason, func(*member) bool { return true }), nil
}

// EndWorker ends one worker of a function, as End does. A worker that is gone
// already is fine.
func (s *Supervisor) EndWorker(name, id string, reason policy.Reason) {
	if pools, err := s.named([]string{name}); err == nil {
		pools[0].rehearse(reason, func(m *member) bool { return m.id == id })
	}
}

// Changed reports that files of a function were edited. Under per_worker it
// returns true when a worker runs older code. The back-off after crashes of
// that code is over.
func (s *Supervisor) Changed(name string) (stale bool) {
	pools, err := s.named([]string{name})
	return err == nil && pools[0].changed()
}

// Status is a snapshot of one function's workers.
type Status struct {
	Function string
	Workers  []WorkerStatus // without spares
	Spares   int
	Waiting  int // requests that wait for a worker
	Stale    bool
}

// WorkerStatus is a snapshot of one worker.
type WorkerStatus struct {
	ID       string
	Phase    policy.Phase
	Usage    policy.Usage
	InFlight int // requests
	Sockets  int
	Tasks    int
}

// Status returns a snapshot of every function, by name.
func (s *Supervisor) Status() []Status {
	pools, _ := s.named(nil)
	var all []Status
	for _, p := range pools {
		all = append(all, p.status())
	}
	return all
}

// Close drains every worker: sockets get Close 1001, requests and background
// tasks have until ctx ends, then everything is killed. It returns when no
// process is left. Only the first call drains; later ones wait with it.
func (s *Supervisor) Close(ctx context.Context) {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	pools := slices.Collect(maps.Values(s.pools))
	s.mu.Unlock()
	if first {
		s.stop()
		for _, p := range pools {
			p.terminate()
		}
	}
	gone := make(chan struct{})
	go func() { s.wg.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
		for _, p := range pools {
			p.killAll()
		}
		<-gone
	}
}
