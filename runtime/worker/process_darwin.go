package worker

import "syscall"

// processAttributes put the worker into a process group of its own, so that
// all it started can be killed. There is no parent-death signal: the end of
// the control connection does its work.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
