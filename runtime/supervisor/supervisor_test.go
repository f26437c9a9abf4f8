package supervisor

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brink/policy"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

func TestPerWorkerSharesOneWorker(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		a, b := w.acquire(), w.acquire()
		if a.Worker() != b.Worker() {
			t.Error("two requests at once got two workers")
		}
		a.Release()
		b.Release()
		b.Release()
		if c := w.acquire(); c.Worker() != a.Worker() {
			t.Error("the worker did not live on")
		} else {
			c.Release()
		}
		if st := w.status(); len(st.Workers) != 1 || st.Workers[0].InFlight != 0 {
			t.Errorf("status %+v", st)
		}
	})
}

func TestPerWorkerColdBurstBootsOneWorker(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		var all []<-chan result
		for range 20 {
			all = append(all, w.acquireLater(w.t.Context()))
		}
		for _, ch := range all {
			if r := <-ch; r.err != nil {
				t.Error(r.err)
			} else {
				r.lease.Release()
			}
		}
		if n := len(w.host.all()); n != 1 {
			t.Errorf("%d processes for one function's burst", n)
		}
	})
}

func TestPerRequestGivesEachRequestItsOwnWorkerAndEndsIt(t *testing.T) {
	inBubble(t, policy.PerRequest, func(w *world) {
		a := w.acquire()
		a.Release()
		synctest.Wait()
		if !errors.Is(cause(a), policy.ReasonRequestEnded) {
			t.Errorf("worker lives on after its request: %v", cause(a))
		}
		b := w.acquire()
		if a.Worker() == b.Worker() {
			t.Error("a worker served two requests")
		}
		b.Upgrade(func(int, string) {})
		synctest.Wait()
		if !errors.Is(cause(b), policy.ReasonRequestEnded) {
			t.Error("a 101 did not end the worker")
		}
	})
}

func TestPerRequestBurstQueuesAndThenTimesOut(t *testing.T) {
	inBubble(t, policy.PerRequest, func(w *world) {
		a, b := w.acquire(), w.acquire()
		third := w.acquireLater(w.t.Context())
		synctest.Wait()
		fourth := w.acquireLater(w.t.Context())
		synctest.Wait()
		if n := len(w.host.all()); n != 2 {
			t.Fatalf("%d processes, want the maximum of 2", n)
		}
		a.Release()
		if r := <-third; r.err != nil {
			t.Fatalf("the first in the queue: %v", r.err)
		} else {
			defer r.lease.Release()
		}
		start := time.Now()
		if r := <-fourth; !errors.Is(r.err, ErrQueueTimeout) {
			t.Errorf("got %v, want ErrQueueTimeout", r.err)
		}
		if d := time.Since(start); d != policy.QueueTimeout {
			t.Errorf("timed out after %v", d)
		}
		b.Release()
	})
}

func TestQueueTimeoutDoesNotCountBooting(t *testing.T) {
	for _, kind := range []policy.Kind{policy.PerRequest, policy.PerWorker} {
		inBubble(t, kind, func(w *world) {
			w.host.boot = func(p *fakeProcess) {
				pass(time.Minute)
				p.ready()
			}
			w.acquire().Release()
		})
	}
}

func TestClientThatLeavesTheQueueTakesItsWorkerAlong(t *testing.T) {
	inBubble(t, policy.PerRequest, func(w *world) {
		w.host.boot = func(p *fakeProcess) {}
		ctx, leave := context.WithCancel(w.t.Context())
		ch := w.acquireLater(ctx)
		synctest.Wait()
		leave()
		if r := <-ch; !errors.Is(r.err, context.Canceled) {
			t.Errorf("got %v", r.err)
		}
		synctest.Wait()
		if st := w.status(); len(st.Workers) != 0 || st.Waiting != 0 {
			t.Errorf("left behind: %+v", st)
		}
	})
}

func TestBootFailureAnswersWhoWaitedAndTheNextRequestTriesAgain(t *testing.T) {
	for _, row := range []struct {
		phase wire.Phase
		want  policy.Reason
	}{{wire.PhaseLoad, policy.ReasonLoadFailed}, {wire.PhaseEvaluate, policy.ReasonEvaluateFailed}} {
		inBubble(t, policy.PerWorker, func(w *world) {
			w.host.boot = func(p *fakeProcess) {
				p.sink.Message(wire.Message{Type: wire.TypeFault, Phase: row.phase, Text: "boom"})
				p.exit(worker.Exit{Code: 1})
			}
			if _, err := w.Acquire(w.t.Context(), "hello"); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
			w.host.boot = nil
			w.acquire().Release()
		})
	}
}

func TestEngineErrorBeforeLoadedIsALoadFailure(t *testing.T) {
	inBubble(t, policy.PerRequest, func(w *world) {
		w.host.boot = func(p *fakeProcess) {
			p.sink.Output(worker.Stderr, "error: Module not found")
			p.exit(worker.Exit{Code: 1})
		}
		if _, err := w.Acquire(w.t.Context(), "hello"); !errors.Is(err, policy.ReasonLoadFailed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNothingServingIsSaidWithinASecond(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		w.host.boot = func(p *fakeProcess) { p.sink.Message(wire.Message{Type: wire.TypeLoaded}) }
		start := time.Now()
		if _, err := w.Acquire(w.t.Context(), "hello"); !errors.Is(err, ErrNotServing) {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestCrashBacksOffFromTheSecondInARow(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		waits := []time.Duration{0, 0, 100 * time.Millisecond, 200 * time.Millisecond}
		for i, want := range waits {
			start := time.Now()
			l := w.acquire()
			if d := time.Since(start); d != want {
				t.Errorf("after %d crashes: waited %v, want %v", i, d, want)
			}
			w.process(l).exit(worker.Exit{Code: 1})
			synctest.Wait()
			if !errors.Is(cause(l), policy.ReasonCrashed) {
				t.Errorf("cause %v", cause(l))
			}
			l.Release()
		}
	})
}

func TestASpareServesTheNextColdStart(t *testing.T) {
	inBubbleWith(t, 1, policy.PerRequest, func(w *world) {
		w.acquire().Release()
		synctest.Wait()
		if st := w.status(); st.Spares != 1 {
			t.Fatalf("status %+v, want one spare", st)
		}
		spare := w.host.all()[1]
		if l := w.acquire(); l.Worker() != spare.spec.ID {
			t.Error("the spare was not used")
		} else {
			l.Release()
		}
	})
}

func TestAnOutdatedSpareIsNotUsed(t *testing.T) {
	inBubbleWith(t, 1, policy.PerRequest, func(w *world) {
		stamp, prepared := "one", 0
		w.fn.Stamp = func() string { return stamp }
		w.fn.Prepare = func(context.Context) error { prepared++; return nil }
		w.fn.Fingerprint = "stamped"
		w.Apply(w.t.Context(), []Function{w.fn})
		w.acquire().Release()
		synctest.Wait()
		spare := w.host.all()[1]
		stamp = "two"
		l := w.acquire()
		defer l.Release()
		if l.Worker() == spare.spec.ID {
			t.Error("a spare of the old files was used")
		}
		if prepared != 2 {
			t.Errorf("prepared %d times, want once for each stamp", prepared)
		}
	})
}

func TestASpareServesUnderThePolicyOfWhenItIsUsed(t *testing.T) {
	inBubbleWith(t, 1, policy.PerRequest, func(w *world) {
		w.acquire().Release()
		synctest.Wait()
		w.fn.Kind = policy.PerWorker
		w.Apply(w.t.Context(), []Function{w.fn})
		a := w.acquire()
		if spare := w.host.all()[1]; a.Worker() != spare.spec.ID {
			t.Error("the spare was not used")
		}
		a.Release()
		synctest.Wait()
		if cause(a) != nil {
			t.Errorf("ended as under per_request: %v", cause(a))
		}
	})
}

func TestSparesOfAnUnusedFunctionAreLetGo(t *testing.T) {
	inBubbleWith(t, 1, policy.PerRequest, func(w *world) {
		w.acquire().Release()
		pass(policy.SpareIdle + time.Second)
		synctest.Wait()
		if st := w.status(); st.Spares != 0 {
			t.Errorf("status %+v after %v without a request", st, policy.SpareIdle)
		}
	})
}

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

func TestHalfTheWallClockDropsAnIdleWorkerAndTheNextRequestGetsANewOne(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		a := w.acquire()
		a.Release()
		pass(200*time.Second + time.Millisecond)
		synctest.Wait()
		if !errors.Is(cause(a), policy.ReasonEarlyDrop) {
			t.Fatalf("cause %v", cause(a))
		}
		if unloads, drains := w.process(a).said(); len(unloads) != 1 || unloads[0] != "early_drop" || len(drains) != 1 {
			t.Errorf("told %v and drained %v", unloads, drains)
		}
		if b := w.acquire(); b.Worker() == a.Worker() {
			t.Error("a dropped worker was reused")
		} else {
			b.Release()
		}
	})
}

func TestWallClockTellsAtNinetyPercentAndKillsAtTheEnd(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		l := w.acquire()
		defer l.Release()
		pass(361 * time.Second)
		synctest.Wait()
		if unloads, _ := w.process(l).said(); len(unloads) != 1 || unloads[0] != "wall_clock" {
			t.Errorf("told %v", unloads)
		}
		pass(40 * time.Second)
		synctest.Wait()
		if !errors.Is(cause(l), policy.ReasonWallClock) {
			t.Errorf("cause %v", cause(l))
		}
	})
}

func TestABusyLoopIsSeenAndKilled(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		l := w.acquire()
		defer l.Release()
		p, start := w.process(l), time.Now()
		for cause(l) == nil && time.Since(start) < time.Minute {
			p.use(time.Since(start), 0)
			pass(time.Millisecond)
		}
		if !errors.Is(cause(l), policy.ReasonCPU) {
			t.Fatalf("cause %v", cause(l))
		}
		if over := time.Since(start) - 2*time.Second; over > 50*time.Millisecond {
			t.Errorf("killed %v past the hard limit", over)
		}
	})
}

func TestBeforeUnloadThatHangsIsNotWaitedForLong(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		w.host.unload = func(*fakeProcess) {}
		l := w.acquire()
		l.Release()
		pass(202 * time.Second)
		synctest.Wait()
		if !errors.Is(cause(l), policy.ReasonEarlyDrop) {
			t.Errorf("cause %v", cause(l))
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

func TestTheEngineBootsWhileTheFunctionIsPrepared(t *testing.T) {
	inBubble(t, policy.PerRequest, func(w *world) {
		during := 0
		w.fn.Eager, w.fn.Fingerprint = true, "eager"
		w.fn.Prepare = func(context.Context) error {
			pass(time.Minute)
			during = len(w.host.all())
			if w.host.openedCount() != 0 {
				t.Error("the gate was opened before the function was prepared")
			}
			return nil
		}
		w.Apply(w.t.Context(), []Function{w.fn})
		w.acquire().Release()
		if all := len(w.host.all()); during != 1 || all != 1 {
			t.Errorf("%d processes during, %d after; want the same one", during, all)
		}
	})
}

func TestASpareOfACompiledFunctionIsAsOldAsItsBuild(t *testing.T) {
	inBubbleWith(t, 1, policy.PerRequest, func(w *world) {
		var readings, prepared atomic.Int32
		w.fn.Stamp = func() string {
			if readings.Add(1) == 1 {
				return "as built"
			}
			return "edited right after"
		}
		w.fn.Prepare = func(context.Context) error { prepared.Add(1); return nil }
		w.fn.Fingerprint = "compiled"
		w.Apply(w.t.Context(), []Function{w.fn})
		w.acquire().Release()
		synctest.Wait()
		spare := w.host.all()[1]
		l := w.acquire()
		defer l.Release()
		if l.Worker() == spare.spec.ID || prepared.Load() != 2 {
			t.Errorf("the old build was served: %v; prepared %d times, want 2", l.Worker() == spare.spec.ID, prepared.Load())
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

func TestCodeThatDoesNotGetDoneLoadingIsTold(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		events := logged(w)
		w.host.boot = func(*fakeProcess) {}
		ctx, leave := context.WithCancel(w.t.Context())
		waiting := w.acquireLater(ctx)
		pass(policy.SlowBoot + time.Second)
		synctest.Wait()
		if text := events.String(); !strings.Contains(text, "has been loading for 10s") {
			t.Errorf("logged %s", text)
		}
		leave()
		<-waiting
	})
}
