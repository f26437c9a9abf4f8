package watch

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// scene is a temporary folder and a Watcher.
type scene struct {
	t    *testing.T
	dir  string
	w    *Watcher
	log  *records
	ctx  context.Context
	mark int
}

// newScene watches nothing yet. Polling, where asked for, is quick.
func newScene(t *testing.T, o Options) *scene {
	t.Helper()
	return newSceneWith(t, o, newSystem)
}

func newSceneWith(t *testing.T, o Options, open func() (notifier, error)) *scene {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := &records{}
	o.Logger = slog.New(log)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	s := &scene{t: t, dir: dir, log: log, ctx: ctx, w: start(o, open, 5*time.Millisecond)}
	t.Cleanup(s.w.Close)
	return s
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) mkdir(name string) { s.t.Helper(); s.must(os.MkdirAll(s.path(name), 0o755)) }

func (s *scene) write(name, text string) {
	s.t.Helper()
	s.mkdir(filepath.ToSlash(filepath.Dir(name)))
	s.must(os.WriteFile(s.path(name), []byte(text), 0o644))
}

func (s *scene) rename(from, to string) { s.t.Helper(); s.must(os.Rename(s.path(from), s.path(to))) }
func (s *scene) remove(name string)     { s.t.Helper(); s.must(os.RemoveAll(s.path(name))) }

func (s *scene) link(to, at string) {
	s.t.Helper()
	s.mkdir(filepath.ToSlash(filepath.Dir(at)))
	s.must(os.Symlink(filepath.FromSlash(to), s.path(at)))
}

// watch sets the targets, and one more: the file that settled writes.
func (s *scene) watch(names ...string) {
	s.t.Helper()
	s.mkdir("marks")
	targets := []Target{{s.path("marks")}}
	for _, n := range names {
		targets = append(targets, Target{s.path(n)})
	}
	s.w.Set(targets)
}

// settled returns all that changed so far. It makes one more change and waits
// until that is reported; what is on disk before is reported before or with it.
func (s *scene) settled() map[string]Op {
	s.t.Helper()
	s.mark++
	mark := filepath.Join("marks", strings.Repeat("x", s.mark))
	s.write(mark, "here")
	all := changes{}
	for {
		select {
		case c, ok := <-s.w.Changes():
			if !ok {
				s.t.Fatal("Changes is closed")
			}
			if !slices.IsSorted(c.Paths) || !slices.Equal(c.Paths, slices.Sorted(maps.Keys(c.Ops))) {
				s.t.Errorf("Paths %q do not go with Ops %v", c.Paths, c.Ops)
			}
			for p, op := range c.Ops {
				all.add(p, op)
			}
		case <-s.ctx.Done():
			s.t.Fatalf("no report of %s; so far %v; warnings %q", mark, all, s.log.texts())
		}
		if _, done := all[s.path(mark)]; done {
			delete(all, s.path(mark))
			return all
		}
	}
}

// expect fails unless exactly these changes, "WRITE a/b", are reported.
func (s *scene) expect(want ...string) {
	s.t.Helper()
	var got []string
	for p, op := range s.settled() {
		rel, err := filepath.Rel(s.dir, p)
		if err != nil {
			s.t.Fatal(err)
		}
		got = append(got, op.String()+" "+filepath.ToSlash(rel))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("reported\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// records is a slog.Handler that keeps the texts.
type records struct {
	mu  sync.Mutex // guards all
	all []string
}

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *records) WithGroup(string) slog.Handler            { return r }

func (r *records) Handle(_ context.Context, rec slog.Record) error {
	text := rec.Message + ":"
	rec.Attrs(func(a slog.Attr) bool {
		text += " " + a.Value.String()
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, text)
	return nil
}

func (r *records) texts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}
