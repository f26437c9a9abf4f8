package main

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"brink/policy"
)

// ServeOptions are the flags of `brink functions serve`. A nil pointer or an
// empty string means that the flag was not given, so that the environment,
// brink.toml, config.toml and the defaults decide, in this order. Paths are as
// typed: relative to the current folder, not to the project.
type ServeOptions struct {
	ProjectOptions
	Names []string // serve only these; empty: all

	Host     string
	Port     *int // 0: a free one
	Upstream string

	Policy      string
	Reload      string // manual or auto
	NoVerifyJWT *bool  // true: no function checks tokens; false: every one does
	EnvFiles    []string
	ImportMap   string
	Deno        string
	Race        bool // build Go functions with the race detector

	Spare        *int
	DrainTimeout *time.Duration

	// Set holds the flags that are configuration keys as well, by that key, as
	// typed: plan, limits, parity, wall_clock, cpu_soft, cpu_hard, memory,
	// idle_timeout, time_scale. Config parses and checks them.
	Set map[string]string

	Inspect     string // "", or run, brk, wait
	InspectMain bool
	Faults      bool // let a request header end the worker that serves it

	LogFormat string // pretty or json
	NoColor   bool
	Verbose   bool
}

// overrides are the flags whose value goes to config as typed: the key is the
// flag's name with underscores.
var overrides = []string{"plan", "limits", "parity", "wall-clock", "cpu-soft", "cpu-hard", "memory", "idle-timeout", "time-scale"}

const serveExamples = `With names, only those functions are served. Stop with Ctrl-C or q.

Examples:
  brink functions serve                          every function of the project
  brink functions serve hello chat --port 0      two of them, on a free port
  brink functions serve --policy per_worker      keeps WebSockets open
  brink functions serve --no-verify-jwt          no token needed
  brink functions serve --limits warn            says what would have died hosted
  brink functions serve --log-format json        one JSON object per event`

func serveCommand(h handlers, o *IO) *cli.Command {
	return &cli.Command{
		Name: "serve", ArgsUsage: "[name ...]",
		Usage:       "Serve the project's functions.",
		Description: serveExamples,
		Flags:       serveFlags(),
		Action: func(c *cli.Context) error {
			opts, err := readServeOptions(c)
			if err != nil {
				return err
			}
			return h.serve(c.Context, opts, o)
		},
	}
}

func serveFlags() []cli.Flag {
	const listen, run, limits, output, debugging = "Address", "Functions", "Limits and life cycle", "Output", "Debugging"
	return append(projectFlags(),
		stringFlag(listen, "host", "`ADDRESS` to listen on (default: 127.0.0.1)"),
		&cli.IntFlag{Category: listen, Name: "port", Usage: "`N`, or 0 for a free one (default: [api] port, 54321)"},
		stringFlag(listen, "upstream", "`URL` of a Supabase that answers everything outside /functions/v1/"),

		stringFlag(run, "policy", "`P`: per_request (a fresh worker for each request) or per_worker (shared; keeps sockets)"),
		&cli.BoolFlag{Category: run, Name: "no-verify-jwt", Usage: "`[=false]` check no function's tokens; =false: check every one's"},
		&cli.StringSliceFlag{Category: run, Name: "env-file", Usage: "`FILE` of variables for the functions; may be repeated"},
		stringFlag(run, "import-map", "`FILE` to use as every function's import map"),
		stringFlag(run, "reload", "`MODE` under per_worker: manual (press r) or auto (restart on edits)"),
		stringFlag(run, "deno", "`PATH` of the Deno to run (default: the pinned one)"),
		boolFlag(run, "race", "build Go functions with the race detector"),

		stringFlag(limits, "plan", "`PLAN` whose limits are the defaults: pro or free"),
		stringFlag(limits, "limits", "`MODE`: enforce, warn (say what would have happened) or off"),
		stringFlag(limits, "wall-clock", "`D` a worker may live, e.g. 400s"),
		stringFlag(limits, "cpu-soft", "`D` of CPU time after which a worker takes no new requests, e.g. 1s"),
		stringFlag(limits, "cpu-hard", "`D` of CPU time after which it is killed, e.g. 2s"),
		stringFlag(limits, "memory", "`SIZE` a worker may use, e.g. 256MB"),
		stringFlag(limits, "idle-timeout", "`D` until the first byte of a response, e.g. 150s"),
		stringFlag(limits, "time-scale", "`N` times shorter wall clock and idle times, to rehearse long lives"),
		stringFlag(limits, "parity", "`MODE`: relaxed, or strict (drop idle sockets as hosted does)"),
		&cli.IntFlag{Category: limits, Name: "spare", Usage: "`N` booted workers kept waiting for each function in use; 0: none"},
		&cli.DurationFlag{Category: limits, Name: "drain-timeout", Usage: "`D` that sockets stay on old code after a restart"},
		boolFlag(limits, "faults", "let requests end their worker with a header, to test clients"),

		stringFlag(output, "log-format", "`FORMAT`: pretty, or json for scripts"),
		boolFlag(output, "no-color", "no colours, as with NO_COLOR=1"),
		&cli.BoolFlag{Category: output, Name: "verbose", Aliases: []string{"debug"}, Usage: "say what each worker does"},

		boolFlag(debugging, "inspect", "same as --inspect-mode brk"),
		stringFlag(debugging, "inspect-mode", "`MODE` of the debugger: run, brk (stop at the first line) or wait (for a client)"),
		boolFlag(debugging, "inspect-main", "accepted for compatibility; needs one of the two above"),
		&cli.BoolFlag{Name: "all", Value: true, Hidden: true},
	)
}

func readServeOptions(c *cli.Context) (ServeOptions, error) {
	opts := ServeOptions{
		ProjectOptions: projectOptions(c),
		Names:          c.Args().Slice(),
		Host:           c.String("host"),
		Upstream:       c.String("upstream"),
		Policy:         c.String("policy"),
		Reload:         c.String("reload"),
		EnvFiles:       c.StringSlice("env-file"),
		ImportMap:      c.String("import-map"),
		Deno:           c.String("deno"),
		Race:           c.Bool("race"),
		Set:            map[string]string{},
		Inspect:        c.String("inspect-mode"),
		InspectMain:    c.Bool("inspect-main"),
		Faults:         c.Bool("faults"),
		LogFormat:      c.String("log-format"),
		NoColor:        c.Bool("no-color"),
		Verbose:        c.Bool("verbose"),
	}
	opts.Port = given(c, "port", c.Int)
	opts.NoVerifyJWT = given(c, "no-verify-jwt", c.Bool)
	opts.Spare = given(c, "spare", c.Int)
	opts.DrainTimeout = given(c, "drain-timeout", c.Duration)
	for _, name := range overrides {
		if c.IsSet(name) {
			opts.Set[strings.ReplaceAll(name, "-", "_")] = c.String(name)
		}
	}
	if opts.LogFormat == "" {
		opts.LogFormat = "pretty"
	}
	if c.Bool("inspect") {
		if c.IsSet("inspect-mode") {
			return opts, usagef(servePath, "--inspect and --inspect-mode exclude each other: leave one of them out")
		}
		opts.Inspect = "brk"
	}
	return opts, opts.check(c)
}

const servePath = "brink functions serve"

// check refuses what can be refused without reading a file.
func (o *ServeOptions) check(c *cli.Context) error {
	if o.InspectMain && o.Inspect == "" {
		return usagef(servePath, "--inspect-main needs --inspect or --inspect-mode")
	}
	if o.Port != nil && (*o.Port < 0 || *o.Port > 65535) {
		return usagef(servePath, "--port is %d: allowed are 0 (a free port) to 65535", *o.Port)
	}
	if o.Spare != nil && *o.Spare < 0 {
		return usagef(servePath, "--spare is %d: allowed are 0 and more", *o.Spare)
	}
	if o.DrainTimeout != nil && *o.DrainTimeout < 0 {
		return usagef(servePath, "--drain-timeout is %v: allowed are 0s and more", *o.DrainTimeout)
	}
	for _, choice := range []struct {
		flag    string
		allowed []string
	}{
		{"policy", policy.KindNames},
		{"reload", []string{"manual", "auto"}},
		{"plan", policy.PlanNames},
		{"limits", policy.EnforcementNames},
		{"parity", policy.ParityNames},
		{"inspect-mode", []string{"run", "brk", "wait"}},
		{"log-format", []string{"pretty", "json"}},
	} {
		if err := oneOf(servePath, c, choice.flag, choice.allowed); err != nil {
			return err
		}
	}
	return nil
}

// oneOf checks a flag that takes one of a few words.
func oneOf(path string, c *cli.Context, flag string, allowed []string) error {
	if !c.IsSet(flag) {
		return nil
	}
	got := c.String(flag)
	for _, a := range allowed {
		if a == got {
			return nil
		}
	}
	return usagef(path, "--%s is %q: allowed are %s%s", flag, got, strings.Join(allowed, ", "), didYouMean(nearest(got, allowed)))
}

// given returns the flag's value, or nil when it was not on the command line.
func given[T any](c *cli.Context, flag string, value func(string) T) *T {
	if !c.IsSet(flag) {
		return nil
	}
	v := value(flag)
	return &v
}
