package watch

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	defaultQuiet = 50 * time.Millisecond  // a save is several events within a few milliseconds
	maxWait      = 500 * time.Millisecond // however long the events go on
	fallbackPoll = time.Second            // for folders that the system does not notify of
	// pollShare bounds what polling costs: a round that takes 100 ms is
	// followed by a pause of at least a second.
	pollShare = 10
)

// Options of a Watcher. The zero value works.
type Options struct {
	// Debounce is how long it has to be quiet before changes are reported; 0
	// means 50 ms. If it never gets quiet they are reported after 500 ms.
	Debounce time.Duration
	// Poll, if not 0, makes the watcher look through all folders that often
	// instead of relying on the system's notifications. Network drives and the
	// Windows drives of WSL are seen to without it on Linux.
	Poll time.Duration
	// Logger gets the warnings; nil discards them.
	Logger *slog.Logger
}

// Target is a folder, watched with all that is in it, or a file. It need not
// exist: it is watched once it does. Path is absolute, or taken from the
// current folder.
type Target struct{ Path string }

// Watcher reports changes under a set of targets. Its methods may be called by
// any goroutine.
type Watcher struct {
	changes chan ChangeSet
	sets    chan request
	stop    chan struct{}
	close   func()
	wg      sync.WaitGroup
}

// request asks the loop for other targets.
type request struct {
	targets []Target
	done    chan struct{}
}

// New starts a Watcher without targets. Where the system gives no notifications
// it warns and polls; it always works. The caller has to Close it.
func New(o Options) *Watcher { return start(o, newSystem, fallbackPoll) }

// start is New with the system's notifications and the fallback's interval
// given.
func start(o Options, open func() (notifier, error), fallback time.Duration) *Watcher {
	if o.Debounce <= 0 {
		o.Debounce = defaultQuiet
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{changes: make(chan ChangeSet), sets: make(chan request), stop: make(chan struct{})}
	w.close = sync.OnceFunc(func() { close(w.stop) })
	warn := func(text string) { o.Logger.Warn("warning", "message", text) }

	l := &loop{
		hints: newHints(), debounce: newDebounce(o.Debounce, maxWait),
		tree: newTree(), dirty: map[string]bool{}, pending: changes{},
		interval: fallback, warn: warn,
	}
	var n notifier
	if o.Poll > 0 {
		l.interval = o.Poll
	} else {
		var err error
		if n, err = open(); err != nil {
			warn(strings.TrimSuffix(fmt.Sprintf("the system gives no notice of changed files: %v; brink looks through all folders every %s instead. %s", err, fallback, limitHint(err)), ". "))
			n = nil
		}
	}
	l.sentry = newSentry(n, l.interval, warn)
	if n != nil {
		w.wg.Go(func() { l.hints.pump(n) })
	}
	w.wg.Go(func() {
		defer close(w.changes)
		if n != nil {
			defer n.Close()
		}
		l.run(w)
	})
	return w
}

// Set replaces the targets. When it returns, the watches are in place and every
// later change is reported; what it newly covers is not reported as created,
// what it no longer covers not as removed. Targets may overlap. After Close it
// does nothing.
func (w *Watcher) Set(paths []Target) {
	r := request{done: make(chan struct{})}
	for _, p := range paths {
		abs, err := filepath.Abs(p.Path)
		if err != nil {
			abs = filepath.Clean(p.Path) // only where the current folder is gone
		}
		r.targets = append(r.targets, Target{Path: abs})
	}
	slices.SortFunc(r.targets, func(a, b Target) int { return strings.Compare(a.Path, b.Path) })
	r.targets = slices.Compact(r.targets)
	select {
	case w.sets <- r:
	case <-w.stop:
		return
	}
	select {
	case <-r.done:
	case <-w.stop:
	}
}

// Changes delivers what changed. Changes that nobody receives are gathered: a
// slow reader gets one ChangeSet, not many. The channel is closed by Close.
func (w *Watcher) Changes() <-chan ChangeSet { return w.changes }

// Close ends watching and waits until that is done. It may be called again.
func (w *Watcher) Close() {
	w.close()
	w.wg.Wait()
}
