package worker

import (
	"encoding/json"
	"time"
)

// Spec says how one worker is started. It is a value that launch makes and
// worker uses; it may be used for one Start only, since ID is a worker's.
type Spec struct {
	// Function is the function's name, for logs.
	Function string
	// ID is the worker's execution id, a version 4 UUID (SB_EXECUTION_ID).
	ID string
	// Command builds the command line once the worker's private paths exist.
	Command func(Paths) Command
	// Env and Options are sent with go, when the gate opens.
	Env     map[string]string
	Options func(Paths) json.RawMessage // may be nil
	// MainThreadCPU accounts the CPU of the process's first thread only, where
	// the system can tell (V8 runs JavaScript there). Otherwise, and for Go
	// functions, the whole process counts.
	MainThreadCPU bool
	// CPUBackstop, if not 0, is the CPU time after which the system itself
	// kills the process, in whole seconds, where it can (RLIMIT_CPU). It is for
	// a brink that cannot: what limits a worker is far below.
	CPUBackstop time.Duration
	// Patient waits for hello without end: a debugger may hold the engine
	// before its first line.
	Patient bool
}

// Paths are the private places of one worker, all in a directory of mode 0700
// that is removed with it. The socket paths stay below 104 bytes, the limit
// on macOS (sun_path in sys/un.h).
type Paths struct {
	Dir     string // holds all of the others
	HTTP    string // Unix socket the worker serves HTTP/1.1 on
	Control string // Unix socket brink listens on
	Tmp     string // the worker's own temporary folder; the function's /tmp
}

// Command is a command line. Env is complete: nothing is inherited but what it
// says. Worker adds the variables of the protocol.
type Command struct {
	Path string
	Args []string // without the program's name
	Env  []string // KEY=value
	Dir  string
}
