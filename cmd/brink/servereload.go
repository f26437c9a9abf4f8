package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"brink/policy"
	"brink/runtime/auth"
	"brink/runtime/config"
	"brink/runtime/watch"
)

// bootPatience is how long brink waits for new workers before it goes on with
// what comes next; they go on booting. Code that never gets ready must not keep
// brink from taking up the edit that mends it.
const bootPatience = 10 * time.Second

// apply serves cfg from now on. A failure leaves what was served before.
func (s *server) apply(ctx context.Context, cfg *config.Config) error {
	keys, err := s.currentKeys(ctx, cfg)
	if err != nil {
		return err
	}
	table, err := s.table(cfg, keys)
	if err != nil {
		return err
	}
	s.watch(func() { s.watched = cfg })
	s.gateway.SetTable(table)
	wait, cancel := context.WithTimeout(ctx, bootPatience)
	defer cancel()
	s.workers.Apply(wait, s.functions(cfg, keys))
	s.warn(cfg)
	s.cfg, s.authKeys = cfg, keys
	s.seen.Lock()
	s.view = cfg
	s.seen.Unlock()
	return nil
}

// currentKeys returns the keys for cfg: those there are, unless what they are
// made of has changed. Making new ones may fetch a third party's.
func (s *server) currentKeys(ctx context.Context, cfg *config.Config) (*auth.Keys, error) {
	if s.cfg != nil && cfg.Auth.SigningKeysPath == "" &&
		cfg.Upstream == s.cfg.Upstream && reflect.DeepEqual(cfg.Auth, s.cfg.Auth) {
		return s.authKeys, nil
	}
	return s.keys(ctx, cfg)
}

// current returns the configuration that is served, nil before the first.
func (s *server) current() *config.Config {
	s.seen.Lock()
	defer s.seen.Unlock()
	return s.view
}

// warn shows the configuration's warnings that were not shown for the one
// before.
func (s *server) warn(cfg *config.Config) {
	for _, w := range cfg.Warnings {
		if s.cfg == nil || !slices.Contains(s.cfg.Warnings, w) {
			s.out.early("warning", w.String())
		}
	}
}

// watch changes what is watched by way of change.
func (s *server) watch(change func()) {
	s.watching.Lock()
	defer s.watching.Unlock()
	change()
	s.watcher.Set(s.targets())
}

// targets are the files and folders whose change means something. watching is
// held.
func (s *server) targets() []watch.Target {
	cfg := s.watched
	if cfg == nil {
		return nil
	}
	paths := append([]string{cfg.FunctionsDir}, cfg.Sources...)
	for _, f := range cfg.Functions {
		paths = append(append(paths, f.Dir), f.Watch...)
		paths = append(paths, s.imported[f.Name]...)
	}
	slices.Sort(paths)
	var all []watch.Target
	for _, p := range slices.Compact(paths) {
		if p != "" {
			all = append(all, watch.Target{Path: p})
		}
	}
	return all
}

// noteImports remembers the local files that a function imports from outside
// the functions folder, and watches them.
func (s *server) noteImports(cfg *config.Config, f config.Function, files []string) {
	outside := slices.DeleteFunc(files, func(p string) bool {
		return inside(f.Dir, p) || inside(cfg.FunctionsDir, p) || strings.Contains(p, "/node_modules/")
	})
	s.watching.Lock()
	same := slices.Equal(s.imported[f.Name], outside)
	s.watching.Unlock()
	if !same {
		s.watch(func() { s.imported[f.Name] = outside })
	}
}

// imports says whether a function imports path from outside its folder.
func (s *server) imports(name, path string) bool {
	s.watching.Lock()
	defer s.watching.Unlock()
	return slices.Contains(s.imported[name], path)
}

// changed takes up what was edited: the configuration first, since a new
// folder is a new function, then code.
func (s *server) changed(ctx context.Context, set watch.ChangeSet) {
	before := s.current()
	s.reload(ctx, slices.ContainsFunc(set.Paths, func(p string) bool { return slices.Contains(before.Sources, p) }))
	s.markStale(ctx, set.Paths)
}

// reload reads the configuration again. said is whether the user edited it, so
// that brink has to answer even when nothing came of it.
func (s *server) reload(ctx context.Context, said bool) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	opts := s.opts.Config
	opts.AllowEmpty = true
	cfg, err := config.Load(opts)
	if err == nil {
		before := s.cfg
		s.overrule(cfg)
		if err = s.apply(ctx, cfg); err == nil {
			if news := describeChange(before, cfg); news != "" || said {
				s.log.Info("config", slog.String("message", cmp.Or(news, "the configuration was read again")), slog.String("policy", cfg.Policy.String()))
			}
			return
		}
	}
	if ctx.Err() == nil {
		s.log.Error("error", slog.String("message", "the configuration was not taken up, the last good one goes on:\n"+err.Error()))
	}
}

// overrule puts the policy chosen with a key over the one that is written, until
// somebody writes another.
func (s *server) overrule(cfg *config.Config) {
	if cfg.Policy != s.written {
		s.override = nil
	}
	s.written = cfg.Policy
	if s.override != nil {
		cfg.Policy = *s.override
	}
}

// describeChange says what a new configuration changed, "" for nothing that
// can be named.
func describeChange(before, now *config.Config) string {
	var news []string
	if before.Policy != now.Policy {
		news = append(news, fmt.Sprintf("policy is now %s", now.Policy))
	}
	if before.Port != now.Port || before.Host != now.Host {
		news = append(news, "the address takes effect at the next start")
	}
	names := func(c *config.Config) (all []string) {
		for _, f := range c.Functions {
			all = append(all, f.Name)
		}
		return all
	}
	old, current := names(before), names(now)
	for _, n := range current {
		if !slices.Contains(old, n) {
			news = append(news, n+" is served")
		}
	}
	for _, n := range old {
		if !slices.Contains(current, n) {
			news = append(news, n+" is no longer served")
		}
	}
	return strings.Join(news, "; ")
}

// markStale tells which functions run older code than is on disk, and restarts
// those that are to restart by themselves.
func (s *server) markStale(ctx context.Context, paths []string) {
	cfg := s.current()
	var restart []string
	for _, f := range cfg.Functions {
		files := s.concerning(cfg, f, paths)
		if len(files) == 0 || !s.workers.Changed(f.Name) {
			continue
		}
		if f.Reload == config.ReloadAuto {
			restart = append(restart, f.Name)
			continue
		}
		s.log.Warn("stale", slog.String("function", f.Name), slog.Any("files", files))
	}
	if len(restart) > 0 {
		s.restart(ctx, restart)
	}
}

// concerning returns the paths that f's code may depend on, as they are shown.
// What lies in the functions folder but in no function's is shared by all.
func (s *server) concerning(cfg *config.Config, f config.Function, paths []string) []string {
	var files []string
	for _, p := range paths {
		switch {
		case slices.Contains(cfg.Sources, p):
		case inside(f.Dir, p), slices.ContainsFunc(f.Watch, func(w string) bool { return inside(w, p) }), s.imports(f.Name, p):
			files = append(files, shown(f.Dir, p))
		case inside(cfg.FunctionsDir, p) && !ownedByAnother(cfg, p):
			files = append(files, shown(cfg.FunctionsDir, p))
		}
	}
	return files
}

func ownedByAnother(cfg *config.Config, path string) bool {
	return slices.ContainsFunc(cfg.Functions, func(f config.Function) bool { return inside(f.Dir, path) })
}

// inside says whether path is dir or below it.
func inside(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
}

func shown(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// restart replaces workers and says so.
func (s *server) restart(ctx context.Context, names []string) ([]string, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, bootPatience)
	defer cancel()
	done, err := s.workers.Restart(ctx, names)
	if err != nil {
		s.log.Error("error", slog.String("message", err.Error()))
	}
	if err == nil || len(done) > 0 {
		s.log.Info("restarted", slog.Any("functions", done), slog.Float64("duration_ms", float64(time.Since(start).Microseconds())/1000))
	}
	return done, err
}

// key does what a typed key asks for.
func (s *server) key(ctx context.Context, key Key, quit func()) {
	switch key {
	case KeyRestart:
		// Its outcome is shown where it happens. Other keys do not wait for it.
		s.serving.Go(func() { _, _ = s.restart(ctx, nil) })
	case KeyPolicy:
		s.serving.Go(func() { s.togglePolicy(ctx) })
	case KeyClear:
		s.out.clear()
	case KeyHelp:
		s.out.print(keysHelp)
	case KeyQuit, KeyInterrupt:
		quit()
	}
}

// togglePolicy switches between the policies until brink ends.
func (s *server) togglePolicy(ctx context.Context) {
	s.reloading.Lock()
	other := policy.PerWorker
	if s.cfg.Policy == policy.PerWorker {
		other = policy.PerRequest
	}
	s.override = &other
	s.reloading.Unlock()
	s.reload(ctx, true)
}
