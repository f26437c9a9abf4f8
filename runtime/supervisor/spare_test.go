package supervisor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"brink/policy"
	"brink/runtime/worker"
)

func TestASpareTakenWhileItStartsIsReplaced(t *testing.T) {
	inBubbleWith(t, 1, policy.PerRequest, func(w *world) {
		start := w.opts.Start
		w.opts.Start = func(spec worker.Spec, sink worker.Sink) (Process, error) {
			pass(time.Second) // the bubble's clock: a fork under load
			return start(spec, sink)
		}
		w.acquire().Release()
		pass(time.Second / 2) // its spare is being started
		w.acquire().Release()
		pass(2 * time.Second)
		synctest.Wait()
		if st := w.status(); st.Spares != 1 || len(w.host.all()) != 3 {
			t.Errorf("status %+v, %d processes", st, len(w.host.all()))
		}
	})
}

func TestASpareThatCannotStartSaysNothing(t *testing.T) {
	inBubble(t, policy.PerRequest, func(w *world) {
		var log bytes.Buffer
		w.opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
		w.host.start = func(p *fakeProcess) {
			p.sink.Output(worker.Stderr, "broken deno.json")
			p.exit(worker.Exit{Code: 1})
		}
		broken := errors.New("broken deno.json, as prepare tells")
		w.fn.Eager, w.fn.Fingerprint = true, "eager"
		w.fn.Prepare = func(context.Context) error {
			pass(time.Second) // the bubble's clock: the spare ends before
			return broken
		}
		w.Apply(w.t.Context(), []Function{w.fn})
		if _, err := w.Acquire(w.t.Context(), "hello"); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if log.Len() > 0 {
			t.Errorf("said: %s", log.String())
		}
	})
}
