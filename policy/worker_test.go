package policy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// limits are round numbers: wall 400 s, CPU 1 s and 2 s, memory 200 MiB.
func limits(e Enforcement) Limits {
	return Limits{
		Enforcement: e, WallClock: 400 * time.Second,
		CPUSoft: time.Second, CPUHard: 2 * time.Second, Memory: 200 * MiB,
	}
}

func shared() Worker {
	return Worker{Kind: PerWorker, Limits: limits(Enforce), DrainTimeout: 10 * time.Second}
}

func single() Worker {
	w := shared()
	w.Kind = PerRequest
	return w
}

func strict() Worker {
	w := shared()
	w.Parity = ParityStrict
	return w
}

func enforcing(w Worker, e Enforcement) Worker {
	w.Limits.Enforcement = e
	return w
}

var (
	opened = []Event{GateOpened{}}
	ready  = []Event{GateOpened{}, BecameReady{}}
	busy   = []Event{GateOpened{}, BecameReady{}, RequestStarted{}}
	idle   = []Event{GateOpened{}, BecameReady{}, RequestStarted{}, RequestEnded{}}
	socket = []Event{GateOpened{}, BecameReady{}, RequestStarted{}, SocketOpened{}}
)

func after(events []Event, more ...Event) []Event {
	return append(append([]Event{}, events...), more...)
}

// drop is how a worker with nothing left to do is ended.
func drop(r Reason, before ...Action) []Action {
	return append(before, TellDrain{r}, TellUnload{ReasonEarlyDrop}, Arm{TimerUnload, unloadGrace})
}

// TestWorkerActions has one row for each line of the hosted state machine
// (edge-runtime's supervisor/strategy_per_worker.rs), for brink's own
// differences, and for per_request.
func TestWorkerActions(t *testing.T) {
	cpu := func(d time.Duration) Event { return Sampled{CPU: d} }
	mem := func(mib int64) Event { return Sampled{Reported: mib * MiB} }
	rows := []struct {
		name   string
		worker Worker
		events []Event
		want   []Action // of the last event
		phase  Phase
		reason Reason
	}{
		{"boot arms half, 90 % and the whole wall clock", shared(), opened,
			[]Action{Arm{TimerHalf, 200 * time.Second}, Arm{TimerNinety, 360 * time.Second}, Arm{TimerWall, 400 * time.Second}}, Booting, ReasonNone},
		{"no wall clock arms nothing", enforcing(shared(), Off), opened, nil, Booting, ReasonNone},
		{"ready makes it active", shared(), ready, nil, Active, ReasonNone},
		{"an idle worker within its limits lives on", shared(), idle, nil, Active, ReasonNone},

		{"t0+W/2 with a request in flight retires", shared(), after(busy, TimerFired{TimerHalf}),
			[]Action{Note{ReasonWallClock, StageRetired}}, Retired, ReasonNone},
		{"t0+W/2 idle is an early drop", shared(), after(idle, TimerFired{TimerHalf}),
			drop(ReasonEarlyDrop, Note{ReasonWallClock, StageRetired}), Ending, ReasonEarlyDrop},
		{"retired, then its last request ends: drain and early drop", shared(), after(busy, TimerFired{TimerHalf}, RequestEnded{}),
			drop(ReasonEarlyDrop), Ending, ReasonEarlyDrop},
		{"retired with a background task: drain, kept", shared(), after(busy, TasksChanged{1}, TimerFired{TimerHalf}, RequestEnded{}),
			[]Action{TellDrain{ReasonEarlyDrop}}, Retired, ReasonNone},
		{"retired, then its last task settles: early drop", shared(), after(busy, TasksChanged{1}, TimerFired{TimerHalf}, RequestEnded{}, TasksChanged{0}),
			[]Action{TellUnload{ReasonEarlyDrop}, Arm{TimerUnload, unloadGrace}}, Ending, ReasonEarlyDrop},
		{"t0+W/2 with an open socket, relaxed: kept", shared(), after(socket, TimerFired{TimerHalf}),
			[]Action{Note{ReasonWallClock, StageRetired}, TellDrain{ReasonEarlyDrop}}, Retired, ReasonNone},
		{"its socket closes after that: early drop", shared(), after(socket, TimerFired{TimerHalf}, SocketClosed{}),
			[]Action{TellUnload{ReasonEarlyDrop}, Arm{TimerUnload, unloadGrace}}, Ending, ReasonEarlyDrop},
		{"t0+W/2 with an open socket, strict: dropped", strict(), after(socket, TimerFired{TimerHalf}),
			drop(ReasonEarlyDrop, Note{ReasonWallClock, StageRetired}), Ending, ReasonEarlyDrop},
		{"t0+W/2 with an open socket and a task, strict: kept", strict(), after(socket, TasksChanged{1}, TimerFired{TimerHalf}),
			[]Action{Note{ReasonWallClock, StageRetired}, TellDrain{ReasonEarlyDrop}}, Retired, ReasonNone},
		{"beforeunload returned: ended", shared(), after(idle, TimerFired{TimerHalf}, UnloadReturned{}),
			[]Action{End{ReasonEarlyDrop}}, Ended, ReasonEarlyDrop},
		{"beforeunload hangs: ended all the same", shared(), after(idle, TimerFired{TimerHalf}, TimerFired{TimerUnload}),
			[]Action{End{ReasonEarlyDrop}}, Ended, ReasonEarlyDrop},

		{"beforeunload is at work: it has the drain timeout", shared(), after(idle, RestartAsked{}, TasksChanged{1}, TimerFired{TimerUnload}),
			[]Action{Arm{TimerUnload, 9 * time.Second}}, Ending, ReasonRestarted},
		{"its work is done: ended", shared(), after(idle, RestartAsked{}, TasksChanged{1}, TimerFired{TimerUnload}, TasksChanged{0}, UnloadReturned{}),
			[]Action{End{ReasonRestarted}}, Ended, ReasonRestarted},
		{"its work goes on: ended all the same", shared(), after(idle, RestartAsked{}, TasksChanged{1}, TimerFired{TimerUnload}, TimerFired{TimerUnload}),
			[]Action{End{ReasonRestarted}}, Ended, ReasonRestarted},
		{"a limit ends it before", shared(), after(idle, RestartAsked{}, TasksChanged{1}, TimerFired{TimerUnload}, cpu(2*time.Second)),
			[]Action{Note{ReasonCPU, StageReached}, End{ReasonCPU}}, Ended, ReasonCPU},

		{"t0+W*0.9 dispatches beforeunload", shared(), after(busy, TimerFired{TimerNinety}),
			[]Action{TellUnload{ReasonWallClock}}, Active, ReasonNone},
		{"beforeunload is dispatched once for each reason", shared(), after(busy, TimerFired{TimerNinety}, TimerFired{TimerNinety}), nil, Active, ReasonNone},
		{"t0+W kills", shared(), after(busy, TimerFired{TimerWall}),
			[]Action{Note{ReasonWallClock, StageReached}, End{ReasonWallClock}}, Ended, ReasonWallClock},
		{"t0+W kills a worker that never got ready", shared(), after(opened, TimerFired{TimerWall}),
			[]Action{Note{ReasonWallClock, StageReached}, End{ReasonWallClock}}, Ended, ReasonWallClock},

		{"cpu>=soft retires", shared(), after(busy, cpu(time.Second)),
			[]Action{Note{ReasonCPU, StageRetired}}, Retired, ReasonNone},
		{"cpu>=soft idle is an early drop", shared(), after(idle, cpu(time.Second)),
			drop(ReasonEarlyDrop, Note{ReasonCPU, StageRetired}), Ending, ReasonEarlyDrop},
		{"cpu>=hard*0.9 dispatches beforeunload", shared(), after(busy, cpu(time.Second), cpu(1800*time.Millisecond)),
			[]Action{TellUnload{ReasonCPU}}, Retired, ReasonNone},
		{"cpu>=hard kills", shared(), after(busy, cpu(2*time.Second)),
			[]Action{Note{ReasonCPU, StageReached}, End{ReasonCPU}}, Ended, ReasonCPU},
		{"cpu>=hard kills while the user's code loads", shared(), after(opened, cpu(2*time.Second)),
			[]Action{Note{ReasonCPU, StageReached}, End{ReasonCPU}}, Ended, ReasonCPU},
		{"cpu>=soft while booting does not starve who waits", shared(), after(opened, cpu(time.Second), BecameReady{}), nil, Active, ReasonNone},

		{"mem>=limit/2 with a request in flight changes nothing", shared(), after(busy, mem(100)), nil, Active, ReasonNone},
		{"mem>=limit/2 is an early drop as soon as idle", shared(), after(busy, mem(100), RequestEnded{}),
			[]Action{TellUnload{ReasonEarlyDrop}, Arm{TimerUnload, unloadGrace}}, Ending, ReasonEarlyDrop},
		{"memory that shrinks again raises no alert", shared(), after(busy, mem(100), mem(50), RequestEnded{}), nil, Active, ReasonNone},
		{"mem>=limit*0.9 dispatches beforeunload", shared(), after(busy, mem(180)), []Action{TellUnload{ReasonMemory}}, Active, ReasonNone},
		{"mem>=limit kills", shared(), after(busy, mem(200)),
			[]Action{Note{ReasonMemory, StageReached}, End{ReasonMemory}}, Ended, ReasonMemory},
		{"resident memory alone has slack", shared(), after(busy, Sampled{Resident: 210 * MiB, Reported: 20 * MiB}),
			[]Action{}, Active, ReasonNone},
		{"resident memory past the slack kills", shared(), after(busy, Sampled{Resident: 232 * MiB}),
			[]Action{Note{ReasonMemory, StageReached}, End{ReasonMemory}}, Ended, ReasonMemory},

		{"request end within limits changes nothing", shared(), after(busy, RequestEnded{}), nil, Active, ReasonNone},
		{"a 101 ends the request, not the worker", shared(), socket, nil, Active, ReasonNone},

		{"shutdown, idle: drain and end", shared(), after(idle, TerminationAsked{15 * time.Second}),
			drop(ReasonTermination, CloseSockets{CloseGoingAway}, Arm{TimerDrain, 15 * time.Second}), Ending, ReasonTermination},
		{"shutdown waits for what is in flight", shared(), after(busy, TerminationAsked{15 * time.Second}),
			[]Action{CloseSockets{CloseGoingAway}, Arm{TimerDrain, 15 * time.Second}}, Retired, ReasonTermination},
		{"shutdown, its grace over: killed", shared(), after(busy, TerminationAsked{15 * time.Second}, TimerFired{TimerDrain}),
			[]Action{End{ReasonTermination}}, Ended, ReasonTermination},
		{"shutdown closes a socket that opens meanwhile", shared(), after(busy, TerminationAsked{15 * time.Second}, SocketOpened{}),
			[]Action{CloseSockets{CloseGoingAway}, TellDrain{ReasonTermination}}, Retired, ReasonTermination},
		{"so does the drain timeout", shared(), after(busy, RestartAsked{}, TimerFired{TimerDrain}, SocketOpened{}),
			[]Action{CloseSockets{CloseServiceRestart}, TellDrain{ReasonRestarted}}, Retired, ReasonRestarted},
		{"shutdown ends a spare at once", shared(), []Event{TerminationAsked{}}, []Action{End{ReasonTermination}}, Ended, ReasonTermination},

		{"restart, idle: drain and end", shared(), after(idle, RestartAsked{}),
			drop(ReasonRestarted, Arm{TimerDrain, 10 * time.Second}), Ending, ReasonRestarted},
		{"restart keeps sockets until the drain timeout", shared(), after(socket, RestartAsked{}),
			[]Action{Arm{TimerDrain, 10 * time.Second}, TellDrain{ReasonRestarted}}, Retired, ReasonRestarted},
		{"drain timeout closes sockets with 1012", shared(), after(socket, RestartAsked{}, TimerFired{TimerDrain}),
			[]Action{CloseSockets{CloseServiceRestart}}, Retired, ReasonRestarted},
		{"then the last socket's end is the worker's", shared(), after(socket, RestartAsked{}, TimerFired{TimerDrain}, SocketClosed{}),
			[]Action{TellUnload{ReasonEarlyDrop}, Arm{TimerUnload, unloadGrace}}, Ending, ReasonRestarted},
		{"restart ends a booting worker: it may have read old code", shared(), after(opened, RestartAsked{}),
			[]Action{End{ReasonRestarted}}, Ended, ReasonRestarted},
		{"a second restart changes nothing", shared(), after(socket, RestartAsked{}, RestartAsked{}), nil, Retired, ReasonRestarted},
		{"restart discards a spare", shared(), []Event{RestartAsked{}}, []Action{End{ReasonUnused}}, Ended, ReasonUnused},

		{"crash", shared(), after(busy, Exited{ReasonCrashed}), []Action{End{ReasonCrashed}}, Ended, ReasonCrashed},
		{"nothing happens to an ended worker", shared(), after(busy, Exited{ReasonCrashed}, TimerFired{TimerWall}), nil, Ended, ReasonCrashed},

		{"warn: hard limits are reported once", enforcing(shared(), Warn), after(busy, cpu(2*time.Second)),
			[]Action{Note{ReasonCPU, StageWould}}, Active, ReasonNone},
		{"warn: and not twice", enforcing(shared(), Warn), after(busy, cpu(2*time.Second), cpu(3*time.Second)), nil, Active, ReasonNone},
		{"warn: half the wall clock retires nobody", enforcing(shared(), Warn), after(busy, TimerFired{TimerHalf}), nil, Active, ReasonNone},
		{"off: samples are ignored", enforcing(shared(), Off), after(busy, cpu(time.Hour)), nil, Active, ReasonNone},

		{"per_request ends with its response", single(), idle, []Action{End{ReasonRequestEnded}}, Ended, ReasonRequestEnded},
		{"per_request ends with a 101", single(), socket, []Action{End{ReasonRequestEnded}}, Ended, ReasonRequestEnded},
		{"per_request does not wait for tasks", single(), after(busy, TasksChanged{1}, RequestEnded{}), []Action{End{ReasonRequestEnded}}, Ended, ReasonRequestEnded},
		{"per_request knows no half time", single(), after(busy, TimerFired{TimerHalf}), nil, Active, ReasonNone},
		{"per_request knows no soft limit", single(), after(busy, cpu(time.Second)), nil, Active, ReasonNone},
		{"per_request: the wall clock is the request's", single(), after(busy, TimerFired{TimerWall}),
			[]Action{Note{ReasonWallClock, StageReached}, End{ReasonWallClock}}, Ended, ReasonWallClock},
		{"per_request: a restart lets the request finish", single(), after(busy, RestartAsked{}), nil, Active, ReasonNone},

		{"rehearsed limit", shared(), after(busy, EndAsked{ReasonCPU}), []Action{Note{ReasonCPU, StageReached}, End{ReasonCPU}}, Ended, ReasonCPU},
		{"rehearsed crash", shared(), after(busy, EndAsked{ReasonCrashed}), []Action{End{ReasonCrashed}}, Ended, ReasonCrashed},
		{"rehearsed early drop drops sockets, as hosted", shared(), after(socket, EndAsked{ReasonEarlyDrop}), drop(ReasonEarlyDrop), Ending, ReasonEarlyDrop},
		{"rehearsed early drop waits for the request", shared(), after(busy, EndAsked{ReasonEarlyDrop}), nil, Retired, ReasonNone},
		{"and comes with its end", shared(), after(busy, EndAsked{ReasonEarlyDrop}, RequestEnded{}), drop(ReasonEarlyDrop), Ending, ReasonEarlyDrop},
		{"rehearsed early drop waits for tasks", shared(), after(idle, TasksChanged{1}, EndAsked{ReasonEarlyDrop}),
			[]Action{TellDrain{ReasonEarlyDrop}}, Retired, ReasonNone},
		{"rehearsed early drop lets a booting worker answer who waits", shared(), after(opened, EndAsked{ReasonEarlyDrop}, BecameReady{}), nil, Active, ReasonNone},
		{"rehearsed early drop of a drained worker drops its sockets", shared(), after(socket, RestartAsked{}, EndAsked{ReasonEarlyDrop}),
			[]Action{TellUnload{ReasonEarlyDrop}, Arm{TimerUnload, unloadGrace}}, Ending, ReasonRestarted},
		{"rehearsed early drop under per_request is the response's end", single(), after(busy, EndAsked{ReasonEarlyDrop}), nil, Active, ReasonNone},
		{"rehearsed termination under per_request waits for the response", single(), after(busy, EndAsked{ReasonTermination}),
			[]Action{CloseSockets{CloseGoingAway}, Arm{TimerDrain, 10 * time.Second}}, Retired, ReasonTermination},
		{"and ends with it", single(), after(busy, EndAsked{ReasonTermination}, RequestEnded{}), []Action{End{ReasonRequestEnded}}, Ended, ReasonRequestEnded},
		{"or when its time is over", single(), after(busy, EndAsked{ReasonTermination}, TimerFired{TimerDrain}), []Action{End{ReasonTermination}}, Ended, ReasonTermination},
		{"rehearsed limit while booting", shared(), after(opened, EndAsked{ReasonMemory}),
			[]Action{Note{ReasonMemory, StageReached}, End{ReasonMemory}}, Ended, ReasonMemory},
		{"a rehearsal leaves spares alone", shared(), []Event{EndAsked{ReasonCPU}}, nil, Spare, ReasonNone},
		{"a spare nobody needs", shared(), []Event{Discarded{}}, []Action{End{ReasonUnused}}, Ended, ReasonUnused},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := row.worker
			var got []Action
			for _, ev := range row.events {
				w, got = w.Apply(ev)
			}
			if len(got)+len(row.want) > 0 && !reflect.DeepEqual(got, row.want) {
				t.Errorf("actions\n got %s\nwant %s", show(got), show(row.want))
			}
			if w.Phase != row.phase || w.Reason != row.reason {
				t.Errorf("got %v (%v), want %v (%v)", w.Phase, w.Reason, row.phase, row.reason)
			}
		})
	}
}

func show(actions []Action) string {
	var s strings.Builder
	for _, a := range actions {
		s.WriteString(fmt.Sprintf("%T%+v ", a, a))
	}
	return s.String()
}

func TestUnloadWaitsForEveryDispatch(t *testing.T) {
	w := shared()
	for _, ev := range after(busy, TimerFired{TimerNinety}, TimerFired{TimerHalf}, RequestEnded{}) {
		w, _ = w.Apply(ev)
	}
	w, _ = w.Apply(UnloadReturned{}) // of wall_clock
	if w.Phase != Ending {
		t.Fatalf("got %v after the first of two listeners returned, want ending", w.Phase)
	}
	if w, _ = w.Apply(UnloadReturned{}); w.Phase != Ended {
		t.Fatalf("got %v, want ended", w.Phase)
	}
}

func TestAcceptsOneRequestUnderPerRequestManyUnderPerWorker(t *testing.T) {
	for _, row := range []struct {
		w    Worker
		want bool
	}{{shared(), true}, {single(), false}} {
		w := row.w
		for _, ev := range busy {
			w, _ = w.Apply(ev)
		}
		if w.Accepts() != row.want {
			t.Errorf("%v with a request in flight accepts: %v", w.Kind, w.Accepts())
		}
	}
}
