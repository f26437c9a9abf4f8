package supervisor

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brink/policy"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

// crashing is a language whose runtime reports a crash from "boom" on.
func crashing() Crash {
	return Crash{
		Begins:  func(line string) bool { return line == "boom" },
		Explain: func(report string) (name, message, stack string) { return "panic", report, "a stack" },
	}
}

// logged has w's supervisor, made anew, write its events to the buffer, which
// has to be read while nothing runs.
func logged(w *world) *bytes.Buffer {
	var events bytes.Buffer
	w.fn.Crash = crashing()
	w.Supervisor.opts.Logger = slog.New(slog.NewTextHandler(&events, nil))
	w.fn.Fingerprint = "with crash"
	w.Apply(w.t.Context(), []Function{w.fn})
	return &events
}

func TestCrashWhileTheFunctionStartsIsAnEvaluationThatFailed(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		w.host.boot = func(p *fakeProcess) {
			p.sink.Output(worker.Stderr, "boom")
			p.sink.Output(worker.Stderr, "at main.go:5")
			p.exit(worker.Exit{Code: 2})
		}
		events := logged(w)
		if _, err := w.Acquire(w.t.Context(), "hello"); !errors.Is(err, policy.ReasonEvaluateFailed) {
			t.Errorf("Acquire = %v", err)
		}
		synctest.Wait()
		if got := events.String(); strings.Count(got, "msg=fault") != 1 || strings.Contains(got, "msg=log") || !strings.Contains(got, `msg=fault function=hello`) || !strings.Contains(got, `phase=evaluate name=panic message="boom\nat main.go:5" stack="a stack"`) {
			t.Errorf("events are\n%s", got)
		}
	})
}

func TestCrashAfterASurvivedFaultIsShown(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		events := logged(w)
		l := w.acquire()
		p := w.process(l)
		p.sink.Message(wire.Message{Type: wire.TypeFault, Phase: wire.PhaseRun, Text: "handled", RequestID: "r1"})
		p.exit(worker.Exit{Code: 7})
		synctest.Wait()
		l.Release()
		if got := events.String(); !strings.Contains(got, "message=handled") || !strings.Contains(got, "request_id=r1") || !strings.Contains(got, "ended by itself: exit code 7") {
			t.Errorf("events are\n%s", got)
		}
		if !errors.Is(cause(l), policy.ReasonCrashed) {
			t.Errorf("cause %v", cause(l))
		}
	})
}

func TestWhatLooksLikeACrashIsOutputWhenTheProcessLivesOn(t *testing.T) {
	inBubble(t, policy.PerWorker, func(w *world) {
		events := logged(w)
		l := w.acquire()
		p := w.process(l)
		p.sink.Output(worker.Stderr, "before")
		p.sink.Output(worker.Stderr, "boom")
		p.sink.Output(worker.Stderr, "after")
		synctest.Wait()
		if got := events.String(); !strings.Contains(got, "before") || strings.Contains(got, "boom") {
			t.Errorf("events are\n%s", got)
		}
		l.Release()
		<-time.After(2 * reportGrace)
		synctest.Wait()
		if got := events.String(); !strings.Contains(got, "message=boom") || !strings.Contains(got, "message=after") {
			t.Errorf("events are\n%s", got)
		}
	})
}
