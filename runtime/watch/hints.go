package watch

import (
	"errors"
	"maps"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// notifier is what is used of fsnotify.
type notifier interface {
	Add(folder string) error
	Remove(folder string) error
	Events() <-chan fsnotify.Event
	Errors() <-chan error
	Close() error // closes both channels
}

// system is the notifier of the operating system.
type system struct{ *fsnotify.Watcher }

func (s system) Events() <-chan fsnotify.Event { return s.Watcher.Events }
func (s system) Errors() <-chan error          { return s.Watcher.Errors }

func newSystem() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return system{w}, nil
}

// hints gathers paths where something happened. The notifier's channels are
// emptied at all times by a goroutine of its own: fsnotify may hold its lock
// while it waits for a reader, and Add would wait for that lock.
type hints struct {
	signal chan struct{} // has a value when there is something to take

	mu       sync.Mutex      // guards the fields below
	paths    map[string]bool // path -> it came, went or was replaced
	overflow bool            // events were lost
	problem  error           // the last one that was not an overflow
}

func newHints() *hints {
	return &hints{signal: make(chan struct{}, 1), paths: map[string]bool{}}
}

// pump runs until both channels are closed.
func (h *hints) pump(n notifier) {
	events, errs := n.Events(), n.Errors()
	for events != nil || errs != nil {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			// A Chmod alone is no change of content. The zero event is sent by
			// fsnotify where it swallowed one.
			if op := e.Op &^ fsnotify.Chmod; op != 0 && e.Name != "" {
				h.add(e.Name, op&^fsnotify.Write != 0)
			}
		case err, ok := <-errs:
			if !ok {
				errs = nil
				continue
			}
			if err != nil {
				h.fail(err)
			}
		}
	}
}

func (h *hints) add(path string, moved bool) {
	h.mu.Lock()
	h.paths[path] = h.paths[path] || moved
	h.mu.Unlock()
	h.wake()
}

func (h *hints) fail(err error) {
	h.mu.Lock()
	if errors.Is(err, fsnotify.ErrEventOverflow) {
		h.overflow = true
	} else {
		h.problem = err
	}
	h.mu.Unlock()
	h.wake()
}

func (h *hints) wake() {
	select {
	case h.signal <- struct{}{}:
	default:
	}
}

// take empties the hints.
func (h *hints) take() (paths map[string]bool, overflow bool, problem error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	paths, overflow, problem = maps.Clone(h.paths), h.overflow, h.problem
	clear(h.paths)
	h.overflow, h.problem = false, nil
	return paths, overflow, problem
}
