package supervisor

import (
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
			time.Sleep(time.Second) // the bubble's clock: a fork under load
			return start(spec, sink)
		}
		w.acquire().Release()
		time.Sleep(time.Second / 2) // its spare is being started
		w.acquire().Release()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if st := w.status(); st.Spares != 1 || len(w.host.all()) != 3 {
			t.Errorf("status %+v, %d processes", st, len(w.host.all()))
		}
	})
}
