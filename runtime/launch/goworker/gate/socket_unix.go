//go:build unix

package gate

import "syscall"

// dial connects to the Unix socket at path. No process that the function
// starts inherits the descriptor.
func dial(path string) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	for {
		err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// read returns what syscall.Read does, 0 at the end and -1 for an error.
func read(fd int, b []byte) int {
	for {
		n, err := syscall.Read(fd, b)
		switch err {
		case nil:
			return n
		case syscall.EINTR:
		default:
			return -1
		}
	}
}

// write writes all of b and says whether it could.
func write(fd int, b []byte) bool {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if err != nil && err != syscall.EINTR {
			return false
		}
		if n > 0 {
			b = b[n:]
		}
	}
	return true
}
