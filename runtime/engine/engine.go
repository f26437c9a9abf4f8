package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Version is the Deno that brink installs and is tested with.
const Version = "2.9.6"

// Source says where an Engine comes from.
type Source string

const (
	SourceExplicit  Source = "explicit"  // --deno or BRINK_DENO
	SourceCache     Source = "cache"     // installed earlier
	SourcePath      Source = "PATH"      // the user's own deno
	SourceInstalled Source = "installed" // installed by this very call
)

// Engine is a Deno that runs.
type Engine struct {
	Path    string // absolute; the program itself, not a launcher script
	Version string // as it says itself: 2.9.6
	Source  Source
	// Supported is false only for SourceExplicit: whoever names a program gets
	// that program, and the caller warns.
	Supported bool
}

// ErrNotFound is returned by Find when there is no usable Deno. Ensure would
// install one.
var ErrNotFound = errors.New("no usable Deno found")

// Options say where to look. The zero value of each field but CacheDir works.
type Options struct {
	// Explicit is the program that the user named, a path or a name on PATH.
	// Nothing else is considered when it is set.
	Explicit string
	// ExplicitFrom is where Explicit came from, for error messages: "--deno"
	// or "BRINK_DENO".
	ExplicitFrom string
	// CacheDir is brink's cache; see DefaultCacheDir.
	CacheDir string
	// LookPath finds a program on PATH; nil means exec.LookPath.
	LookPath func(name string) (string, error)
	// Progress is told, in a sentence for people, what is going on. While npm
	// runs it is called about once a second. Never called by two goroutines at
	// once, nor after the call that it was passed to returned. May be nil.
	Progress func(message string)
	// Env is the environment of npm and of deno; nil means the process's own.
	// npm's own configuration is honoured, wherever the user keeps it.
	Env []string
}

// Find looks for a Deno without installing one: the explicit one; else the one
// in the cache; else deno on PATH if its version is Supported. It uses no
// network. The error wraps ErrNotFound when the last of these failed; an
// explicit program that does not run is an error of its own.
func Find(ctx context.Context, o Options) (Engine, error) {
	return find(ctx, o.withDefaults(), thisHost())
}

// Ensure is Find, and installs the pinned Deno into the cache when Find finds
// none. Any number of processes may call it at once; one of them installs.
// When ctx ends, npm and all it started are killed, and nothing is left that a
// later call would take for an engine.
func Ensure(ctx context.Context, o Options) (Engine, error) {
	return ensure(ctx, o.withDefaults(), thisHost())
}

// Install puts the pinned Deno into the cache, unless it is there, and ignores
// Explicit and PATH: what `brink engine install` promises.
func Install(ctx context.Context, o Options) (Engine, error) {
	return install(ctx, o.withDefaults(), thisHost())
}

func (o Options) withDefaults() Options {
	if o.LookPath == nil {
		o.LookPath = exec.LookPath
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.ExplicitFrom == "" {
		o.ExplicitFrom = "--deno"
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	return o
}

func ensure(ctx context.Context, o Options, h host) (Engine, error) {
	e, err := find(ctx, o, h)
	if errors.Is(err, ErrNotFound) {
		return install(ctx, o, h)
	}
	return e, err
}

func find(ctx context.Context, o Options, h host) (Engine, error) {
	if o.Explicit != "" {
		return findExplicit(ctx, o)
	}
	if o.CacheDir == "" {
		return Engine{}, errors.New("cannot look for Deno: no cache folder given")
	}
	if e, ok := cached(o.CacheDir, h.platform); ok {
		return e, nil
	}
	return findOnPath(ctx, o)
}

// findExplicit trusts the user's choice of version, but not that it runs.
func findExplicit(ctx context.Context, o Options) (Engine, error) {
	path, err := o.LookPath(o.Explicit)
	if err != nil {
		return Engine{}, fmt.Errorf("cannot use %s %q: %w; give the path of a Deno %s program, or leave %s away and brink installs one",
			o.ExplicitFrom, o.Explicit, err, supportedText, o.ExplicitFrom)
	}
	e, err := probe(ctx, path, o.Env)
	if err != nil {
		return Engine{}, fmt.Errorf("cannot use %s %q: %w; give the path of a Deno %s program, or leave %s away and brink installs one",
			o.ExplicitFrom, o.Explicit, err, supportedText, o.ExplicitFrom)
	}
	e.Source = SourceExplicit
	return e, nil
}

// findOnPath passes over a deno that is too old, too new or broken: nobody
// asked brink to use that one.
func findOnPath(ctx context.Context, o Options) (Engine, error) {
	path, err := o.LookPath("deno")
	if err != nil {
		return Engine{}, fmt.Errorf("%w: none in brink's cache, none on PATH", ErrNotFound)
	}
	e, err := probe(ctx, path, o.Env)
	switch {
	case ctx.Err() != nil:
		return Engine{}, fmt.Errorf("cannot look for Deno: %w", context.Cause(ctx))
	case err != nil:
		return Engine{}, fmt.Errorf("%w: none in brink's cache, and the one on PATH (%s) does not run: %w", ErrNotFound, path, err)
	case !e.Supported:
		return Engine{}, fmt.Errorf("%w: none in brink's cache, and the one on PATH (%s) is %s, where brink needs %s", ErrNotFound, path, e.Version, supportedText)
	}
	e.Source = SourcePath
	return e, nil
}
