package policy

import "time"

// Usage is what a worker has used since its user code started.
type Usage struct {
	Wall   time.Duration // age
	CPU    time.Duration // of the JavaScript thread, or of the process for Go
	Memory int64         // bytes now: V8 heap plus external, or resident over baseline
	Peak   int64         // bytes, the highest Memory seen
	Tasks  int           // background tasks that are not settled
}
