package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"
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
	deno := stringFlag("", "deno", "`PATH` of a Deno to look at instead")
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

func engineCommand(_ context.Context, _ EngineOptions, _ *IO) error {
	return errors.New("engine is not wired")
}
