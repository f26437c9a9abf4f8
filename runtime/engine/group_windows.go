package engine

import (
	"os/exec"
	"strconv"
)

// ownGroup makes the end of cmd's context kill all that cmd started: npm.cmd
// is a shell that starts node. taskkill walks the tree of children; if it
// cannot be run, at least the first process goes.
func ownGroup(cmd *exec.Cmd) {
	cmd.Cancel = func() error {
		if exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run() == nil {
			return nil
		}
		return cmd.Process.Kill()
	}
}
