//go:build !linux

package worker

import (
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// psMeter asks the system for the whole process; a thread's share cannot be
// told apart here.
type psMeter struct {
	mu       sync.Mutex // guards everything below
	p        *process.Process
	started  bool
	cpu0     time.Duration
	resident int64
	cpu      time.Duration
	memory   int64
}

func newMeter(pid int, _ bool) meter {
	// A process that is gone already reads as zero.
	p, _ := process.NewProcess(int32(pid))
	return &psMeter{p: p}
}

func (m *psMeter) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cpu0, m.resident = m.now()
	m.started = true
}

func (m *psMeter) read() (time.Duration, int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.started {
		return 0, 0
	}
	cpu, resident := m.now()
	m.cpu = max(m.cpu, cpu-m.cpu0)
	if resident > 0 {
		m.memory = max(resident-m.resident, 0)
	}
	return m.cpu, m.memory
}

func (m *psMeter) now() (cpu time.Duration, resident int64) {
	if m.p == nil {
		return 0, 0
	}
	if t, err := m.p.Times(); err == nil {
		cpu = time.Duration((t.User + t.System) * float64(time.Second))
	}
	if info, err := m.p.MemoryInfo(); err == nil {
		resident = int64(info.RSS)
	}
	return cpu, resident
}

func (m *psMeter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p = nil
}
