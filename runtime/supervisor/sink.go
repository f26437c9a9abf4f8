package supervisor

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"brink/policy"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

// sink hears what a worker does.
type sink struct{ m *member }

// Message takes one message of the protocol.
func (s sink) Message(w wire.Message) {
	m, p := s.m, s.m.pool
	switch w.Type {
	case wire.TypeWaiting:
		p.with(func() { m.atGate = true; p.openGate(m) })
	case wire.TypeReady:
		p.with(func() { p.becameReady(m) })
		m.logBooted()
		if m.kind == policy.PerWorker {
			p.topUp()
		}
	case wire.TypeLoaded:
		p.with(func() { p.loaded(m, w.Serving) })
	case wire.TypeLog:
		m.log(slog.LevelInfo, "log", slog.String("request_id", w.RequestID),
			slog.String("level", string(w.Level)), slog.String("message", w.Text), slog.Any("hosted", hostedLog(w)))
	case wire.TypeTasks:
		p.post(m, policy.TasksChanged{Pending: w.Pending})
	case wire.TypeMemory:
		p.with(func() {
			m.heap, m.external, m.asking = w.Heap, w.External, false
			m.accounted.cpu, m.accounted.resident = m.cpu, m.resident
			m.reported = w.Heap + w.External
			m.record(m.cpu, m.resident)
		})
	case wire.TypeClosing:
		p.post(m, policy.UnloadReturned{})
	case wire.TypeFault:
		s.fault(w)
	}
}

// with runs f under the lock and carries out what came of it.
func (p *pool) with(f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	p.carry()
}

func (s sink) fault(w wire.Message) {
	s.m.pool.with(func() {
		s.m.failure = w.Text
		// A language that reports its crashes may survive what it calls a fault.
		s.m.faulted = s.m.faulted || w.Phase != wire.PhaseRun || s.m.crash.Begins == nil
		switch w.Phase {
		case wire.PhaseLoad:
			s.m.faultAt = policy.ReasonLoadFailed
		case wire.PhaseEvaluate:
			s.m.faultAt = policy.ReasonEvaluateFailed
		}
	})
	attrs := []slog.Attr{
		slog.String("phase", string(w.Phase)), slog.String("name", w.Name),
		slog.String("message", w.Text), slog.String("stack", w.Stack),
	}
	if w.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", w.RequestID))
	}
	s.m.log(slog.LevelError, "fault", attrs...)
}

// loaded starts the short wait for something that listens. mu is held.
func (p *pool) loaded(m *member, serving bool) {
	if serving || !m.ready.IsZero() || m.state.Phase != policy.Booting {
		return
	}
	m.unserved = time.AfterFunc(policy.NotServingGrace, func() { p.notServing(m) })
}

// stillLoading tells of code that does not get done with its top level.
func (m *member) stillLoading() {
	m.pool.mu.Lock()
	loading := m.ready.IsZero() && m.state.Phase == policy.Booting
	m.pool.mu.Unlock()
	if loading {
		m.log(slog.LevelWarn, "hint", slog.String("message", fmt.Sprintf(
			"%s has been loading for %s and serves nothing yet: a top-level await that does not end?", m.pool.name, policy.SlowBoot)))
	}
}

func (p *pool) notServing(m *member) {
	p.mu.Lock()
	mute := m.ready.IsZero() && m.state.Phase == policy.Booting
	if mute {
		m.mute = true
		p.apply(m, policy.Discarded{})
		p.place()
	}
	p.mu.Unlock()
	if mute {
		m.log(slog.LevelError, "error", slog.String("message",
			p.name+" loaded but serves nothing: export default { fetch } or call Deno.serve"))
	}
	p.carry()
}

// Output takes one line that the process printed by itself. Until the worker
// is ready, stderr is the engine's: downloads, or what it has against the
// user's code, which Exited shows in one piece.
func (s sink) Output(stream worker.Stream, line string) {
	m, p := s.m, s.m.pool
	if rest, ok := strings.CutPrefix(line, "Download "); ok && stream == worker.Stderr {
		m.log(slog.LevelInfo, "progress", slog.String("message", "downloading "+rest))
		return
	}
	p.mu.Lock()
	kept := stream == worker.Stderr && m.keep(line)
	p.mu.Unlock()
	if !kept {
		m.print(stream, line)
	}
}

// print shows a line that the process printed by itself.
func (m *member) print(stream worker.Stream, line string) {
	level := wire.LevelInfo
	if stream == worker.Stderr {
		level = wire.LevelError
	}
	m.log(slog.LevelInfo, "log", slog.String("level", string(level)), slog.String("message", line))
}

// maxKept bounds the lines kept of a worker that never becomes ready.
const maxKept = 1000

// Exited takes the end of the process.
func (s sink) Exited(e worker.Exit) {
	m, p := s.m, s.m.pool
	p.mu.Lock()
	before := m.state.Phase
	reason := m.exitReason(e)
	p.apply(m, policy.Exited{Reason: reason})
	unasked := before == policy.Spare && !m.wanted
	if unasked {
		p.noSpare = true
	}
	if reason == policy.ReasonCrashed && before != policy.Ended {
		p.crashed()
	}
	output, report := strings.Join(m.output, "\n"), m.takeReport()
	p.place()
	p.mu.Unlock()
	// What keeps a spare from starting is for the worker to say that a request
	// asks for, or was said by Prepare.
	if before != policy.Ended && !unasked {
		m.explain(e, reason, output, report)
	}
	p.carry()
	m.logEnded(e)
	p.s.wg.Done()
}

// exitReason says how an exit that nobody asked for looks. mu is held.
func (m *member) exitReason(e worker.Exit) policy.Reason {
	booting := m.ready.IsZero()
	switch {
	case e.OutOfMemory && m.limits.Enforcement == policy.Enforce:
		return policy.ReasonMemory
	case booting && m.faultAt != policy.ReasonNone:
		return m.faultAt
	case booting && m.state.Phase == policy.Booting && len(m.output) == 0 && e.Err == nil:
		// It read the code and left without the engine's saying why: it called
		// exit, or its language's runtime ended it.
		return policy.ReasonEvaluateFailed
	case booting:
		return policy.ReasonLoadFailed
	}
	return policy.ReasonCrashed
}

// explain tells the user why a worker ended by itself, once.
func (m *member) explain(e worker.Exit, r policy.Reason, output, report string) {
	switch {
	case report != "" && r != policy.ReasonMemory:
		m.explainCrash(r, report)
	case r == policy.ReasonMemory:
		m.note(policy.Note{Limit: r, Stage: policy.StageReached})
	case m.faulted:
	case r == policy.ReasonLoadFailed || r == policy.ReasonEvaluateFailed:
		phase := wire.PhaseLoad
		if r == policy.ReasonEvaluateFailed {
			phase = wire.PhaseEvaluate
		}
		name, message := "", "the worker ended before it served anything: "+e.String()
		if output != "" {
			name, message = m.pool.s.opts.Explain(output)
			m.pool.with(func() { m.failure = message })
		}
		m.log(slog.LevelError, "fault", slog.String("phase", string(phase)), slog.String("name", name), slog.String("message", message))
	default:
		m.log(slog.LevelError, "error", slog.String("message", "the worker ended by itself: "+e.String()))
	}
}

// hosted is an event in the shape that the hosted runtime gives its event
// worker (edge-runtime's ext/event_worker): times in ms, memory in bytes.
type hosted struct {
	Type  string         `json:"event_type"`
	Event map[string]any `json:"event"`
}

// hostedLog is a console line as the hosted runtime's Log event has it.
func hostedLog(w wire.Message) hosted {
	level := map[wire.Level]string{wire.LevelDebug: "Debug", wire.LevelWarn: "Warning", wire.LevelError: "Error"}[w.Level]
	return hosted{"Log", map[string]any{"msg": w.Text, "level": cmp.Or(level, "Info")}}
}

func (m *member) logBooted() {
	m.pool.mu.Lock()
	took := m.ready.Sub(m.opened)
	m.pool.mu.Unlock()
	m.log(slog.LevelInfo, "worker", slog.String("state", "booted"), slog.Float64("boot_ms", ms(took)),
		slog.Any("hosted", hosted{"Boot", map[string]any{"boot_time": took.Milliseconds()}}))
}

// logEnded writes the worker's whole account.
func (m *member) logEnded(e worker.Exit) {
	m.pool.mu.Lock()
	u := m.record(m.cpu, 0)
	r := m.state.Reason
	requests, sockets, opened := m.requests, m.opens, !m.opened.IsZero()
	shape := m.hostedEnd(r, u, e)
	m.pool.mu.Unlock()
	if !opened {
		m.log(slog.LevelDebug, "worker", slog.String("state", "ended"), slog.String("reason", r.String()))
		return
	}
	m.log(slog.LevelInfo, "worker", slog.String("state", "ended"), slog.String("reason", r.String()),
		slog.Float64("cpu_ms", ms(u.CPU)), slog.Int64("memory_bytes", u.Peak), slog.Float64("age_ms", ms(u.Wall)),
		slog.Int("requests", requests), slog.Int("sockets", sockets), slog.String("exit", e.String()), slog.Any("hosted", shape))
}

// hostedEnd is the one terminal event that the hosted runtime has for each
// worker. The pool's lock is held.
func (m *member) hostedEnd(r policy.Reason, u policy.Usage, e worker.Exit) hosted {
	switch r {
	case policy.ReasonLoadFailed:
		return hosted{"BootFailure", map[string]any{"msg": cmp.Or(m.failure, e.String())}}
	case policy.ReasonEvaluateFailed, policy.ReasonCrashed:
		return hosted{"UncaughtException", map[string]any{"exception": cmp.Or(m.failure, e.String()), "cpu_time_used": u.CPU.Milliseconds()}}
	}
	return hosted{"Shutdown", map[string]any{
		"reason": r.ShutdownName(), "cpu_time_used": u.CPU.Milliseconds(),
		"memory_used": map[string]int64{"total": u.Peak, "heap": m.heap, "external": m.external},
	}}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
