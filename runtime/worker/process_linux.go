package worker

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processAttributes put the worker into a process group of its own, so that
// all it started can be killed, and have the kernel kill it when brink dies.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// limitCPU has the kernel kill a process that uses more CPU time than d
// (setrlimit(2), RLIMIT_CPU). It is a backstop: what prevents it (a container's
// seccomp filter) is no reason not to run.
func limitCPU(pid int, d time.Duration) {
	if d <= 0 {
		return
	}
	seconds := uint64(max(d/time.Second, 1))
	_ = unix.Prlimit(pid, unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds}, nil)
}
