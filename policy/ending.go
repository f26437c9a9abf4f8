package policy

import "time"

// How a worker's life is brought to an end, politely or not.

func (w Worker) replaced() (Worker, []Action) {
	switch {
	case w.Phase == Spare:
		return w.end(ReasonUnused, nil)
	case w.Reason != ReasonNone:
		return w, nil
	case w.Kind == PerRequest:
		// Its one request is the reason it exists: it finishes.
		return w, nil
	case w.Phase == Booting:
		// It may have read code from before the restart, and nobody has it yet.
		return w.end(ReasonRestarted, nil)
	}
	w.Reason = ReasonRestarted
	w.Phase = Retired
	return w.settle([]Action{Arm{TimerDrain, w.DrainTimeout}})
}

func (w Worker) terminated(grace time.Duration) (Worker, []Action) {
	if w.Phase == Spare || w.Phase == Booting && w.InFlight == 0 {
		return w.end(ReasonTermination, nil)
	}
	if w.Phase == Ending || w.Reason == ReasonTermination {
		return w, nil
	}
	w.Reason = ReasonTermination
	w.Phase = Retired
	w.closing = CloseGoingAway
	return w.settle([]Action{CloseSockets{CloseGoingAway}, Arm{TimerDrain, grace}})
}

// rehearsed ends the worker as the real thing would. The limits and a crash
// take what is in flight along; early_drop and termination wait for it.
func (w Worker) rehearsed(r Reason) (Worker, []Action) {
	switch {
	case w.Phase == Spare || w.Phase == Ending:
		return w, nil
	case r.IsLimit():
		return w.end(r, []Action{Note{r, StageReached}})
	case r == ReasonEarlyDrop:
		return w.rehearsedDrop()
	case r == ReasonTermination:
		return w.terminated(w.DrainTimeout)
	}
	return w.end(r, nil)
}

// rehearsedDrop has the worker dropped as hosted does: once nothing is in
// flight and no background task is left, whatever sockets are open. Under
// per_request the response's end is that drop already.
func (w Worker) rehearsedDrop() (Worker, []Action) {
	if w.Kind == PerRequest {
		return w, nil
	}
	w.alerts = w.alerts.with(ReasonEarlyDrop)
	if w.Phase == Active {
		w.Phase = Retired
	}
	return w.settle(nil)
}

// settle tells a retired worker once that its last request is over, and ends a
// worker that may go and has nothing left to do.
func (w Worker) settle(todo []Action) (Worker, []Action) {
	if w.Phase == Retired && w.InFlight == 0 && !w.drained {
		w.drained = true
		todo = append(todo, TellDrain{w.dropReason()})
	}
	if w.Phase != Active && w.Phase != Retired || !w.mayDrop() {
		return w, todo
	}
	return w.drop(w.dropReason(), todo)
}

func (w Worker) dropReason() Reason {
	if w.Reason == ReasonNone {
		return ReasonEarlyDrop
	}
	return w.Reason
}

// mayDrop is "alert and idle" of the hosted runtime, with brink's difference:
// unless parity is strict, open sockets keep a worker until a hard limit.
func (w Worker) mayDrop() bool {
	if w.InFlight > 0 || w.Tasks > 0 {
		return false
	}
	if w.alerts.has(ReasonEarlyDrop) { // a rehearsal
		return true
	}
	if w.Reason != ReasonNone {
		return w.Sockets == 0
	}
	return w.alerts != 0 && (w.Sockets == 0 || w.Parity == ParityStrict)
}

// drop tells the worker by beforeunload and ends it once that has returned.
func (w Worker) drop(r Reason, todo []Action) (Worker, []Action) {
	w.Phase = Ending
	w.Reason = r
	w.unanswered++
	return w, append(todo, TellUnload{ReasonEarlyDrop}, Arm{TimerUnload, unloadGrace})
}

func (w Worker) unloaded() (Worker, []Action) {
	if w.unanswered > 0 {
		w.unanswered--
	}
	if w.Phase == Ending && w.unanswered == 0 {
		return w.end(w.Reason, nil)
	}
	return w, nil
}

func (w Worker) end(r Reason, todo []Action) (Worker, []Action) {
	w.Phase = Ended
	w.Reason = r
	return w, append(todo, End{r})
}
