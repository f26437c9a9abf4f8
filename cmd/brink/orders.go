package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"brink/runtime/config"
	"brink/runtime/gateway"
)

// RestartOptions are the arguments of `brink functions restart`.
type RestartOptions struct {
	Project config.Options
	Names   []string // empty: all
}

// EndOptions are the arguments of `brink functions end`.
type EndOptions struct {
	Project config.Options
	Name    string
	Reason  string // one of gateway.EndReasons
}

const restartExamples = `Requests that are being answered finish on the old code. WebSockets stay on it
until --drain-timeout, then get close code 1012.

Examples:
  brink functions restart          every function
  brink functions restart hello`

func restartCommand(h handlers, o *IO) *cli.Command {
	return &cli.Command{
		Name: "restart", ArgsUsage: "[name ...]",
		Usage:       "Let a running brink take up edited code.",
		Description: restartExamples,
		Flags:       projectFlags(),
		Action: func(c *cli.Context) error {
			return h.restart(c.Context, RestartOptions{Project: projectOptions(c, o), Names: c.Args().Slice()}, o)
		},
	}
}

const endExamples = `Ends the function's workers exactly as the real thing would, so that a client's
reconnects can be tried: requests get their 546 or 500, sockets are dropped.

Examples:
  brink functions end chat --reason wall_clock
  brink functions end hello --reason memory`

func endCommand(h handlers, o *IO) *cli.Command {
	const path = "brink functions end"
	return &cli.Command{
		Name: "end", ArgsUsage: "name",
		Usage:       "Rehearse the end of a function's workers.",
		Description: endExamples,
		Flags: append([]cli.Flag{
			stringFlag("", "reason", "`R`"+strings.Join(gateway.EndReasons, ", ")),
		}, projectFlags()...),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef(path, "%s takes one function's name, but got %d", path, c.NArg())
			}
			if !c.IsSet("reason") {
				return usagef(path, "--reason is missing: it takes %s", strings.Join(gateway.EndReasons, ", "))
			}
			if err := oneOf(path, c, "reason", gateway.EndReasons); err != nil {
				return err
			}
			return h.end(c.Context, EndOptions{Project: projectOptions(c, o), Name: c.Args().First(), Reason: c.String("reason")}, o)
		},
	}
}

func restart(ctx context.Context, opts RestartOptions, o *IO) error {
	client, err := controlFor(opts.Project, o)
	if err != nil {
		return err
	}
	start := time.Now()
	restarted, err := client.Restart(ctx, opts.Names)
	if err != nil {
		return fmt.Errorf("cannot restart: %w", client.explain(err))
	}
	if len(restarted) == 0 {
		fmt.Fprintln(o.Stdout, "nothing to restart: no function has run yet")
		return nil
	}
	fmt.Fprintf(o.Stdout, "restarted %s in %s\n", strings.Join(restarted, ", "), milliseconds(float64(time.Since(start).Microseconds())/1000))
	return nil
}

func end(ctx context.Context, opts EndOptions, o *IO) error {
	client, err := controlFor(opts.Project, o)
	if err != nil {
		return err
	}
	n, err := client.End(ctx, opts.Name, opts.Reason)
	if err != nil {
		return fmt.Errorf("cannot end %s: %w", opts.Name, client.explain(err))
	}
	if n == 0 {
		fmt.Fprintf(o.Stdout, "%s has no worker to end: send it a request first\n", opts.Name)
		return nil
	}
	fmt.Fprintf(o.Stdout, "ended %s of %s (%s)\n", plural(n, "worker"), opts.Name, opts.Reason)
	return nil
}
