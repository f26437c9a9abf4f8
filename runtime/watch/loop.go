package watch

import (
	"slices"
	"time"
)

// loop is the state of a Watcher; one goroutine owns it.
type loop struct {
	hints    *hints
	sentry   *sentry
	debounce *debounce
	interval time.Duration // of polling
	warn     func(string)

	targets  []Target
	tree     *tree
	dirty    map[string]bool // paths to look at again -> they came, went or were replaced
	overflow bool            // everything has to be looked at again
	pending  changes         // not delivered yet
}

// run works until w is closed.
func (l *loop) run(w *Watcher) {
	poll := time.NewTimer(l.interval)
	defer poll.Stop()
	defer l.debounce.reset()
	var out chan<- ChangeSet
	var next ChangeSet
	for {
		select {
		case <-w.stop:
			return
		case r := <-w.sets:
			l.set(r.targets)
			close(r.done)
		case <-l.hints.signal:
			l.gather()
		case <-l.debounce.C():
			l.look()
		case <-poll.C:
			poll.Reset(l.poll())
		case out <- next:
			clear(l.pending)
		}
		if out = nil; len(l.pending) > 0 {
			out, next = w.changes, l.pending.set()
		}
	}
}

// gather takes the hints that matter.
func (l *loop) gather() {
	paths, overflow, problem := l.hints.take()
	if problem != nil {
		l.sentry.warnOnce("notify "+problem.Error(), "the system had trouble with giving notice of changed files: "+problem.Error())
	}
	touched := overflow
	l.overflow = l.overflow || overflow
	for path, moved := range paths {
		if l.tree.matters(path) {
			l.dirty[path] = l.dirty[path] || moved
			touched = true
		}
	}
	if touched {
		l.debounce.touch()
	}
}

// poll looks for changes in the folders that the system does not notify of, and
// returns when to do so again.
func (l *loop) poll() time.Duration {
	begin := time.Now()
	if l.pollOnce() {
		l.debounce.touch()
	}
	return max(l.interval, pollShare*time.Since(begin))
}

// pollOnce says whether it found something that was not known to be dirty.
func (l *loop) pollOnce() (found bool) {
	for folder := range l.sentry.polled {
		for _, path := range l.tree.outdated(folder) {
			if _, known := l.dirty[path]; !known {
				found = true
			}
			l.dirty[path] = true
		}
	}
	return found
}

// look compares with what is on disk now.
func (l *loop) look() {
	l.debounce.reset()
	// What was found by polling is one moment of a round through many folders;
	// another round makes the set whole.
	l.pollOnce()
	anew := l.overflow
	for path, moved := range l.dirty {
		if !anew && !l.tree.refresh(path, moved, l.pending) {
			anew = true
		}
	}
	if anew {
		next := l.take(l.targets)
		l.tree.compare(next, l.pending)
		l.tree = next
	}
	clear(l.dirty)
	l.overflow = false
}

// take takes a new picture, with the watches to go with it.
func (l *loop) take(targets []Target) *tree {
	for path, moved := range l.dirty {
		if moved {
			l.sentry.disarmBelow(path)
		}
	}
	if l.overflow {
		l.sentry.disarmAll()
	}
	next := take(targets, l.tree, l.dirty, l.sentry.arm)
	l.sentry.keep(next)
	return next
}

// set replaces the targets. What happened under the old ones is reported first.
func (l *loop) set(targets []Target) {
	l.gather()
	if slices.Equal(targets, l.targets) {
		return
	}
	if len(l.dirty) > 0 || l.overflow {
		l.look()
	}
	l.targets = targets
	next := l.take(targets)
	for path, f := range next.files {
		if before, ok := l.tree.files[path]; ok && !before.same(f) {
			next.report(path, Write, l.pending)
		}
	}
	l.tree = next
}
