package supervisor

import (
	"log/slog"
	"strings"
	"time"

	"brink/policy"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

// reportGrace is how long a process that prints a crash report may go on
// before the report counts as ordinary output: the user's code printed it.
const reportGrace = 500 * time.Millisecond

// keep holds back a line of stderr that is not to be shown as it comes: the
// engine's words before ready, and the report of a crash. The pool's lock is
// held.
func (m *member) keep(line string) bool {
	if m.crash.Begins == nil {
		if !m.ready.IsZero() {
			return false
		}
		if len(m.output) < maxKept {
			m.output = append(m.output, line)
		}
		return true
	}
	switch {
	case len(m.report) >= maxKept:
	case len(m.report) > 0:
		m.report = append(m.report, line)
	case m.crash.Begins(line):
		m.report = []string{line}
		m.unreport = time.AfterFunc(reportGrace, m.survived)
	default:
		return false
	}
	return true
}

// survived shows what was held back of a process that did not end.
func (m *member) survived() {
	m.pool.mu.Lock()
	lines := m.report
	m.report = nil
	m.pool.mu.Unlock()
	for _, line := range lines {
		m.print(worker.Stderr, line)
	}
}

// takeReport returns what is held back when the process has ended. The pool's
// lock is held.
func (m *member) takeReport() string {
	if m.unreport != nil {
		m.unreport.Stop()
	}
	report := strings.Join(m.report, "\n")
	m.report = nil
	return report
}

// explainCrash shows a report in place of a bare "ended by itself".
func (m *member) explainCrash(r policy.Reason, report string) {
	name, message, stack := m.crash.Explain(report)
	phase := wire.PhaseRun
	if r == policy.ReasonEvaluateFailed {
		phase = wire.PhaseEvaluate
	}
	m.pool.with(func() { m.failure = message })
	m.log(slog.LevelError, "fault", slog.String("phase", string(phase)), slog.String("name", name),
		slog.String("message", message), slog.String("stack", stack))
}
