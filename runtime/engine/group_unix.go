//go:build unix

package engine

import (
	"os/exec"
	"syscall"
)

// ownGroup makes cmd the leader of a process group, which is killed as a whole
// when its context ends: npm starts node, and node starts more. There is no
// SIGTERM first, since nothing of theirs is worth saving.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
