package supervisor

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brink/policy"
)

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
