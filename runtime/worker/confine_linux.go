package worker

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// scopesSince is the version of the Landlock interface that knows scopes
// (Linux 6.12).
const scopesSince = 6

// confineThread has the kernel refuse the calling thread, and all processes it
// starts, abstract Unix sockets of processes outside, such as the X server's or
// a message bus's (landlock(7), LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET). They have
// no path, so that Deno's permission for the network covers them. A kernel
// without Landlock is no reason not to run.
func confineThread() {
	if landlockVersion() < scopesSince {
		return
	}
	attr := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return
	}
	defer unix.Close(int(fd))
	if unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == nil {
		_, _, _ = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0)
	}
}

// landlockVersion is what the kernel offers, 0 for nothing.
func landlockVersion() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}
