package supervisor

import (
	"context"
	"time"

	"brink/policy"
	"brink/runtime/worker"
)

// Function is what the supervisor has to know of one function. It is a value:
// a change of configuration brings a new one through Supervisor.Apply.
type Function struct {
	Name         string
	Kind         policy.Kind
	Parity       policy.Parity
	Limits       policy.Limits
	DrainTimeout time.Duration // how long a replaced worker keeps its sockets
	Spares       int           // booted engines kept waiting while it is in use

	// Fingerprint stands for all that workers fix when they are started:
	// command line, permissions, environment. Apply restarts a function whose
	// fingerprint changed.
	Fingerprint string
	// Stamp is a cheap reading of the files that a worker fixes when its
	// process starts (deno.json, import map; for Go, the sources). A spare of
	// an older stamp is not used, and Prepare runs again. It may be called by
	// many goroutines at once.
	Stamp func() string
	// Prepare fetches dependencies or builds. It blocks, counts against no
	// limit, and is called by one goroutine at a time. Its error wraps a
	// policy.Reason, and has been shown to the user.
	Prepare func(context.Context) error
	// Spec describes a new worker with this execution id.
	Spec func(id string) (worker.Spec, error)
	// Eager says that Spec works before Prepare has run: the engine boots
	// while dependencies are fetched.
	Eager bool
	// Crash reads what the language's runtime prints when the user's code ends
	// a process. With its zero value stderr before ready is the engine's, and
	// Options.Explain reads that.
	Crash Crash
}

// Crash knows a language's report, on stderr, of why it ended a process. Its
// funcs may be called by many goroutines at once.
type Crash struct {
	// Begins says whether a line is the first of a report. What follows, up to
	// the end of the process, belongs to it.
	Begins func(line string) bool
	// Explain makes of a report what the user should read.
	Explain func(report string) (name, message, stack string)
}

// Process is one started worker process, as worker.Worker implements it.
// Nothing but Dial may block.
type Process interface {
	Open()
	BeforeUnload(reason string)
	Drain(reason string)
	AskMemory()
	Sample() (cpu time.Duration, resident int64)
	Dial(context.Context) (Conn, error)
	Kill()
}
