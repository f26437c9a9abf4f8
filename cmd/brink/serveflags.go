package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"brink/runtime/config"
)

// ServeOptions are the flags of `brink functions serve`.
type ServeOptions struct {
	// Config holds whatever configuration files can say as well; config checks
	// it together with them.
	Config config.Options

	Deno        string // path, as typed; "" leaves it to BRINK_DENO and the engine package
	Race        bool   // build Go functions with the race detector
	Faults      bool   // let a request header end the worker that serves it
	Inspect     string // "" or run, brk, wait
	InspectMain bool   // accepted for compatibility

	LogFormat string // pretty or json
	NoColor   bool
	Verbose   bool
}

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
			opts, err := readServeOptions(c, o)
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
		stringFlag(listen, "host", "`ADDRESS`where to listen (default: 127.0.0.1)"),
		stringFlag(listen, "port", "`N`port to listen on; 0: a free one (default: [api] port, 54321)"),
		stringFlag(listen, "upstream", "`URL`a Supabase that answers everything outside /functions/v1/"),

		stringFlag(run, "policy", "`P`per_request (a fresh worker each time) or per_worker (keeps sockets)"),
		&cli.BoolFlag{Category: run, Name: "no-verify-jwt", Usage: "`[=false]`check no function's tokens; =false: check every one's"},
		&cli.StringSliceFlag{Category: run, Name: "env-file", Usage: "`FILE`variables for the functions; may be repeated"},
		stringFlag(run, "import-map", "`FILE`import map of every function"),
		stringFlag(run, "reload", "`MODE`under per_worker: manual (press r) or auto (restart on edits)"),
		stringFlag(run, "deno", "`PATH`Deno to run (default: the pinned one)"),
		boolFlag(run, "race", "build Go functions with the race detector"),

		stringFlag(limits, "plan", "`PLAN`hosted plan whose limits apply: pro (default) or free"),
		stringFlag(limits, "limits", "`MODE`enforce (default), warn (say what would have happened) or off"),
		stringFlag(limits, "wall-clock", "`D`how long a worker may live, e.g. 400s"),
		stringFlag(limits, "cpu-soft", "`D`CPU time after which a worker takes no new requests, e.g. 1s"),
		stringFlag(limits, "cpu-hard", "`D`CPU time after which it is killed, e.g. 2s"),
		stringFlag(limits, "memory", "`SIZE`memory of a worker, e.g. 256MB"),
		stringFlag(limits, "idle-timeout", "`D`time to the first byte of a response, e.g. 150s"),
		stringFlag(limits, "tmp-quota", "`SIZE`room in a worker's own /tmp, e.g. 512MB"),
		stringFlag(limits, "time-scale", "`N`make wall clock and idle times N times shorter, to rehearse long lives"),
		stringFlag(limits, "parity", "`MODE`relaxed (default), or strict (drop idle sockets as hosted does)"),
		stringFlag(limits, "spare", "`N`booted workers kept waiting for each function in use (default: 1)"),
		stringFlag(limits, "drain-timeout", "`D`how long sockets stay on old code after a restart (default: 15s)"),
		boolFlag(limits, "faults", "let requests end their worker with a header: X-Brink-End: cpu, memory, …"),

		stringFlag(output, "log-format", "`FORMAT`pretty (default), or json for scripts"),
		boolFlag(output, "no-color", "no colours, as with NO_COLOR=1"),
		&cli.BoolFlag{Category: output, Name: "verbose", Aliases: []string{"debug"}, Usage: "say what each worker does"},

		boolFlag(debugging, "inspect", "same as --inspect-mode brk"),
		stringFlag(debugging, "inspect-mode", "`MODE`debug: run, brk (stop at the first line) or wait (for a client)"),
		boolFlag(debugging, "inspect-main", "accepted for compatibility; needs one of the two above"),
		&cli.BoolFlag{Name: "all", Value: true, Hidden: true},
	)
}

func readServeOptions(c *cli.Context, o *IO) (ServeOptions, error) {
	opts := ServeOptions{
		Config:      projectOptions(c, o),
		Deno:        c.String("deno"),
		Race:        c.Bool("race"),
		Faults:      c.Bool("faults"),
		Inspect:     c.String("inspect-mode"),
		InspectMain: c.Bool("inspect-main"),
		LogFormat:   c.String("log-format"),
		NoColor:     c.Bool("no-color"),
		Verbose:     c.Bool("verbose"),
	}
	opts.Config.Names = c.Args().Slice()
	opts.Config.Flags = configFlags(c)
	if opts.LogFormat == "" {
		opts.LogFormat = "pretty"
	}
	if err := oneOf(servePath, c, "log-format", []string{"pretty", "json"}); err != nil {
		return opts, err
	}
	if err := oneOf(servePath, c, "inspect-mode", []string{"run", "brk", "wait"}); err != nil {
		return opts, err
	}
	if c.Bool("inspect") {
		if c.IsSet("inspect-mode") {
			return opts, usagef(servePath, "--inspect and --inspect-mode exclude each other: leave one of them out")
		}
		opts.Inspect = "brk"
	}
	if opts.InspectMain && opts.Inspect == "" {
		return opts, usagef(servePath, "--inspect-main needs --inspect or --inspect-mode")
	}
	return opts, nil
}

const servePath = "brink functions serve"

// configFlags hands over, as typed, what was given on the command line; nil
// for everything else.
func configFlags(c *cli.Context) config.Flags {
	text := func(name string) *string {
		if !c.IsSet(name) {
			return nil
		}
		v := c.String(name)
		return &v
	}
	f := config.Flags{
		Host: text("host"), Port: text("port"), Policy: text("policy"),
		ImportMap: text("import-map"), Upstream: text("upstream"),
		Spare: text("spare"), DrainTimeout: text("drain-timeout"),
		Plan: text("plan"), Limits: text("limits"), Parity: text("parity"), Reload: text("reload"),
		WallClock: text("wall-clock"), CPUSoft: text("cpu-soft"), CPUHard: text("cpu-hard"),
		Memory: text("memory"), IdleTimeout: text("idle-timeout"), TmpQuota: text("tmp-quota"),
		TimeScale: text("time-scale"),
		EnvFiles:  c.StringSlice("env-file"),
	}
	if c.IsSet("no-verify-jwt") {
		v := c.Bool("no-verify-jwt")
		f.NoVerifyJWT = &v
	}
	return f
}

// oneOf checks a flag that takes one of a few words.
func oneOf(path string, c *cli.Context, flag string, allowed []string) error {
	if got := c.String(flag); c.IsSet(flag) && !slices.Contains(allowed, got) {
		return usagef(path, "--%s is %q: allowed are %s%s", flag, got, strings.Join(allowed, ", "), didYouMean(nearest(got, allowed)))
	}
	return nil
}
