//go:build unix

package gateway

import (
	"net"
	"syscall"
)

// stale says whether the other end of an idle connection has closed it, or
// sent something nobody asked for. It never blocks.
func stale(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	alive := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:])
		alive = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true // never wait for more
	})
	return err != nil || !alive
}
