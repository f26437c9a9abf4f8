package worker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// procMeter reads /proc through descriptors that stay open: schedstat has the
// CPU time of a thread in nanoseconds (the kernel's sched-stats.rst), statm
// the resident pages (proc(5)).
type procMeter struct {
	mu       sync.Mutex // guards everything below
	sched    []*os.File
	pid      int
	whole    bool // the whole process counts
	statm    *os.File
	started  bool
	cpu0     time.Duration
	resident int64 // baseline
	cpu      time.Duration
	memory   int64
	buf      [256]byte

	all    time.Duration // CPU time of all threads at the last reading
	window time.Time     // start of the current readWindow
	reads  int           // in it
}

// A worker under load is asked for its usage twice for each request. More than
// readMost readings in a readWindow would tell nothing new, and cost a tenth of
// what relaying the request does: the last one is given again.
const (
	readWindow = time.Millisecond
	readMost   = 2
)

var pageSize = int64(os.Getpagesize())

func newMeter(pid int, mainThread bool) meter {
	m := &procMeter{pid: pid, whole: !mainThread}
	// The process was just started and is not reaped yet, so these exist; a
	// nil file reads as zero.
	m.statm, _ = os.Open(fmt.Sprintf("/proc/%d/statm", pid))
	if mainThread {
		if f, err := os.Open(fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, pid)); err == nil {
			m.sched = []*os.File{f}
		}
	}
	return m
}

func (m *procMeter) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cpu0, m.resident = m.cpuNow(), m.residentNow()
	m.started = true
}

func (m *procMeter) read() (time.Duration, int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.started {
		return 0, 0
	}
	if m.crowded(time.Now()) || m.rested() {
		return m.cpu, m.memory
	}
	// A process that is gone reads as zero: what was last seen stays.
	if cpu := m.cpuNow() - m.cpu0; cpu > m.cpu {
		m.cpu = cpu
	}
	if now := m.residentNow(); now > 0 {
		m.memory = max(now-m.resident, 0)
	}
	return m.cpu, m.memory
}

// crowded says whether the current window has had its readings, and counts this
// one if not. mu is held.
func (m *procMeter) crowded(now time.Time) bool {
	if now.Sub(m.window) >= readWindow {
		m.window, m.reads = now, 0
	}
	if m.reads == readMost {
		return true
	}
	m.reads++
	return false
}

// rested says whether no thread has run since the last reading, so that nothing
// can have changed. That is one clock to read instead of two files, which is
// what makes it cheap to watch many idle workers. mu is held.
func (m *procMeter) rested() bool {
	all := processCPU(m.pid)
	same := all != 0 && all == m.all
	m.all = all
	return same
}

func (m *procMeter) cpuNow() time.Duration {
	if m.whole {
		return processCPU(m.pid)
	}
	if len(m.sched) == 0 {
		return 0
	}
	return time.Duration(m.field(m.sched[0], 0))
}

func (m *procMeter) residentNow() int64 { return m.field(m.statm, 1) * pageSize }

// field returns the i-th number of a one-line file.
func (m *procMeter) field(f *os.File, i int) int64 {
	if f == nil {
		return 0
	}
	n, _ := f.ReadAt(m.buf[:], 0)
	fields := bytes.Fields(m.buf[:n])
	if len(fields) <= i {
		return 0
	}
	v, _ := strconv.ParseInt(string(fields[i]), 10, 64)
	return v
}

func (m *procMeter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.sched {
		f.Close()
	}
	m.sched = nil
	if m.statm != nil {
		m.statm.Close()
		m.statm = nil
	}
	m.pid = 0
}
