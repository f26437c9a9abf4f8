package watch

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// limitHint names the setting behind an error of inotify:
// https://man7.org/linux/man-pages/man7/inotify.7.html
func limitHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "Every folder needs one of the user's watches (fs.inotify.max_user_watches" + current("max_user_watches") +
			"): raise it with `sudo sysctl fs.inotify.max_user_watches=524288`"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "Every watching program needs one of the user's instances (fs.inotify.max_user_instances" + current("max_user_instances") +
			"): raise it with `sudo sysctl fs.inotify.max_user_instances=1024`, or raise the limit of open files (`ulimit -n`)"
	}
	return ""
}

func current(name string) string {
	data, err := os.ReadFile("/proc/sys/fs/inotify/" + name)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" is %s", strings.TrimSpace(string(data)))
}
