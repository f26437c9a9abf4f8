package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// barrage is requests made all the time by some clients.
type barrage struct {
	cancel  context.CancelFunc
	clients sync.WaitGroup
	done    atomic.Int64

	mu   sync.Mutex
	odds []string // guarded by mu: answers other than 200
}

// barrageClients ask at the same time, more than a machine for tests has
// processors.
const barrageClients = 4

func cmdBarrage(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	s := stateOf(ts)
	if len(args) == 1 && args[0] == "stop" {
		s.barrage.stop(ts)
		s.barrage = nil
		return
	}
	only(ts, args, 1, 1, "barrage url|stop")
	if s.barrage != nil {
		ts.Fatalf("one barrage at a time")
	}
	ctx, cancel := context.WithCancel(s.ctx)
	b := &barrage{cancel: cancel}
	s.barrage = b
	s.closers = append(s.closers, b.clients.Wait)
	r := request{method: "GET", url: absolute(ts, args[0])}
	for range barrageClients {
		b.clients.Go(func() { b.ask(ctx, r) })
	}
	deadline, cancelWait := s.within()
	defer cancelWait()
	for b.done.Load() < barrageClients && deadline.Err() == nil {
		r.send(deadline) // and see whether the clients have begun
	}
}

func (b *barrage) ask(ctx context.Context, r request) {
	for ctx.Err() == nil {
		a := r.send(ctx)
		if ctx.Err() != nil {
			return
		}
		b.done.Add(1)
		if a.err != nil || a.status != 200 {
			b.mu.Lock()
			b.odds = append(b.odds, fmt.Sprintf("%d %s %v", a.status, a.body, a.err))
			b.mu.Unlock()
		}
	}
}

func (b *barrage) stop(ts *testscript.TestScript) {
	b.cancel()
	b.clients.Wait()
	ts.Logf("%d requests", b.done.Load())
	if len(b.odds) > 0 {
		ts.Fatalf("%d of %d requests failed, the first: %s", len(b.odds), b.done.Load(), b.odds[0])
	}
}
