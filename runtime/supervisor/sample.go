package supervisor

import (
	"time"

	"brink/policy"
)

const (
	// askEvery is how often a worker is asked for its own account of memory
	// while it works, or uses more than half of its limit. Resident memory does
	// not show everything: pages of a buffer that were never touched count when
	// hosted.
	askEvery = 250 * time.Millisecond
	// askMost is the longest pause between questions to one that is idle; a
	// question costs it a fifth of a millisecond of CPU.
	askMost = 30 * time.Second
	// askWork is the CPU time that tells work from answering a question.
	askWork = time.Millisecond
	// askGrowth is the part of its limit by which a worker may grow before it
	// is asked again: it has to be heard between 90 % and the limit.
	askGrowth = 32
)

// startSampling looks at the worker until it ends. mu is held.
func (p *pool) startSampling(m *member) {
	if m.limits.Enforcement == policy.Off {
		return
	}
	m.pause = policy.SampleAfter(time.Hour, 0, 0)
	m.sampler = time.AfterFunc(m.pause, func() { p.sample(m) })
}

// quicken looks at a worker that just got work soon. mu is held.
func (p *pool) quicken(m *member) {
	m.askPause = askEvery
	if first := policy.SampleAfter(time.Hour, 0, 0); m.sampler != nil && m.pause > 4*first {
		m.pause = first
		m.sampler.Reset(first)
	}
}

func (p *pool) sample(m *member) {
	cpu, resident := m.proc.Sample()
	p.mu.Lock()
	if m.state.Phase == policy.Ended {
		p.mu.Unlock()
		return
	}
	used := cpu - m.cpu
	m.record(cpu, resident)
	p.apply(m, policy.Sampled{CPU: cpu, Resident: resident, Reported: m.reported})
	p.ask(m, resident)
	m.pause = policy.SampleAfter(used, cpuLeft(m.limits, cpu), m.pause)
	m.sampler.Reset(policy.SampleTogether(time.Duration(time.Now().UnixNano()), m.pause))
	p.place()
	p.mu.Unlock()
	p.carry()
}

// cpuLeft returns the CPU time until the next threshold.
func cpuLeft(l policy.Limits, cpu time.Duration) time.Duration {
	if cpu < l.CPUSoft {
		return l.CPUSoft - cpu
	}
	if l.CPUHard > 0 {
		return max(l.CPUHard-cpu, 0)
	}
	return time.Hour
}

// ask has a worker account for its memory, less and less often while it does
// nothing. One that does not answer is not asked again: it does not read, and
// a full socket would block. mu is held.
func (p *pool) ask(m *member, resident int64) {
	limit := m.limits.Memory
	if limit <= 0 || m.asking {
		return
	}
	much := max(resident, m.reported) >= limit/2
	if much || m.cpu-m.accounted.cpu >= askWork {
		m.askPause = askEvery
	}
	if grows := much && resident-m.accounted.resident >= limit/askGrowth; !grows && time.Since(m.asked) < m.askPause {
		return
	}
	m.asked, m.asking, m.askPause = time.Now(), true, min(2*m.askPause, askMost)
	p.later(m, m.proc.AskMemory)
}
