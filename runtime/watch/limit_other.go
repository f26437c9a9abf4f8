//go:build !linux

package watch

import (
	"errors"
	"syscall"
)

// limitHint names the setting behind an error. On macOS and the BSDs every
// watched file is an open one.
func limitHint(err error) string {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOSPC) {
		return "Every watched file counts as an open one: raise the limit with `ulimit -n 65536`, and `sudo sysctl kern.maxfiles` and `kern.maxfilesperproc` if that is not enough"
	}
	return ""
}
