package supervisor

import (
	"slices"
	"time"

	"brink/policy"
)

// topUp starts spares until there are as many as configured. It returns at
// once; a function that was never asked for gets none.
func (p *pool) topUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.noSpare || p.used.IsZero() {
		return
	}
	have := p.starts
	for _, m := range p.members {
		if !m.live() {
			have++
		}
	}
	for ; have < p.fn.Spares; have++ {
		p.starts++
		p.s.wg.Go(p.startSpare)
	}
	if p.idle == nil {
		p.idle = time.AfterFunc(policy.SpareIdle, p.letGo)
	}
}

func (p *pool) startSpare() {
	p.mu.Lock()
	fn, stamp := p.fn, p.prepared
	p.mu.Unlock()
	if fn.Eager {
		// Its process reads the files as they are now. Otherwise it is what was
		// prepared last, however the files look by now.
		stamp = fn.stamp()
	}
	m, err := p.spawn(fn, stamp, nil)
	p.mu.Lock()
	p.starts--
	// A spare is a convenience: what keeps it from starting will be reported
	// by the worker that a request asks for.
	p.noSpare = p.noSpare || err != nil
	if err == nil && p.fn.Fingerprint != fn.Fingerprint {
		p.apply(m, policy.Discarded{})
	}
	p.mu.Unlock()
	p.carry()
	// A request may have taken it while it was still counted as starting.
	p.topUp()
}

// discardSpares ends all spares. mu is held.
func (p *pool) discardSpares() {
	for _, m := range slices.Clone(p.members) {
		if !m.live() {
			p.apply(m, policy.Discarded{})
		}
	}
}

// letGo ends the spares of a function that nobody has used for long.
func (p *pool) letGo() {
	p.mu.Lock()
	if left := policy.SpareIdle - time.Since(p.used); left > 0 {
		p.idle.Reset(left)
	} else {
		p.idle = nil
		p.discardSpares()
	}
	p.mu.Unlock()
	p.carry()
}
