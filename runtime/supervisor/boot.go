package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"brink/policy"
)

// boot is the making of one worker that somebody waits for. Guarded by the
// pool's lock.
type boot struct {
	waiter    *waiter    // under per_request: the request it is made for
	done      chan error // buffered; told once when the worker is ready or failed
	abandoned bool       // nobody wants it any more
	replaces  []*member  // drained as soon as the new worker is ready
}

// newBoot starts making a worker. mu is held.
func (p *pool) newBoot() *boot {
	b := &boot{done: make(chan error, 1)}
	p.boots = append(p.boots, b)
	p.s.wg.Go(func() {
		if err := p.bring(b); err != nil {
			p.mu.Lock()
			p.failed(b, time.Now(), err)
			p.place()
			p.mu.Unlock()
			p.carry()
		}
	})
	return b
}

// bring prepares the function, then opens a spare or starts a process for b.
func (p *pool) bring(b *boot) error {
	ctx := p.s.stopping
	if err := p.holdBack(ctx); err != nil {
		return err
	}
	p.bootAhead()
	fn, stamp, err := p.ensurePrepared(ctx)
	if err != nil {
		return err
	}
	if p.openSpare(b, stamp) {
		p.carry()
		p.topUp()
		return nil
	}
	_, err = p.spawn(fn, stamp, b)
	return err
}

// holdBack waits out the back-off after crashes.
func (p *pool) holdBack(ctx context.Context) error {
	p.mu.Lock()
	wait := time.Until(p.notUntil)
	p.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ErrClosed
	}
}

// bootAhead starts an engine to be opened once the function is prepared, unless
// there is a spare or preparing is not needed.
func (p *pool) bootAhead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	spare := slices.ContainsFunc(p.members, func(m *member) bool { return !m.live() })
	if !p.fn.Eager || p.isReady || p.closed || p.noSpare || spare || p.starts > 0 {
		return
	}
	p.starts++
	p.s.wg.Go(p.startSpare)
}

// ensurePrepared runs Prepare unless it ran for the files as they are now.
func (p *pool) ensurePrepared(ctx context.Context) (Function, string, error) {
	select {
	case p.preparing <- struct{}{}:
		defer func() { <-p.preparing }()
	case <-ctx.Done():
		return Function{}, "", ErrClosed
	}
	p.mu.Lock()
	fn, ready, before := p.fn, p.isReady, p.prepared
	p.mu.Unlock()
	stamp := fn.stamp()
	if ready && stamp == before || fn.Prepare == nil {
		return fn, stamp, nil
	}
	p.with(func() { p.building = true })
	err := fn.Prepare(ctx)
	p.with(func() {
		p.building, p.built = false, time.Now()
		if err == nil {
			p.isReady, p.prepared = true, stamp
		}
	})
	return fn, stamp, err
}

func (f Function) stamp() string {
	if f.Stamp == nil {
		return ""
	}
	return f.Stamp()
}

// openSpare takes a waiting spare for b, discarding outdated ones.
func (p *pool) openSpare(b *boot, stamp string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range slices.Clone(p.members) {
		switch {
		case m.live():
		case m.stamp != stamp:
			p.apply(m, policy.Discarded{})
		default:
			p.attach(b, m)
			return true
		}
	}
	return false
}

// attach makes m the worker that b waits for. mu is held.
func (p *pool) attach(b *boot, m *member) {
	p.boots = slices.DeleteFunc(p.boots, func(o *boot) bool { return o == b })
	m.wanted, m.boot = true, b
	m.rule(p.fn) // a spare may be older than the last change of policy
	if b.abandoned {
		p.apply(m, policy.Discarded{})
		return
	}
	p.openGate(m)
}

// spawn starts a process: for b, or as a spare when b is nil.
func (p *pool) spawn(fn Function, stamp string, b *boot) (*member, error) {
	id := newID()
	spec, err := fn.Spec(id)
	if err != nil {
		return nil, fmt.Errorf("cannot describe a worker for %q: %w", fn.Name, errors.Join(err, policy.ReasonLoadFailed))
	}
	m := p.newMember(fn, id, stamp)
	p.mu.Lock()
	p.members = append(p.members, m)
	if b != nil {
		p.attach(b, m)
	}
	gone := m.state.Phase == policy.Ended
	p.mu.Unlock()
	if gone {
		p.carry()
		return m, nil
	}
	p.s.wg.Add(1)
	proc, err := p.s.opts.Start(spec, sink{m})
	p.mu.Lock()
	if err != nil {
		m.boot = nil
		p.apply(m, policy.Discarded{})
		p.mu.Unlock()
		p.s.wg.Done()
		p.carry()
		return nil, fmt.Errorf("cannot start a worker: %w", errors.Join(err, policy.ReasonLoadFailed))
	}
	m.proc = proc
	if m.state.Phase == policy.Ended {
		// It was given up while it started; carry had no process to kill.
		p.later(m, proc.Kill)
	}
	p.openGate(m)
	p.mu.Unlock()
	p.carry()
	if b != nil && fn.Kind == policy.PerRequest {
		p.topUp()
	}
	return m, nil
}

func (p *pool) newMember(fn Function, id, stamp string) *member {
	m := &member{
		pool: p, id: id, stamp: stamp, crash: fn.Crash, created: time.Now(),
		sockets: map[*socket]struct{}{},
	}
	m.rule(fn)
	m.ctx, m.cancel = context.WithCancelCause(context.Background())
	return m
}

// rule puts a worker that has not begun its life under fn's policy and limits.
func (m *member) rule(fn Function) {
	m.kind, m.limits = fn.Kind, fn.Limits
	m.state.Kind, m.state.Parity = fn.Kind, fn.Parity
	m.state.Limits, m.state.DrainTimeout = fn.Limits, fn.DrainTimeout
}

// openGate lets the worker read the user's code, once it is wanted and waits
// for that. mu is held.
func (p *pool) openGate(m *member) {
	if !m.wanted || !m.atGate || m.proc == nil || m.state.Phase != policy.Spare {
		return
	}
	m.opened = time.Now()
	m.slow = time.AfterFunc(policy.SlowBoot, m.stillLoading)
	p.later(m, m.proc.Open)
	p.apply(m, policy.GateOpened{})
	p.startSampling(m)
}

// becameReady hands the worker to who waits for it. mu is held.
func (p *pool) becameReady(m *member) {
	if m.state.Phase != policy.Booting || !m.ready.IsZero() {
		return
	}
	m.ready = time.Now()
	p.stale, p.noSpare = false, false
	p.apply(m, policy.BecameReady{})
	b := m.boot
	m.boot = nil
	b.done <- nil
	if b.waiter != nil {
		p.grant(b.waiter, m)
	}
	p.place()
	p.retireAll(b.replaces)
}

// bootEnded answers who waited for m when it ended before it was ready. mu is
// held.
func (p *pool) bootEnded(m *member) {
	b := m.boot
	if b == nil {
		return
	}
	m.boot = nil
	since := m.opened
	if since.IsZero() {
		since = time.Now()
	}
	p.failed(b, since, m.bootError())
}

// bootError says why m did not become ready.
func (m *member) bootError() error {
	switch r := m.state.Reason; {
	case m.mute:
		return ErrNotServing
	case r == policy.ReasonTermination:
		return ErrClosed
	default:
		return fmt.Errorf("cannot boot %q: %w", m.pool.name, r)
	}
}

// failed answers the requests that waited for b: those that were there before
// the worker read the user's code. Later ones deserve a reading of their own.
// A worker that a restart took away is no answer: its requests wait on. mu is
// held.
func (p *pool) failed(b *boot, since time.Time, err error) {
	p.boots = slices.DeleteFunc(p.boots, func(o *boot) bool { return o == b })
	b.done <- err
	again := errors.Is(err, policy.ReasonRestarted) || errors.Is(err, policy.ReasonUnused)
	if b.waiter != nil {
		b.waiter.boot = nil
		if !again && slices.Contains(p.waiters, b.waiter) {
			p.answer(b.waiter, grant{err: err})
		}
		return
	}
	if again {
		return
	}
	for _, w := range slices.Clone(p.waiters) {
		if w.boot == nil && !w.since.After(since) {
			p.answer(w, grant{err: err})
		}
	}
}

// abandon gives up a worker whose request has left. Under per_request it may
// not serve another: that one may have been made after an edit. mu is held.
func (p *pool) abandon(b *boot) {
	b.abandoned = true
	for _, m := range slices.Clone(p.members) {
		if m.boot == b {
			p.apply(m, policy.Discarded{})
		}
	}
}
