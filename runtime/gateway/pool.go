package gateway

import (
	"context"
	"sync"
	"time"
)

const (
	// maxIdle is how many idle connections are kept for one worker.
	maxIdle = 128
	// idleAge is how long an idle connection is used again. It is below the
	// 5 s after which a node:http server closes one (its keepAliveTimeout), so
	// that a request hardly ever meets a connection that is being closed; a
	// new one over a Unix socket costs tens of microseconds.
	idleAge = 3 * time.Second
)

// pool holds the idle connections to one worker.
type pool struct {
	gone  chan struct{} // closed when the worker's end was dealt with
	unset func() bool   // stops waiting for the worker's end

	mu     sync.Mutex
	idle   []*link     // guarded by mu; the oldest first
	closed bool        // guarded by mu
	timer  *time.Timer // guarded by mu; nil until something is idle
	armed  bool        // guarded by mu: timer is running
}

// get returns an idle connection that is still good, or nil.
func (p *pool) get() *link {
	for {
		l := p.pop()
		if l == nil {
			return nil
		}
		if time.Since(l.since) < idleAge && !stale(l.conn) {
			l.reused = true
			return l
		}
		l.discard()
	}
}

func (p *pool) pop() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	l := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return l
}

// put keeps a connection for the next request, or closes it.
func (p *pool) put(l *link) {
	l.since = time.Now()
	if !p.keep(l) {
		l.discard()
	}
}

func (p *pool) keep(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= maxIdle {
		return false
	}
	p.idle = append(p.idle, l)
	p.arm()
	return true
}

// arm starts the timer that closes what stays idle. mu is held.
func (p *pool) arm() {
	switch {
	case p.armed:
		return
	case p.timer == nil:
		p.timer = time.AfterFunc(idleAge, p.prune)
	default:
		p.timer.Reset(idleAge)
	}
	p.armed = true
}

// prune closes the connections that were idle for too long.
func (p *pool) prune() {
	for _, l := range p.expired() {
		l.discard()
	}
}

func (p *pool) expired() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].since) >= idleAge {
		n++
	}
	old := append([]*link(nil), p.idle[:n]...)
	p.idle = append(p.idle[:0], p.idle[n:]...)
	if len(p.idle) > 0 && !p.closed {
		p.arm()
	}
	return old
}

// close closes every idle connection; later ones are closed by put.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	for _, l := range idle {
		l.discard()
	}
}

// pools holds one pool for each worker that lives.
type pools struct {
	mu     sync.Mutex
	byID   map[string]*pool // guarded by mu
	closed bool             // guarded by mu
}

// of returns the pool of the lease's worker. It closes by itself when the
// worker ends.
func (s *pools) of(lease Lease) *pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := lease.Worker()
	if p := s.byID[id]; p != nil {
		return p
	}
	p := &pool{gone: make(chan struct{}), closed: s.closed}
	if s.closed {
		return p
	}
	if s.byID == nil {
		s.byID = map[string]*pool{}
	}
	s.byID[id] = p
	p.unset = context.AfterFunc(lease.Context(), func() {
		defer close(p.gone)
		s.forget(id)
		p.close()
	})
	return p
}

func (s *pools) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// close closes all pools and returns when none of their functions runs.
func (s *pools) close() {
	s.mu.Lock()
	all := s.byID
	s.byID, s.closed = nil, true
	s.mu.Unlock()
	for _, p := range all {
		if !p.unset() {
			<-p.gone
		}
		p.close()
	}
}
