package worker

import (
	"testing"
	"time"
)

func TestTheSystemEndsABusyLoopThatNobodyKills(t *testing.T) {
	w, r := startWith(t, "spins", func(s *Spec) { s.CPUBackstop = time.Second })
	w.Open()
	if e := within(t, "exit", r.exited); e.Signal == "" || e.CPU > 3*time.Second {
		t.Errorf("exit %+v", e)
	}
}
