package worker

import "syscall"

// processAttributes put the worker into a process group of its own, so that
// all it started can be killed, and have the kernel kill it when brink dies.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
