package supervisor

import (
	"context"
	"errors"
	"strings"
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
