package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"brink/runtime/config"
)

// The exit codes are part of the contract with scripts.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2 // brink was called wrongly
)

// handlers are what the commands do, once their flags are read.
type handlers struct {
	serve   func(context.Context, ServeOptions, *IO) error
	restart func(context.Context, RestartOptions, *IO) error
	end     func(context.Context, EndOptions, *IO) error
	list    func(context.Context, ListOptions, *IO) error
	create  func(context.Context, NewOptions, *IO) error
	engine  func(context.Context, EngineOptions, *IO) error
	token   func(context.Context, TokenOptions, *IO) error
	ws      func(context.Context, WSOptions, *IO) error
}

// Run runs one brink command and returns its exit code: 0, 1 for an error, 2
// for a fault in how it was called. args are without the program's name. Run
// blocks until the command is done; cancelling ctx ends it in order, and a
// command that was ended that way and cleaned up has not failed.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	wired := handlers{
		serve: serve, restart: restart, end: end, list: list, create: create,
		engine: engineCommand, token: token, ws: ws,
	}
	return run(ctx, wired, args, &IO{Stdin: stdin, Stdout: stdout, Stderr: stderr, Environ: environ})
}

func run(ctx context.Context, h handlers, args []string, o *IO) int {
	app := newApp(h, o)
	inv, err := resolve(app, args)
	if err == nil && inv.help {
		writeHelp(o.Stdout, app, inv)
		return exitOK
	}
	if err == nil {
		err = app.RunContext(ctx, inv.argv)
	}
	return report(o.Stderr, err)
}

// report tells the user what went wrong and returns the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	if usage, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintf(w, "brink: %s\nRun %s --help for what it takes.\n", usage.Text, usage.Command)
		return exitUsage
	}
	fmt.Fprintf(w, "brink: %v\n", err)
	if faults, ok := errors.AsType[*config.Faults](err); ok && !slices.ContainsFunc(faults.List, notAFlag) {
		return exitUsage
	}
	return exitError
}

// notAFlag says whether a fault is in a file or the environment, and not only
// in how brink was called.
func notAFlag(f config.Fault) bool { return f.File != "" || !strings.HasPrefix(f.Key, "--") }

// newApp builds the command tree. urfave/cli parses flags and dispatches; help
// and the search for the command are in help.go and args.go.
func newApp(h handlers, o *IO) *cli.App {
	app := &cli.App{
		Name:        "brink",
		Usage:       "Runs Supabase Edge Functions on this machine as the hosted platform would.",
		Description: rootExamples,
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version"}},
		Writer:      o.Stdout,
		ErrWriter:   o.Stderr,
		HideHelp:    true, HideVersion: true,
		// Without a handler urfave/cli calls os.Exit by itself.
		ExitErrHandler: func(*cli.Context, error) {},
		// Commas are part of header values and file names.
		DisableSliceFlagSeparator: true,
		Commands: []*cli.Command{
			{Name: "functions", Usage: "Serve, restart, end, list and create functions.", Subcommands: []*cli.Command{
				serveCommand(h, o), restartCommand(h, o), endCommand(h, o), listCommand(h, o), newCommand(h, o),
			}},
			engineCommands(h, o),
			tokenCommand(h, o),
			wsCommand(h, o),
			{Name: "version", Usage: "Print brink's version.", Action: func(*cli.Context) error { return printVersion(o.Stdout) }},
		},
	}
	app.Action = func(*cli.Context) error { return printVersion(o.Stdout) } // resolve lets only --version through
	for _, c := range app.Commands {
		adopt(c, "brink")
	}
	return app
}

const rootExamples = `Examples:
  brink functions serve                 serve every function of this project
  brink functions serve hello --port 0  one function, on a free port
  brink ws ws://127.0.0.1:54321/functions/v1/chat`

// adopt switches off what brink does by itself and gives every command its
// usage errors.
func adopt(c *cli.Command, parent string) {
	path := parent + " " + c.Name
	c.HideHelp = true
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return explainFlagError(path, c.Flags, err) }
	for _, sub := range c.Subcommands {
		adopt(sub, path)
	}
}

// noArgs refuses names behind a command that takes none.
func noArgs(c *cli.Context, path string) error {
	if c.Args().Present() {
		return usagef(path, "%s takes no argument, but got %q", path, c.Args().First())
	}
	return nil
}

// stringFlag and its siblings keep the flag tables readable. usage
// begins with the value's name in backquotes.
func stringFlag(category, name, usage string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Usage: usage, Category: category}
}

func boolFlag(category, name, usage string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Usage: usage, Category: category}
}

func projectFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("Project", "config", "`FILE`config.toml to read (default: found by walking up from here)"),
		stringFlag("Project", "workdir", "`DIR`the project's folder (default: where supabase/config.toml is found)"),
	}
}

// projectOptions say which project a command is about.
func projectOptions(c *cli.Context, o *IO) config.Options {
	return config.Options{ConfigPath: c.String("config"), Workdir: c.String("workdir"), Environ: o.Environ}
}
