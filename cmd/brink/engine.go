package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"brink/runtime/engine"
)

// EngineAction is what `brink engine` is to do.
type EngineAction string

// The engine actions are the subcommands of `brink engine`.
const (
	EngineInstall EngineAction = "install"
	EnginePath    EngineAction = "path"
	EngineVersion EngineAction = "version"
	EngineClean   EngineAction = "clean"
)

// EngineOptions are the arguments of `brink engine …`.
type EngineOptions struct {
	Action EngineAction
	Deno   string // path of the Deno to use, as typed; "" finds or installs the pinned one
}

const engineExamples = `brink runs functions on a pinned Deno. It is found, or installed, by itself on
the first serve; these commands do it ahead of time, e.g. in a container image.

Examples:
  brink engine install
  $(brink engine path) --version`

func engineCommands(h handlers, o *IO) *cli.Command {
	sub := func(action EngineAction, usage string, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: string(action), Usage: usage, Flags: flags, Action: func(c *cli.Context) error {
			if err := noArgs(c, "brink engine "+string(action)); err != nil {
				return err
			}
			return h.engine(c.Context, EngineOptions{Action: action, Deno: c.String("deno")}, o)
		}}
	}
	deno := stringFlag("", "deno", "`PATH`a Deno to look at instead")
	return &cli.Command{
		Name: "engine", Usage: "Install, find and remove the pinned Deno.", Description: engineExamples,
		Subcommands: []*cli.Command{
			sub(EngineInstall, "Install the pinned Deno into brink's cache."),
			sub(EnginePath, "Print the path of the Deno that would be used.", deno),
			sub(EngineVersion, "Print its version.", deno),
			sub(EngineClean, "Remove installed engines from brink's cache."),
		},
	}
}

func engineCommand(ctx context.Context, opts EngineOptions, o *IO) error {
	cache, err := engine.DefaultCacheDir(o.Environ)
	if err != nil {
		return err
	}
	find := engineOptions(opts.Deno, cache, o)
	var found engine.Engine
	switch opts.Action {
	case EngineClean:
		if err := engine.Clean(cache); err != nil {
			return err
		}
		_, err := fmt.Fprintln(o.Stdout, "removed the installed engines from", cache)
		return err
	case EngineInstall:
		progress := newScreen(o.Stderr, isTerminal(o.Stderr))
		find.Progress = progressLines(progress)
		found, err = engine.Install(ctx, find)
		err = errors.Join(err, progress.Close())
	default:
		found, err = engine.Find(ctx, find)
		if errors.Is(err, engine.ErrNotFound) {
			err = fmt.Errorf("%w; install it with brink engine install", err)
		}
	}
	if err != nil {
		return err
	}
	switch opts.Action {
	case EngineVersion:
		_, err = fmt.Fprintf(o.Stdout, "Deno %s (%s)\n", found.Version, found.Source)
	default:
		_, err = fmt.Fprintln(o.Stdout, found.Path)
	}
	return err
}

// engineOptions say which Deno is asked for: --deno, else BRINK_DENO.
func engineOptions(flag, cache string, o *IO) engine.Options {
	opts := engine.Options{Explicit: flag, ExplicitFrom: "--deno", CacheDir: cache, Env: o.Environ}
	if flag == "" {
		opts.Explicit, opts.ExplicitFrom = o.Getenv("BRINK_DENO"), "BRINK_DENO"
	}
	return opts
}

// progressLines shows progress on one updating line, or as lines.
func progressLines(s *screen) func(string) {
	return func(message string) {
		message = sanitizeLine(message)
		if s.tty {
			s.setStatus(message)
			return
		}
		s.print(message+"\n", false)
	}
}
