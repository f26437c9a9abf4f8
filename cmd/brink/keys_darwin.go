package main

import "syscall"

// The requests of tty(4) that read and set a terminal's settings.
const (
	getTermios = syscall.TIOCGETA
	setTermios = syscall.TIOCSETA
)

func selectFds(n int, read *syscall.FdSet) error {
	return syscall.Select(n, read, nil, nil, nil)
}
