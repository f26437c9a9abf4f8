package worker

import (
	"syscall"
	"time"
)

// processAttributes put the worker into a process group of its own, so that
// all it started can be killed. There is no parent-death signal: the end of
// the control connection does its work.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// limitCPU does nothing: the limit of a running process cannot be set here.
func limitCPU(int, time.Duration) {}
