package watch

import "time"

// debounce waits for things to get quiet: C fires when touch was not called for
// quiet, or, if it never gets quiet, most after the first touch. It is used by
// one goroutine.
type debounce struct {
	quiet, most time.Duration
	timer       *time.Timer
	waiting     bool
	first       time.Time // of the touches being waited out
}

func newDebounce(quiet, most time.Duration) *debounce {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &debounce{quiet: quiet, most: max(quiet, most), timer: timer}
}

// touch says that something happened.
func (d *debounce) touch() {
	now := time.Now()
	if !d.waiting {
		d.waiting, d.first = true, now
	}
	d.timer.Reset(min(d.quiet, d.first.Add(d.most).Sub(now)))
}

// C delivers once for all touches since the last reset. The receiver calls
// reset.
func (d *debounce) C() <-chan time.Time { return d.timer.C }

// reset forgets the touches so far.
func (d *debounce) reset() {
	d.waiting = false
	d.timer.Stop()
}
