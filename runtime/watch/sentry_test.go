package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// limited is the system's notifier, except that it accepts only folders that
// accept allows, and that a test can send its own errors.
type limited struct {
	notifier
	accept func(folder string) error
	errs   chan error
	once   sync.Once
}

func (l *limited) Add(folder string) error {
	if err := l.accept(folder); err != nil {
		return err
	}
	return l.notifier.Add(folder)
}

func (l *limited) Errors() <-chan error { return l.errs }

func (l *limited) Close() error {
	l.once.Do(func() { close(l.errs) })
	return l.notifier.Close()
}

func openLimited(accept func(string) error) (*limited, func() (notifier, error)) {
	l := &limited{accept: accept, errs: make(chan error)}
	return l, func() (notifier, error) {
		n, err := newSystem()
		l.notifier = n
		return l, err
	}
}

func TestFoldersBeyondTheSystemsLimitArePolledWithOneWarning(t *testing.T) {
	_, open := openLimited(func(folder string) error {
		if strings.Contains(folder, "many") {
			return &os.PathError{Op: "inotify_add_watch", Path: folder, Err: syscall.ENOSPC}
		}
		return nil
	})
	s := newSceneWith(t, Options{}, open)
	s.write("f/many/a/x.ts", "1")
	s.write("f/many/b/y.ts", "1")
	s.write("f/few/z.ts", "1")
	s.watch("f")
	s.write("f/few/z.ts", "2")
	s.expect("WRITE f/few/z.ts")

	// No event tells of these, so the mark may be reported before them.
	s.write("f/many/a/x.ts", "2")
	s.awaitOne("WRITE", "f/many/a/x.ts")
	s.write("f/many/c/new.ts", "1")
	s.awaitOne("CREATE", "f/many/c/new.ts")
	s.remove("f/many/b")
	s.awaitOne("REMOVE", "f/many/b/y.ts")

	texts := s.log.texts()
	if len(texts) != 1 {
		t.Fatalf("warnings %q, want one", texts)
	}
	want := []string{"warning:", "cannot watch 3 of", "f/many", "looks through them every"}
	if limitHint(syscall.ENOSPC) != "" {
		want = append(want, limitHint(syscall.ENOSPC))
	}
	for _, w := range want {
		if !strings.Contains(filepath.ToSlash(texts[0]), w) {
			t.Errorf("warning %q does not say %q", texts[0], w)
		}
	}
}

// awaitOne waits for one change, whatever else is reported.
func (s *scene) awaitOne(op, name string) {
	s.t.Helper()
	for {
		select {
		case c := <-s.w.Changes():
			if c.Ops[s.path(name)].String() == op {
				return
			}
		case <-s.ctx.Done():
			s.t.Fatalf("no report of %s %s", op, name)
		}
	}
}

func TestLimitHintNamesTheSetting(t *testing.T) {
	for _, err := range []error{syscall.ENOSPC, syscall.EMFILE} {
		if hint := limitHint(&os.PathError{Op: "add", Path: "/x", Err: err}); !strings.Contains(hint, "sysctl") || !strings.Contains(hint, "max") {
			t.Errorf("hint for %v is %q", err, hint)
		}
	}
	if hint := limitHint(fs.ErrPermission); hint != "" {
		t.Errorf("hint for another error is %q", hint)
	}
}

func TestWithoutNotificationsEverythingIsPolled(t *testing.T) {
	s := newSceneWith(t, Options{}, func() (notifier, error) { return nil, syscall.EMFILE })
	s.write("f/a/x.ts", "1")
	s.watch("f")
	s.write("f/a/x.ts", "2")
	s.expect("WRITE f/a/x.ts")
	if texts := s.log.texts(); len(texts) != 1 || !strings.Contains(texts[0], "gives no notice") || !strings.Contains(texts[0], "sysctl") {
		t.Errorf("warnings %q", texts)
	}
}

func TestLostEventsMakeTheWatcherLookAtEverything(t *testing.T) {
	l, open := openLimited(func(string) error { return nil })
	s := newSceneWith(t, Options{}, open)
	s.write("f/a/x.ts", "1")
	s.w.Set([]Target{{s.path("f")}})
	// The system forgets the folder without telling.
	s.must(l.Remove(s.path("f/a")))
	s.write("f/a/x.ts", "22")
	l.errs <- fsnotify.ErrEventOverflow
	s.awaitOne("WRITE", "f/a/x.ts")
	s.write("f/a/x.ts", "333")
	s.awaitOne("WRITE", "f/a/x.ts")
}

func TestTroubleWithNotificationsIsToldOnce(t *testing.T) {
	l, open := openLimited(func(string) error { return nil })
	s := newSceneWith(t, Options{}, open)
	s.watch("f")
	for range 3 {
		l.errs <- errors.New("disk on fire")
		s.expect()
	}
	if texts := s.log.texts(); len(texts) != 1 || !strings.Contains(texts[0], "disk on fire") {
		t.Errorf("warnings %q, want one", texts)
	}
}

func TestUnreadableFolderIsToldOnce(t *testing.T) {
	// A picture with such a folder in it, as root can list them all.
	tr := newTree()
	tr.unreadable["/f/secret"] = fs.ErrPermission
	var texts []string
	sen := newSentry(nil, time.Second, func(text string) { texts = append(texts, text) })
	sen.keep(tr)
	sen.keep(tr)
	if len(texts) != 1 || !strings.Contains(texts[0], "cannot look into /f/secret") {
		t.Errorf("warnings %q, want one", texts)
	}
}

func TestFoldersOnNetworkDrivesArePolledAsWell(t *testing.T) {
	l, open := openLimited(func(string) error { return nil })
	if _, err := open(); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	info, err := os.Lstat(dir)
	if err != nil {
		t.Fatal(err)
	}
	sen := newSentry(l, time.Second, func(text string) { t.Errorf("warning %q", text) })
	sen.arm(dir, info)
	if sen.polled[dir] {
		t.Error("a local folder is polled")
	}
	sen.disarm(dir)
	sen.remote = func(string) bool { return true }
	sen.arm(dir, info)
	if !sen.polled[dir] || sen.armed[dir] == nil {
		t.Error("a folder on a network drive is not both polled and notified of")
	}
}
