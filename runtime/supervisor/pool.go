package supervisor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"brink/policy"
)

// pool holds one function's workers and the requests that wait for them.
type pool struct {
	name string
	s    *Supervisor

	preparing chan struct{} // holds one token while a preparation runs; never waited for under mu

	mu       sync.Mutex // guards everything below, members included
	fn       Function
	members  []*member // not ended, spares included
	pending  []*member // with something to carry out
	waiters  []*waiter // in order of arrival
	boots    []*boot   // asked for, no worker opened yet
	prepared string    // stamp of the last successful preparation
	isReady  bool      // prepared holds a stamp
	building bool      // Prepare runs
	built    time.Time // when it ran last
	crashes  int       // in a row
	notUntil time.Time // back-off
	stale    bool      // per_worker: files changed since the workers were opened
	used     time.Time // last request; zero until the first
	idle     *time.Timer
	starts   int  // spares whose process is being started
	noSpare  bool // the last spare died before it was of use
	closed   bool
}

// waiter is a request that waits for a worker.
type waiter struct {
	granted chan grant // buffered; receives once
	since   time.Time
	boot    *boot // under per_request: the boot made for it
}

type grant struct {
	m   *member
	err error
}

func newPool(s *Supervisor, fn Function) *pool {
	return &pool{name: fn.Name, s: s, fn: fn, preparing: make(chan struct{}, 1)}
}

// acquire gives one request a worker.
func (p *pool) acquire(ctx context.Context) (*Lease, error) {
	w := &waiter{granted: make(chan grant, 1), since: time.Now()}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.used = w.since
	p.waiters = append(p.waiters, w)
	p.place()
	p.mu.Unlock()
	p.carry()

	timeout := time.NewTimer(policy.QueueTimeout)
	defer timeout.Stop()
	for {
		select {
		case g := <-w.granted:
			return w.lease(g)
		case <-timeout.C:
			if left := p.queueLeft(w); left > 0 {
				timeout.Reset(left)
				continue
			}
			if p.giveUp(w, false) {
				return nil, fmt.Errorf("%w: all workers of %q were busy for %s", ErrQueueTimeout, p.name, policy.QueueTimeout)
			}
		case <-ctx.Done():
			if !p.giveUp(w, true) {
				if l, err := w.lease(<-w.granted); err == nil {
					l.Release()
				}
			}
			return nil, context.Cause(ctx)
		}
	}
}

// queueLeft is how much longer w may wait. Downloads and builds do not count.
func (p *pool) queueLeft(w *waiter) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := w.since
	if p.built.After(from) {
		from = p.built
	}
	if p.building {
		from = time.Now()
	}
	return time.Until(from.Add(policy.QueueTimeout))
}

func (w *waiter) lease(g grant) (*Lease, error) {
	if g.err != nil {
		return nil, g.err
	}
	return &Lease{m: g.m}, nil
}

// giveUp takes w out of the queue and says whether that was still possible.
// Unless the client has left, a request whose worker is on its way stays.
func (p *pool) giveUp(w *waiter, left bool) bool {
	p.mu.Lock()
	defer p.carry()
	defer p.mu.Unlock()
	i := slices.Index(p.waiters, w)
	if i < 0 {
		return false
	}
	if !left && (w.boot != nil || p.fn.Kind == policy.PerWorker && p.starting() > 0) {
		return false
	}
	p.waiters = slices.Delete(p.waiters, i, i+1)
	if w.boot != nil {
		p.abandon(w.boot)
	}
	p.place()
	return true
}

// starting counts the workers whose user code is loading or about to.
func (p *pool) starting() int {
	n := len(p.boots)
	for _, m := range p.members {
		if m.boot != nil {
			n++
		}
	}
	return n
}

// place gives waiting requests their workers, as policy says. mu is held.
func (p *pool) place() {
	for !p.closed {
		w := p.unplaced()
		if w == nil {
			return
		}
		switch p.view().Place() {
		case policy.Reuse:
			p.grant(w, p.accepting())
		case policy.OpenSpare, policy.Spawn:
			b := p.newBoot()
			if p.fn.Kind == policy.PerRequest {
				w.boot, b.waiter = b, w
			}
		default:
			return
		}
	}
}

// unplaced returns the first waiter that has no worker on its way.
func (p *pool) unplaced() *waiter {
	for _, w := range p.waiters {
		if w.boot == nil {
			return w
		}
	}
	return nil
}

// view is the pool as policy sees it. mu is held.
func (p *pool) view() policy.Pool {
	v := policy.Pool{Kind: p.fn.Kind, Max: p.s.opts.Max, Booting: p.starting(), Busy: len(p.boots)}
	for _, m := range p.members {
		switch {
		case m.kind == policy.PerWorker && m.state.Accepts():
			v.Accepting++
		case !m.live():
			v.SpareReady = true
		}
		if m.live() {
			v.Busy++
		}
	}
	return v
}

func (p *pool) accepting() *member {
	for _, m := range slices.Backward(p.members) {
		if m.state.Accepts() {
			return m
		}
	}
	return nil
}

// grant gives w the member. mu is held.
func (p *pool) grant(w *waiter, m *member) {
	p.apply(m, policy.RequestStarted{})
	m.requests++
	p.quicken(m)
	p.answer(w, grant{m: m})
}

func (p *pool) answer(w *waiter, g grant) {
	p.waiters = slices.DeleteFunc(p.waiters, func(o *waiter) bool { return o == w })
	w.granted <- g
}

// post tells policy what happened to m, and does what it says.
func (p *pool) post(m *member, ev policy.Event) {
	p.mu.Lock()
	if _, ok := ev.(policy.RequestEnded); ok && m.state.Phase != policy.Ended {
		p.crashes = 0
	}
	p.apply(m, ev)
	p.place()
	p.mu.Unlock()
	p.carry()
}

// apply feeds one event to policy and notes the actions. mu is held.
func (p *pool) apply(m *member, ev policy.Event) {
	before := m.state.Phase
	state, actions := m.state.Apply(ev)
	m.state = state
	for _, a := range actions {
		p.later(m, func() { m.do(a) })
	}
	if state.Phase == policy.Ended && before != policy.Ended {
		p.members = slices.DeleteFunc(p.members, func(o *member) bool { return o == m })
		p.bootEnded(m)
	}
}

// later notes something that has to be done to m outside of the lock, after
// all that was noted before. mu is held.
func (p *pool) later(m *member, do func()) {
	m.todo = append(m.todo, do)
	if !slices.Contains(p.pending, m) {
		p.pending = append(p.pending, m)
	}
}

// carry carries out what is noted, in order for each member. Whoever finds a
// member busy leaves the rest to who is at it.
func (p *pool) carry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		i := slices.IndexFunc(p.pending, func(m *member) bool { return !m.busy })
		if i < 0 {
			return
		}
		m := p.pending[i]
		p.pending = slices.Delete(p.pending, i, i+1)
		todo := m.todo
		m.todo, m.busy = nil, true
		p.mu.Unlock()
		for _, do := range todo {
			do()
		}
		p.mu.Lock()
		m.busy = false
	}
}

func (p *pool) openSocket(m *member, s *socket) {
	p.mu.Lock()
	m.sockets[s] = struct{}{}
	m.opens++
	p.mu.Unlock()
	p.post(m, policy.SocketOpened{})
}

func (p *pool) closeSocket(m *member, s *socket) {
	p.mu.Lock()
	delete(m.sockets, s)
	p.mu.Unlock()
	p.post(m, policy.SocketClosed{})
}

func (p *pool) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := Status{Function: p.name, Waiting: len(p.waiters), Stale: p.stale}
	for _, m := range p.members {
		if !m.live() {
			st.Spares++
			continue
		}
		st.Workers = append(st.Workers, WorkerStatus{
			ID: m.id, Phase: m.state.Phase, Usage: m.record(m.cpu, 0),
			InFlight: m.state.InFlight, Sockets: m.state.Sockets, Tasks: m.state.Tasks,
		})
	}
	return st
}
