//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// checkPrivate refuses a folder that another user owns or can enter: whoever
// can connect to the control socket can end workers.
func checkPrivate(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("cannot look at the folder of the control socket: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not this user's private folder: remove it, or make it mode 0700", dir)
	}
	return nil
}
