package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"brink/policy"
)

// do carries out one action. The pool's lock is not held.
func (m *member) do(a policy.Action) {
	switch a := a.(type) {
	case policy.Arm:
		m.arm(a.Timer, a.After)
	case policy.TellUnload:
		m.proc.BeforeUnload(a.Reason.String())
	case policy.TellDrain:
		m.proc.Drain(a.Reason.String())
	case policy.CloseSockets:
		m.closeSockets(a.Code)
	case policy.Note:
		m.note(a)
	case policy.End:
		m.end(a.Reason)
	}
}

func (m *member) arm(t policy.Timer, after time.Duration) {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	if old := m.timers[t]; old != nil {
		old.Stop()
	}
	if m.state.Phase != policy.Ended {
		m.timers[t] = time.AfterFunc(after, func() { m.pool.post(m, policy.TimerFired{Timer: t}) })
	}
}

func (m *member) closeSockets(code int) {
	m.pool.mu.Lock()
	open := make([]*socket, 0, len(m.sockets))
	for s := range m.sockets {
		open = append(open, s)
	}
	m.pool.mu.Unlock()
	reason := "service restart"
	if code == policy.CloseGoingAway {
		reason = "going away"
	}
	for _, s := range open {
		s.close(code, reason)
	}
}

// end cancels what runs on the worker, with the reason as its cause, and kills
// the process. The order matters: a request must see the cause before it sees
// its connection go.
func (m *member) end(r policy.Reason) {
	m.cancel(r)
	m.pool.mu.Lock()
	proc := m.proc
	timers := m.timers
	stops := []*time.Timer{m.slow, m.unserved, m.sampler}
	m.pool.mu.Unlock()
	for _, t := range append(stops, timers[:]...) {
		if t != nil {
			t.Stop()
		}
	}
	if proc != nil {
		proc.Kill()
	}
}

// note tells the user about a limit, in the hosted runtime's words first.
func (m *member) note(n policy.Note) {
	u := m.measure()
	l := m.limits
	text := ""
	switch {
	case n.Stage == policy.StageRetired && n.Limit == policy.ReasonWallClock:
		text = fmt.Sprintf("wall clock duration warning: isolate: %s (half of %s is over; new requests get a new worker)", m.id, l.WallClock)
	case n.Stage == policy.StageRetired:
		text = fmt.Sprintf("CPU time soft limit reached: isolate: %s (%s of CPU; new requests get a new worker)", m.id, l.CPUSoft)
	case n.Limit == policy.ReasonWallClock:
		text = fmt.Sprintf("wall clock duration reached: isolate: %s (%s)", m.id, l.WallClock)
	case n.Limit == policy.ReasonCPU:
		text = fmt.Sprintf("CPU time hard limit reached: isolate: %s (%s of %s)", m.id, u.CPU.Round(time.Millisecond), l.CPUHard)
	case n.Limit == policy.ReasonMemory:
		text = fmt.Sprintf("memory limit reached for the worker: isolate: %s (%d MB of %d MB)", m.id, u.Memory/policy.MiB, l.Memory/policy.MiB)
	}
	level, event := slog.LevelError, "error"
	switch n.Stage {
	case policy.StageRetired:
		level, event = slog.LevelWarn, "warning"
	case policy.StageWould:
		level, event = slog.LevelWarn, "warning"
		text = "hosted would have ended this worker: " + text
	}
	m.log(level, event, slog.String("message", text))
}

// log writes one record about m.
func (m *member) log(level slog.Level, event string, attrs ...slog.Attr) {
	attrs = append([]slog.Attr{slog.String("function", m.pool.name), slog.String("worker", m.id)}, attrs...)
	m.pool.s.opts.Logger.LogAttrs(context.Background(), level, event, attrs...)
}
