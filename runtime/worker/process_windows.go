package worker

import (
	"os"
	"syscall"
	"time"
)

func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup has nothing to do: Worker.Kill ends the process itself, and a
// worker may not start others.
func killGroup(int) {}

func signalName(*os.ProcessState) string { return "" }

// limitCPU does nothing: the limit of a running process cannot be set here.
func limitCPU(int, time.Duration) {}
