package worker

import (
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup has nothing to do: Worker.Kill ends the process itself, and a
// worker may not start others.
func killGroup(int) {}

func signalName(*os.ProcessState) string { return "" }
