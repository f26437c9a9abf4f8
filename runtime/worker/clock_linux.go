package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

// processCPU returns the CPU time of a whole process in nanoseconds, through
// its CPU clock: the id is made from the pid as clock_getcpuclockid(3) does
// (CPUCLOCK_SCHED is 2). It returns 0 for a process that is gone.
func processCPU(pid int) time.Duration {
	if pid <= 0 {
		return 0
	}
	var ts unix.Timespec
	clock := int32(^pid)<<3 | 2
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
