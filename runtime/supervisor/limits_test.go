package supervisor

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brink/policy"
	"brink/runtime/wire"
)

func TestRehearsedEarlyDropWaitsForTheRequest(t *testing.T) {
	for _, kind := range []policy.Kind{policy.PerWorker, policy.PerRequest} {
		inBubble(t, kind, func(w *world) {
			a := w.acquire()
			if n, err := w.End("hello", policy.ReasonEarlyDrop); n != 1 || err != nil {
				t.Errorf("%v: ended %d, %v", kind, n, err)
			}
			synctest.Wait()
			if cause(a) != nil {
				t.Errorf("%v: the request was cut: %v", kind, cause(a))
			}
			a.Release()
			synctest.Wait()
			if cause(a) == nil {
				t.Errorf("%v: the worker lives on", kind)
			}
		})
	}
}

func TestRehearsedTerminationCutsWhatIsLeftAfterTheDrainTimeout(t *testing.T) {
	for _, kind := range []policy.Kind{policy.PerWorker, policy.PerRequest} {
		inBubble(t, kind, func(w *world) {
			a, start := w.acquire(), time.Now()
			w.End("hello", policy.ReasonTermination)
			<-a.Context().Done()
			if !errors.Is(cause(a), policy.ReasonTermination) || time.Since(start) != w.fn.DrainTimeout {
				t.Errorf("%v: %v after %s", kind, cause(a), time.Since(start))
			}
			a.Release()
		})
	}
}

func TestEndWorkerEndsThatOneOnly(t *testing.T) {
	inBubble(t, policy.PerRequest, func(w *world) {
		a, b := w.acquire(), w.acquire()
		w.EndWorker("hello", a.Worker(), policy.ReasonCPU)
		if !errors.Is(cause(a), policy.ReasonCPU) {
			t.Errorf("the worker that was meant: %v", cause(a))
		}
		if cause(b) != nil {
			t.Errorf("the other one: %v", cause(b))
		}
		w.EndWorker("hello", a.Worker(), policy.ReasonCPU) // it is gone: nothing
		a.Release()
		b.Release()
	})
}

func TestAnEditEndsTheBackOffOfTheCodeBefore(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		for range 3 {
			a := w.acquire()
			w.EndWorker("hello", a.Worker(), policy.ReasonCrashed)
			a.Release()
		}
		w.Changed("hello")
		start := time.Now()
		w.acquire().Release()
		if held := time.Since(start); held != 0 {
			t.Errorf("held back for %s after the edit", held)
		}
	})
}

func TestRehearsedCrashesHoldBackWorkersAsRealOnesDo(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		start := time.Now()
		for range 3 {
			a := w.acquire()
			w.EndWorker("hello", a.Worker(), policy.ReasonCrashed)
			a.Release()
		}
		if held, want := time.Since(start), policy.BackOff(2); held != want {
			t.Errorf("held back for %s, want %s", held, want)
		}
	})
}

func TestAWorkerThatDoesNotAccountForItsMemoryIsNotAskedAgain(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		a := w.acquire()
		p := w.process(a)
		p.use(0, 120*policy.MiB) // more than half of 200
		pass(time.Second)
		if n := p.asked(); n != 1 {
			t.Errorf("asked %d times without an answer", n)
		}
		p.sink.Message(wire.Message{Type: wire.TypeMemory, Heap: 30 * policy.MiB})
		pass(askEvery + 100*time.Millisecond)
		if n := p.asked(); n != 2 {
			t.Errorf("asked %d times after an answer", n)
		}
		a.Release()
	})
}

func TestAnIdleWorkerIsAskedLessAndLessOften(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		a := w.acquire()
		p := w.process(a)
		answer := func() { p.sink.Message(wire.Message{Type: wire.TypeMemory, Heap: policy.MiB}) }
		for range 150 {
			answer()
			pass(time.Second)
		}
		if n := p.asked(); n < 5 || n > 12 {
			t.Errorf("asked %d times in 150 s", n)
		}
		before := p.asked()
		p.use(5*time.Millisecond, 0) // it works, and may have allocated what nobody sees
		pass(time.Second)
		if p.asked() == before {
			t.Error("not asked although it worked")
		}
		a.Release()
	})
}

func TestAWorkerThatGrowsIsToldBeforeItsLimit(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		a := w.acquire()
		p := w.process(a)
		for mem := int64(0); cause(a) == nil; mem += policy.MiB { // 1 MB in 10 ms
			asked := p.asked()
			p.use(0, mem)
			pass(10 * time.Millisecond)
			if p.asked() > asked {
				p.sink.Message(wire.Message{Type: wire.TypeMemory, Heap: mem})
			}
		}
		if unloads, _ := p.said(); len(unloads) != 1 || unloads[0] != "memory" {
			t.Errorf("told %q", unloads)
		}
		if u := a.Usage(); u.Peak > 208*policy.MiB {
			t.Errorf("ended at %d MB of 200", u.Peak/policy.MiB)
		}
		a.Release()
	})
}

func TestMemoryThatShrankRaisesNoAlert(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		a := w.acquire()
		p := w.process(a)
		p.use(0, 120*policy.MiB)
		p.sink.Message(wire.Message{Type: wire.TypeMemory, Heap: 120 * policy.MiB})
		pass(time.Second)
		p.use(0, 60*policy.MiB) // it was collected; the worker was not asked since
		pass(time.Second)
		p.sink.Message(wire.Message{Type: wire.TypeMemory, Heap: 20 * policy.MiB})
		pass(time.Second)
		a.Release()
		synctest.Wait()
		if cause(a) != nil {
			t.Errorf("dropped early: %v", cause(a))
		}
		if u := a.Usage(); u.Memory != 28*policy.MiB || u.Peak != 120*policy.MiB {
			t.Errorf("usage %+v", u)
		}
	})
}

func TestThePeakIsNotMadeOfResidentMemoryWithinTheSlack(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		a := w.acquire()
		p := w.process(a)
		p.use(0, 25*policy.MiB)
		if u := a.Usage(); u.Memory != 25*policy.MiB || u.Peak != 25*policy.MiB {
			t.Errorf("before it accounted for its memory: %+v", u)
		}
		p.sink.Message(wire.Message{Type: wire.TypeMemory, Heap: 4 * policy.MiB, External: policy.MiB})
		if u := a.Usage(); u.Memory != 5*policy.MiB || u.Peak != 5*policy.MiB {
			t.Errorf("after: %+v", u)
		}
		a.Release()
	})
}

func TestARestartDuringAColdStartCostsNobodyTheirAnswer(t *testing.T) {
	for _, kind := range []policy.Kind{policy.PerWorker, policy.PerRequest} {
		inBubble(t, kind, func(w *world) {
			first := true
			w.host.start = func(p *fakeProcess) {
				if first {
					first = false
					return // its engine takes its time
				}
				p.sink.Message(wire.Message{Type: wire.TypeWaiting})
			}
			ch := w.acquireLater(w.t.Context())
			synctest.Wait()
			fn := w.fn
			fn.Fingerprint = "another environment"
			w.Apply(w.t.Context(), []Function{fn})
			r := <-ch
			if r.err != nil {
				t.Fatalf("%v: %v", kind, r.err)
			}
			r.lease.Release()
		})
	}
}
