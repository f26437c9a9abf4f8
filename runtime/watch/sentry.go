package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"
)

// sentry keeps the system notifying of the folders of a tree, and knows those
// that have to be polled instead.
type sentry struct {
	notifier notifier // nil: everything is polled
	warn     func(text string)
	interval time.Duration // of polling, for messages
	remote   func(folder string) bool

	armed  map[string]fs.FileInfo
	polled map[string]bool
	failed map[string]error // since the last report
	warned map[string]bool
}

func newSentry(n notifier, interval time.Duration, warn func(string)) *sentry {
	return &sentry{
		notifier: n, warn: warn, interval: interval, remote: remote,
		armed: map[string]fs.FileInfo{}, polled: map[string]bool{}, failed: map[string]error{}, warned: map[string]bool{},
	}
}

// arm makes sure that changes in the folder are noticed from now on.
func (s *sentry) arm(folder string, info fs.FileInfo) {
	if s.notifier == nil {
		s.polled[folder] = true
		return
	}
	if before, ok := s.armed[folder]; ok {
		if os.SameFile(before, info) {
			return
		}
		s.disarm(folder)
	}
	switch err := s.notifier.Add(folder); {
	case err == nil:
		s.armed[folder] = info
		// A system tells only of its own writes to a drive that others share.
		s.polled[folder] = s.remote(folder)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		// It went away meanwhile, and its own folder tells of that.
	default:
		s.polled[folder] = true
		s.failed[folder] = err
	}
	if !s.polled[folder] {
		delete(s.polled, folder)
	}
}

// disarm forgets a folder, so that arm begins anew. An error of Remove says
// that the system has forgotten it already.
func (s *sentry) disarm(folder string) {
	delete(s.polled, folder)
	if _, ok := s.armed[folder]; ok {
		delete(s.armed, folder)
		_ = s.notifier.Remove(folder)
	}
}

// disarmBelow forgets a folder that was moved or replaced, and all in it: the
// system's watches moved along with the old ones.
func (s *sentry) disarmBelow(path string) {
	for folder := range s.armed {
		if _, ok := below(folder, path); ok {
			s.disarm(folder)
		}
	}
}

// disarmAll forgets everything: after lost events nobody knows which of the
// system's watches are still there.
func (s *sentry) disarmAll() {
	for folder := range s.armed {
		s.disarm(folder)
	}
}

// keep forgets every folder that is not in the tree, and warns of those that
// could not be watched.
func (s *sentry) keep(t *tree) {
	for folder := range s.armed {
		if t.dirs[folder] == nil {
			s.disarm(folder)
		}
	}
	for folder := range s.polled {
		if t.dirs[folder] == nil {
			delete(s.polled, folder)
		}
	}
	s.report(len(t.dirs))
	for folder, err := range t.unreadable {
		s.warnOnce("unreadable "+folder, fmt.Sprintf("cannot look into %s, so changes in it go unseen: %v", folder, err))
	}
}

func (s *sentry) report(total int) {
	if len(s.failed) == 0 {
		return
	}
	first := slices.Min(slices.Collect(maps.Keys(s.failed)))
	err := s.failed[first]
	text := fmt.Sprintf("cannot watch %d of %d folders (%s, for one): %v; brink looks through them every %s instead", len(s.failed), total, first, err, s.interval)
	if hint := limitHint(err); hint != "" {
		text += ". " + hint
	}
	s.warnOnce("limit", text)
	clear(s.failed)
}

// warnOnce says a thing once in the life of the watcher.
func (s *sentry) warnOnce(key, text string) {
	if !s.warned[key] {
		s.warned[key] = true
		s.warn(text)
	}
}
