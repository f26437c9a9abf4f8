package supervisor

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brink/policy"
	"brink/runtime/worker"
)

func TestRestartBootsTheNewWorkerFirst(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		old := w.acquire()
		names, err := w.Restart(w.t.Context(), nil)
		if err != nil || len(names) != 1 {
			t.Fatalf("restart: %v, %v", names, err)
		}
		if cause(old) != nil {
			t.Error("the request in flight was cut")
		}
		l := w.acquire()
		if l.Worker() == old.Worker() {
			t.Error("a new request got the old worker")
		}
		l.Release()
		old.Release()
		synctest.Wait()
		if !errors.Is(cause(old), policy.ReasonRestarted) {
			t.Errorf("the old worker did not end: %v", cause(old))
		}
	})
}

func TestRestartThatDoesNotBootKeepsTheOldWorker(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		old := w.acquire()
		old.Release()
		w.host.boot = func(p *fakeProcess) { p.exit(worker.Exit{Code: 1}) }
		if _, err := w.Restart(w.t.Context(), []string{"hello"}); err == nil {
			t.Error("no error")
		}
		if l := w.acquire(); l.Worker() != old.Worker() {
			t.Error("the old worker is gone")
		} else {
			l.Release()
		}
	})
}

func TestRestartIsNotWaitedForWithoutEndAndTakesEffectLater(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		old := w.acquire()
		old.Release()
		w.host.boot = func(p *fakeProcess) {
			pass(time.Minute)
			p.ready()
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
		defer cancel()
		if names, err := w.Restart(ctx, nil); err == nil || len(names) != 0 {
			t.Errorf("restarted %v, %v", names, err)
		}
		if l := w.acquire(); l.Worker() != old.Worker() {
			t.Error("the old worker did not go on")
		} else {
			l.Release()
		}
		pass(time.Minute)
		synctest.Wait()
		if !errors.Is(cause(old), policy.ReasonRestarted) {
			t.Errorf("the old worker did not end once the new one was ready: %v", cause(old))
		}
	})
}

func TestRestartClosesSocketsWith1012AfterTheDrainTimeout(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		l := w.acquire()
		closed := make(chan int, 1)
		done := l.Upgrade(func(code int, _ string) { closed <- code })
		start := time.Now()
		if _, err := w.Restart(w.t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if code := <-closed; code != policy.CloseServiceRestart || time.Since(start) != 10*time.Second {
			t.Errorf("code %d after %v", code, time.Since(start))
		}
		done()
		synctest.Wait()
		if !errors.Is(cause(l), policy.ReasonRestarted) {
			t.Errorf("cause %v", cause(l))
		}
	})
}

func TestAChangeOfPolicyTakesEffectForTheNextRequest(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		old := w.acquire()
		old.Release()
		w.fn.Kind = policy.PerRequest
		if changed := w.Apply(w.t.Context(), []Function{w.fn}); len(changed) != 1 {
			t.Errorf("changed %v", changed)
		}
		l := w.acquire()
		if l.Worker() == old.Worker() {
			t.Error("the shared worker was used under per_request")
		}
		l.Release()
		synctest.Wait()
		if !errors.Is(cause(l), policy.ReasonRequestEnded) || !errors.Is(cause(old), policy.ReasonRestarted) {
			t.Errorf("causes %v, %v", cause(l), cause(old))
		}
		if changed := w.Apply(w.t.Context(), []Function{w.fn}); len(changed) != 0 {
			t.Errorf("the same again changed %v", changed)
		}
		w.Apply(w.t.Context(), nil)
		if _, err := w.Acquire(w.t.Context(), "hello"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a function that is gone: %v", err)
		}
	})
}

func TestCloseWaitsForRequestsAndThenKills(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		l := w.acquire()
		closed := make(chan int, 1)
		w.acquire().Upgrade(func(code int, _ string) { closed <- code })
		waiting := w.acquireLater(w.t.Context())
		if r := <-waiting; r.err == nil {
			r.lease.Release()
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		defer cancel()
		w.Close(ctx)
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("closed after %v", d)
		}
		if code := <-closed; code != policy.CloseGoingAway {
			t.Errorf("socket closed with %d", code)
		}
		if !errors.Is(cause(l), policy.ReasonTermination) {
			t.Errorf("cause %v", cause(l))
		}
		if _, err := w.Acquire(w.t.Context(), "hello"); !errors.Is(err, ErrClosed) {
			t.Errorf("after close: %v", err)
		}
	})
}

func TestRehearsalEndsAsTheRealThing(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		l := w.acquire()
		if n, err := w.End("hello", policy.ReasonMemory); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		synctest.Wait()
		if !errors.Is(cause(l), policy.ReasonMemory) {
			t.Errorf("cause %v", cause(l))
		}
		if _, err := w.End("nope", policy.ReasonCPU); !errors.Is(err, ErrNotFound) {
			t.Errorf("unknown function: %v", err)
		}
	})
}

func TestEditsMakeOnlySharedWorkersStale(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		if w.Changed("hello") {
			t.Error("stale without a worker")
		}
		w.acquire().Release()
		if !w.Changed("hello") || !w.status().Stale {
			t.Error("not stale after an edit")
		}
		if _, err := w.Restart(w.t.Context(), nil); err != nil || w.status().Stale {
			t.Errorf("still stale after a restart: %v", err)
		}
	})
	inBubble(t, policy.PerRequest, func(w *world) {
		w.acquire().Release()
		if w.Changed("hello") {
			t.Error("per_request is never stale")
		}
	})
}

func TestAnEditIsPreparedBeforeAWorkerTakesItUp(t *testing.T) {
	for _, kind := range []policy.Kind{policy.PerWorker, policy.PerRequest} {
		inBubble(t, kind, func(w *world) {
			var prepared atomic.Int32
			w.fn.Prepare = func(context.Context) error { prepared.Add(1); return nil }
			w.fn.Fingerprint = "prepared"
			w.Apply(w.t.Context(), []Function{w.fn})
			w.acquire().Release()
			w.Changed("hello")
			if _, err := w.Restart(w.t.Context(), nil); err != nil {
				t.Error(err)
			}
			w.acquire().Release()
			w.acquire().Release()
			if prepared.Load() != 2 {
				t.Errorf("%v: prepared %d times, want 2", kind, prepared.Load())
			}
		})
	}
}
