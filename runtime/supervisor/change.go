package supervisor

import (
	"context"
	"slices"
	"time"

	"brink/policy"
)

// sameAs says whether fn would run just as the pool's function does. The funcs
// are taken over either way.
func (p *pool) sameAs(fn Function) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.fn
	same := old.Fingerprint == fn.Fingerprint && old.Kind == fn.Kind && old.Parity == fn.Parity &&
		old.Limits == fn.Limits && old.DrainTimeout == fn.DrainTimeout && old.Spares == fn.Spares
	if same {
		p.fn = fn
	}
	return same
}

// replace takes a new configuration: a new worker first where there was one,
// then the old ones drain. It waits for the new worker as long as ctx lasts.
func (p *pool) replace(ctx context.Context, fn Function) {
	p.mu.Lock()
	if p.fn.Fingerprint != fn.Fingerprint {
		p.isReady, p.noSpare = false, false
		p.discardSpares()
	}
	p.fn = fn
	// How it ends is shown where it happens; a failure leaves the old worker.
	_ = p.renew(ctx, p.liveMembers())
}

// renew replaces olds: at once, or when shared workers are to be followed by a
// shared one, as soon as that takes requests. It is called with mu held and
// releases it.
func (p *pool) renew(ctx context.Context, olds []*member) error {
	var b *boot
	if p.fn.Kind == policy.PerWorker && p.accepting() != nil && p.sharing(olds) {
		b = p.newBoot()
		b.replaces = olds
	} else {
		p.retireAll(olds)
	}
	p.place()
	p.mu.Unlock()
	p.carry()
	if b == nil {
		return nil
	}
	select {
	case err := <-b.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retireAll lets newer workers take over from ms. mu is held.
func (p *pool) retireAll(ms []*member) {
	for _, m := range ms {
		p.apply(m, policy.RestartAsked{})
	}
}

// sharing says whether the workers are shared ones.
func (p *pool) sharing(ms []*member) bool {
	return slices.ContainsFunc(ms, func(m *member) bool { return m.kind == policy.PerWorker })
}

func (p *pool) liveMembers() []*member {
	return slices.DeleteFunc(slices.Clone(p.members), func(m *member) bool { return !m.live() })
}

// restart replaces the workers; see Supervisor.Restart.
func (p *pool) restart(ctx context.Context) (did bool, err error) {
	p.mu.Lock()
	olds := p.liveMembers()
	// Whatever made somebody ask for a restart may have mended the engine too.
	p.noSpare, p.crashes, p.notUntil = false, 0, time.Time{}
	if p.closed || len(olds) == 0 || p.fn.Kind == policy.PerRequest {
		p.mu.Unlock()
		return false, nil
	}
	if err := p.renew(ctx, olds); err != nil {
		return true, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stale = false
	return true, nil
}

// rehearse ends the workers that are meant; see Supervisor.End.
func (p *pool) rehearse(r policy.Reason, meant func(*member) bool) int {
	p.mu.Lock()
	n := 0
	for _, m := range p.liveMembers() {
		if !meant(m) {
			continue
		}
		n++
		p.apply(m, policy.EndAsked{Reason: r})
		if r == policy.ReasonCrashed {
			p.crashed()
		}
	}
	p.place()
	p.mu.Unlock()
	p.carry()
	return n
}

// crashed counts a crash and holds back what comes next. mu is held.
func (p *pool) crashed() {
	p.crashes++
	p.notUntil = time.Now().Add(policy.BackOff(p.crashes))
}

func (p *pool) changed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	// What crashed may be mended: the next request need not wait.
	p.crashes, p.notUntil = 0, time.Time{}
	// The edit may import something new, which is to be looked at, and fetched,
	// before a worker's life begins.
	p.isReady = false
	if p.fn.Kind == policy.PerWorker {
		p.stale = p.stale || len(p.liveMembers()) > 0
	}
	return p.stale
}

// retire ends a function that is not served any more.
func (p *pool) retire() {
	p.shut(ErrNotFound, func(m *member) policy.Event {
		if m.live() {
			return policy.RestartAsked{}
		}
		return policy.Discarded{}
	})
}

// terminate drains everything because brink ends.
func (p *pool) terminate() {
	p.shut(ErrClosed, func(*member) policy.Event {
		return policy.TerminationAsked{Grace: p.fn.DrainTimeout}
	})
}

// killAll ends what terminate left.
func (p *pool) killAll() {
	p.shut(ErrClosed, func(*member) policy.Event {
		return policy.KillAsked{}
	})
}

func (p *pool) shut(why error, ev func(*member) policy.Event) {
	p.mu.Lock()
	p.closed = true
	for _, b := range p.boots {
		b.abandoned = true
	}
	for _, w := range slices.Clone(p.waiters) {
		p.answer(w, grant{err: why})
	}
	for _, m := range slices.Clone(p.members) {
		p.apply(m, ev(m))
	}
	if p.idle != nil {
		p.idle.Stop()
	}
	p.mu.Unlock()
	p.carry()
}
