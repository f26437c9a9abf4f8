package policy

import (
	"fmt"
	"time"
)

// Phase is where a worker stands in its life.
type Phase uint8

const (
	// Spare: a booted engine at the gate, or on its way there. No user code.
	Spare Phase = iota
	// Booting: the gate is open; the user's code is loading.
	Booting
	// Active: takes requests.
	Active
	// Retired: takes no new requests; what is in flight goes on.
	Retired
	// Ending: idle, told so by beforeunload, about to be killed.
	Ending
	// Ended: killed, or exited by itself.
	Ended
)

// String names the phase for logs and tests.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return fmt.Sprintf("Phase(%d)", uint8(p))
}

var phaseNames = [...]string{"spare", "booting", "active", "retired", "ending", "ended"}

const (
	// unloadGrace is how long beforeunload listeners may run before the worker
	// is killed all the same. The hosted runtime waits for their synchronous
	// part without bound; a laptop should not.
	unloadGrace = time.Second
	// memorySlack is how far resident memory may stand above the limit while
	// the worker's own account (heap and external) stays below it: resident
	// memory also holds code, caches and freed pages.
	memorySlack = 32 * MiB
	// unloadRatio is the share of a limit at which beforeunload is dispatched
	// (edge-runtime's --dispatch-beforeunload-*-ratio, default 90).
	unloadRatio = 0.9
)

// reasons is a set of Reason.
type reasons uint32

func (s reasons) has(r Reason) bool      { return s&(1<<r) != 0 }
func (s reasons) with(r Reason) reasons  { return s | 1<<r }
func (s reasons) minus(r Reason) reasons { return s &^ (1 << r) }

// Worker is the life of one worker. It is a value; Apply returns the next one.
// The zero value with Kind, Parity and Limits set is a spare.
type Worker struct {
	Kind   Kind
	Parity Parity
	Limits Limits

	// DrainTimeout is how long a replaced worker keeps its sockets.
	DrainTimeout time.Duration

	Phase    Phase
	Reason   Reason // why it drains, ends or ended; ReasonNone while nobody asked
	InFlight int    // requests whose response has not ended
	Sockets  int    // open WebSockets
	Tasks    int    // background tasks not settled

	alerts     reasons // what allows an early drop
	unloads    reasons // beforeunload reasons already dispatched
	noted      reasons // limits already reported under Warn
	unanswered int     // beforeunload dispatches that have not returned
	drained    bool    // it was told that nothing new will come
	extended   bool    // beforeunload got more time, once
	closing    int     // the code its sockets were closed with, 0 before
}

// Apply returns the worker after ev, and what has to be done about it. An
// ended worker changes no more.
func (w Worker) Apply(ev Event) (Worker, []Action) {
	if w.Phase == Ended {
		return w, nil
	}
	switch ev := ev.(type) {
	case GateOpened:
		return w.opened()
	case BecameReady:
		if w.Phase == Booting {
			w.Phase = Active
		}
		return w, nil
	case RequestStarted:
		w.InFlight++
		return w, nil
	case RequestEnded:
		w.InFlight--
		return w.finished(nil)
	case SocketOpened:
		w.InFlight--
		w.Sockets++
		return w.finished(w.late())
	case SocketClosed:
		w.Sockets--
		return w.settle(nil)
	case TasksChanged:
		w.Tasks = ev.Pending
		return w.settle(nil)
	case Sampled:
		return w.sampled(ev)
	case TimerFired:
		return w.fired(ev.Timer)
	case UnloadReturned:
		return w.unloaded()
	case RestartAsked:
		return w.replaced()
	case TerminationAsked:
		return w.terminated(ev.Grace)
	case EndAsked:
		return w.rehearsed(ev.Reason)
	case KillAsked:
		return w.end(ReasonTermination, nil)
	case Discarded:
		return w.end(ReasonUnused, nil)
	case Exited:
		return w.end(ev.Reason, nil)
	}
	panic(fmt.Sprintf("policy: unknown event %T", ev))
}

// Accepts says whether a new request may be given to the worker.
func (w Worker) Accepts() bool {
	return w.Phase == Active && (w.Kind == PerWorker || w.InFlight == 0)
}

func (w Worker) opened() (Worker, []Action) {
	w.Phase = Booting
	wall := w.Limits.WallClock
	if w.Limits.Enforcement == Off || wall <= 0 {
		return w, nil
	}
	return w, []Action{
		Arm{TimerHalf, wall / 2},
		Arm{TimerNinety, time.Duration(float64(wall) * unloadRatio)},
		Arm{TimerWall, wall},
	}
}

// finished follows the end of a request: under per_request it is the worker's.
func (w Worker) finished(todo []Action) (Worker, []Action) {
	if w.Kind == PerRequest {
		return w.end(ReasonRequestEnded, nil)
	}
	return w.settle(todo)
}

// late closes a socket that opened when all the others were told to close.
func (w Worker) late() []Action {
	if w.closing == 0 {
		return nil
	}
	return []Action{CloseSockets{w.closing}}
}

func (w Worker) sampled(s Sampled) (Worker, []Action) {
	l := w.Limits
	if l.Enforcement == Off || w.Phase == Spare {
		return w, nil
	}
	var todo []Action
	if l.Memory > 0 {
		used := s.Memory()
		if used >= l.Memory {
			return w.reached(ReasonMemory)
		}
		w.alerts = w.alerts.minus(ReasonMemory)
		if used >= l.Memory/2 && l.Enforcement == Enforce {
			w.alerts = w.alerts.with(ReasonMemory)
		}
		if ratio(used, l.Memory) >= unloadRatio {
			w, todo = w.unload(ReasonMemory, todo)
		}
	}
	if l.CPUHard > 0 {
		if s.CPU >= l.CPUHard {
			return w.reached(ReasonCPU)
		}
		if ratio(int64(s.CPU), int64(l.CPUHard)) >= unloadRatio {
			w, todo = w.unload(ReasonCPU, todo)
		}
	}
	if l.CPUSoft > 0 && s.CPU >= l.CPUSoft {
		w, todo = w.retire(ReasonCPU, todo)
	}
	return w.settle(todo)
}

func ratio(used, limit int64) float64 { return float64(used) / float64(limit) }

func (w Worker) fired(t Timer) (Worker, []Action) {
	switch t {
	case TimerHalf:
		w, todo := w.retire(ReasonWallClock, nil)
		return w.settle(todo)
	case TimerNinety:
		return w.unload(ReasonWallClock, nil)
	case TimerWall:
		return w.reached(ReasonWallClock)
	case TimerDrain:
		if w.Reason == ReasonTermination {
			return w.end(ReasonTermination, nil)
		}
		w.closing = CloseServiceRestart
		return w.settle([]Action{CloseSockets{CloseServiceRestart}})
	case TimerUnload:
		return w.unloadExpired()
	}
	return w, nil
}

// unloadExpired ends a worker that does not return from beforeunload. One that
// has said that it is at work meanwhile (a Go function's Shutdown counts as a
// task) gets as long as a drain may take.
func (w Worker) unloadExpired() (Worker, []Action) {
	switch more := w.DrainTimeout - unloadGrace; {
	case w.Phase != Ending:
		return w, nil
	case w.Tasks == 0 || w.extended || more <= 0:
		return w.end(w.Reason, nil)
	default:
		w.extended = true
		return w, []Action{Arm{TimerUnload, more}}
	}
}

// retire stops new requests because limit is half used, or softly reached.
// Under per_request there is one request only, so there is nothing to retire.
func (w Worker) retire(limit Reason, todo []Action) (Worker, []Action) {
	if w.Kind == PerRequest || w.Limits.Enforcement != Enforce || w.alerts.has(limit) {
		return w, todo
	}
	w.alerts = w.alerts.with(limit)
	if w.Phase == Active {
		w.Phase = Retired
		todo = append(todo, Note{limit, StageRetired})
	}
	return w, todo
}

// unload dispatches beforeunload once for each reason.
func (w Worker) unload(r Reason, todo []Action) (Worker, []Action) {
	if w.unloads.has(r) || w.Limits.Enforcement != Enforce {
		return w, todo
	}
	w.unloads = w.unloads.with(r)
	w.unanswered++
	return w, append(todo, TellUnload{r})
}

// reached is a hard limit.
func (w Worker) reached(limit Reason) (Worker, []Action) {
	if w.Limits.Enforcement == Enforce {
		return w.end(limit, []Action{Note{limit, StageReached}})
	}
	if w.noted.has(limit) {
		return w, nil
	}
	w.noted = w.noted.with(limit)
	return w, []Action{Note{limit, StageWould}}
}
