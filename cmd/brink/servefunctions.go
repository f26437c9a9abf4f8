package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"time"

	"brink/policy"
	"brink/runtime/auth"
	"brink/runtime/config"
	"brink/runtime/gateway"
	"brink/runtime/launch"
	"brink/runtime/supervisor"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

// launcher prepares and describes the workers of one language.
type launcher interface {
	Prepare(ctx context.Context, f config.Function, progress func(string)) error
	Spec(f config.Function, id string, env map[string]string) (worker.Spec, error)
	Stamp(f config.Function) string
}

// grapher knows the local files that a prepared function is made of.
type grapher interface {
	Files(f config.Function) []string
}

type launchers map[config.Language]launcher

func newLaunchers(s *server, cfg *config.Config) (launchers, error) {
	deno, err := launch.NewDeno(launch.DenoOptions{
		Engine: s.engine.Path, CacheDir: s.cache, FunctionsDir: cfg.FunctionsDir, Root: cfg.Root,
		Environ: s.io.Environ, Color: s.out.color, InspectMode: s.opts.Inspect, InspectPort: cfg.InspectorPort,
		Debugger: s.debugger,
	})
	if err != nil {
		return nil, err
	}
	return launchers{
		config.JavaScript: deno,
		config.Go:         launch.NewGo(launch.GoOptions{CacheDir: s.cache, Race: s.opts.Race, Environ: s.io.Environ}),
	}, nil
}

// debugger tells where to attach to a worker.
func (s *server) debugger(function string, port int) {
	s.log.Warn("hint", slog.String("function", function), slog.String("message",
		fmt.Sprintf("the debugger of %s listens on 127.0.0.1:%d: attach your editor, or open chrome://inspect", function, port)))
}

// explainEngine makes of Deno's error output what the user should read.
func explainEngine(output string) (name, message string) {
	f := launch.DenoFault(output)
	return f.Name, f.Message
}

// functions turns the configuration into what the supervisor runs.
func (s *server) functions(cfg *config.Config, keys *auth.Keys) []supervisor.Function {
	common := keys.Env()
	common["SUPABASE_URL"] = s.baseURL()
	common["SUPABASE_DB_URL"] = cmp.Or(s.io.Getenv("SUPABASE_DB_URL"),
		fmt.Sprintf("postgresql://postgres:postgres@127.0.0.1:%d/postgres", cfg.DBPort))
	common["SB_REGION"] = "local"
	var all []supervisor.Function
	for _, f := range cfg.Functions {
		all = append(all, s.function(cfg, f, common))
	}
	return all
}

func (s *server) function(cfg *config.Config, f config.Function, common map[string]string) supervisor.Function {
	env := maps.Clone(f.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, common)
	env["SUPABASE_FUNCTION_SLUG"] = f.Name
	env["DENO_DEPLOYMENT_ID"] = cfg.ProjectID + "_" + f.Name + "_1"
	f.Limits = s.limitsOf(cfg, f)
	l := s.launchers[f.Language]
	return supervisor.Function{
		Name: f.Name, Kind: cfg.Policy, Parity: f.Parity, Limits: f.Limits,
		DrainTimeout: cfg.DrainTimeout, Spares: s.spares(cfg),
		Fingerprint: fingerprint(f, env, cfg.FunctionsDir),
		Eager:       f.Language == config.JavaScript && s.opts.Inspect == "",
		Crash:       crashOf(f.Language),
		Stamp:       func() string { return l.Stamp(f) },
		Prepare:     func(ctx context.Context) error { return s.prepare(ctx, cfg, l, f) },
		Spec: func(id string) (worker.Spec, error) {
			own := maps.Clone(env)
			own["SB_EXECUTION_ID"] = id
			spec, err := l.Spec(f, id, own)
			if f.Limits.Enforcement == policy.Enforce && f.Limits.CPUHard > 0 {
				spec.CPUBackstop = 2*f.Limits.CPUHard + cpuSlack
			}
			spec.Patient = s.opts.Inspect != ""
			return spec, err
		},
	}
}

// crashOf is how a language's runtime reports that it ended a process.
func crashOf(l config.Language) supervisor.Crash {
	if l != config.Go {
		return supervisor.Crash{}
	}
	return supervisor.Crash{Begins: launch.GoCrashBegins, Explain: launch.GoCrash}
}

// cpuSlack is what the engine's own threads may use over a worker's life before
// the system's backstop ends it.
const cpuSlack = time.Minute

// fingerprint stands for all that a worker fixes at its start. What the gateway
// or brink itself decides by is left out: a change of it restarts nothing.
func fingerprint(f config.Function, env map[string]string, functionsDir string) string {
	f.VerifyJWT, f.Reload, f.Watch = false, 0, nil
	return fmt.Sprint(f, env, functionsDir)
}

// spares is how many booted engines wait for each function: none under a
// debugger, where each would be one more thing to attach to.
func (s *server) spares(cfg *config.Config) int {
	if s.opts.Inspect != "" {
		return 0
	}
	return cfg.Spare
}

// limitsOf returns the limits that apply to f now.
func (s *server) limitsOf(cfg *config.Config, f config.Function) policy.Limits {
	l := scaledLimits(cfg, f)
	if s.opts.Inspect != "" {
		// Somebody who looks at a breakpoint uses up wall clock, and CPU while
		// expressions are evaluated.
		l.WallClock, l.CPUSoft, l.CPUHard, l.IdleTimeout = 0, 0, 0, 0
	}
	return l
}

// prepare fetches or builds, shows what is wrong with the user's code, and
// returns an error that says which way the worker failed.
func (s *server) prepare(ctx context.Context, cfg *config.Config, l launcher, f config.Function) error {
	err := l.Prepare(ctx, f, func(message string) {
		s.log.Info("progress", slog.String("function", f.Name), slog.String("message", message))
	})
	if err == nil {
		if g, ok := l.(grapher); ok {
			s.noteImports(cfg, f, g.Files(f))
		}
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if fault, ok := errors.AsType[*launch.Fault](err); ok {
		s.log.Error("fault", slog.String("function", f.Name), slog.String("phase", string(fault.Phase)),
			slog.String("name", fault.Name), slog.String("message", fault.Message), slog.String("stack", fault.Stack),
			slog.Any("hosted", bootFailure(fault.Message)))
		if fault.Phase == wire.PhaseEvaluate {
			return fmt.Errorf("%w: %w", policy.ReasonEvaluateFailed, err)
		}
	} else {
		s.log.Error("error", slog.String("function", f.Name), slog.String("message", err.Error()))
	}
	return fmt.Errorf("%w: %w", policy.ReasonLoadFailed, err)
}

// bootFailure is the hosted runtime's event for code that does not load, when
// no worker was needed to find that out; the others come from the supervisor.
func bootFailure(message string) any {
	type event struct {
		Message string `json:"msg"`
	}
	return struct {
		Type  string `json:"event_type"`
		Event event  `json:"event"`
	}{"BootFailure", event{message}}
}

// table is what the gateway serves of cfg.
func (s *server) table(cfg *config.Config, keys *auth.Keys) (gateway.Table, error) {
	t := gateway.Table{Functions: map[string]gateway.Function{}, Verifier: verifier{keys}}
	for _, f := range cfg.Functions {
		t.Functions[f.Name] = gateway.Function{
			Name: f.Name, VerifyJWT: f.VerifyJWT, Kind: cfg.Policy, Limits: s.limitsOf(cfg, f), Parity: f.Parity,
		}
	}
	if cfg.Upstream != "" {
		u, err := url.Parse(cfg.Upstream)
		if err != nil {
			return t, fmt.Errorf("cannot use --upstream %q: %w", cfg.Upstream, err)
		}
		t.Upstream = u
	}
	return t, nil
}

// keys makes the project's keys. Those of an upstream count too.
func (s *server) keys(ctx context.Context, cfg *config.Config) (*auth.Keys, error) {
	o := authOptions(cfg)
	o.Logger = s.log
	if cfg.Auth.JWTIssuer == "" {
		o.Issuer = s.baseURL() + "/auth/v1"
	}
	if cfg.Upstream != "" {
		o.JWKSURL = cfg.Upstream + "/auth/v1/.well-known/jwks.json"
	}
	keys, err := auth.New(ctx, o)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; check auth.signing_keys_path", err)
	}
	return keys, err
}

// verifier lets the gateway ask auth.
type verifier struct{ keys *auth.Keys }

func (v verifier) Verify(ctx context.Context, authorization, apikey string) *gateway.Refusal {
	_, refusal := v.keys.Verify(ctx, authorization, apikey)
	if refusal == nil {
		return nil
	}
	return &gateway.Refusal{Status: refusal.Status, Code: refusal.Code, Body: refusal.Body(), Reason: refusal.Reason}
}

func (v verifier) User(ctx context.Context, authorization string) (int, []byte) {
	status, body, _ := v.keys.User(ctx, authorization, "")
	return status, body
}

func (v verifier) PublicJWKS() []byte { return []byte(v.keys.PublicJWKS()) }
