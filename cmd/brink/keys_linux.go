package main

import "syscall"

// The requests of ioctl_tty(2) that read and set a terminal's settings.
const (
	getTermios = syscall.TCGETS
	setTermios = syscall.TCSETS
)

func selectFds(n int, read *syscall.FdSet) error {
	_, err := syscall.Select(n, read, nil, nil, nil)
	return err
}
