package worker

import "time"

// meter measures one process from start on. read costs a few microseconds on
// Linux, and may give a reading that is up to a millisecond old. Its methods
// may be called by many goroutines at once; after close, read returns what it
// last saw.
type meter interface {
	start()
	read() (cpu time.Duration, resident int64)
	close()
}
