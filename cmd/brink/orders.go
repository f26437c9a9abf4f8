package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// RestartOptions are the arguments of `brink functions restart`.
type RestartOptions struct {
	ProjectOptions
	Names []string // empty: all
}

// EndOptions are the arguments of `brink functions end`.
type EndOptions struct {
	ProjectOptions
	Name   string
	Reason string // one of endReasons
}

// endReasons are the ends that can be rehearsed.
var endReasons = []string{"wall_clock", "cpu", "memory", "early_drop", "termination", "crash"}

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
			return h.restart(c.Context, RestartOptions{ProjectOptions: projectOptions(c), Names: c.Args().Slice()}, o)
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
			stringFlag("", "reason", "`R`: "+strings.Join(endReasons[:5], ", ")+" or "+endReasons[5]),
		}, projectFlags()...),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef(path, "%s takes one function's name, but got %d", path, c.NArg())
			}
			if !c.IsSet("reason") {
				return usagef(path, "--reason is missing: it takes %s", strings.Join(endReasons, ", "))
			}
			if err := oneOf(path, c, "reason", endReasons); err != nil {
				return err
			}
			return h.end(c.Context, EndOptions{ProjectOptions: projectOptions(c), Name: c.Args().First(), Reason: c.String("reason")}, o)
		},
	}
}

// restartReply is the answer to POST /restart.
type restartReply struct {
	Functions  []string `json:"functions"`
	DurationMS float64  `json:"duration_ms"`
}

func restart(ctx context.Context, opts RestartOptions, o *IO) error {
	client, err := controlFor(opts.ProjectOptions, o)
	if err != nil {
		return err
	}
	names := opts.Names
	if names == nil {
		names = []string{}
	}
	var reply restartReply
	if err := client.call(ctx, "POST", "/restart", map[string]any{"names": names}, &reply); err != nil {
		return fmt.Errorf("cannot restart: %w", err)
	}
	restarted := "every function"
	if len(reply.Functions) > 0 {
		restarted = strings.Join(reply.Functions, ", ")
	} else if len(names) > 0 {
		restarted = strings.Join(names, ", ")
	}
	fmt.Fprintf(o.Stdout, "restarted %s%s\n", restarted, took(reply.DurationMS))
	return nil
}

func took(ms float64) string {
	if ms <= 0 {
		return ""
	}
	return " in " + milliseconds(ms)
}

// endReply is the answer to POST /end.
type endReply struct {
	Ended int `json:"ended"` // how many workers
}

func end(ctx context.Context, opts EndOptions, o *IO) error {
	client, err := controlFor(opts.ProjectOptions, o)
	if err != nil {
		return err
	}
	reply := endReply{Ended: -1}
	order := map[string]string{"name": opts.Name, "reason": opts.Reason}
	if err := client.call(ctx, "POST", "/end", order, &reply); err != nil {
		return fmt.Errorf("cannot end %s: %w", opts.Name, err)
	}
	switch reply.Ended {
	case -1:
		fmt.Fprintf(o.Stdout, "ended the workers of %s (%s)\n", opts.Name, opts.Reason)
	case 0:
		fmt.Fprintf(o.Stdout, "%s has no worker to end: send it a request first\n", opts.Name)
	case 1:
		fmt.Fprintf(o.Stdout, "ended 1 worker of %s (%s)\n", opts.Name, opts.Reason)
	default:
		fmt.Fprintf(o.Stdout, "ended %d workers of %s (%s)\n", reply.Ended, opts.Name, opts.Reason)
	}
	return nil
}
