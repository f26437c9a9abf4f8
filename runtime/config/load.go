package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options are what a command hands to Load.
type Options struct {
	WorkDir    string   // where the command was started; "" is the process's
	ConfigPath string   // --config; relative to WorkDir
	Workdir    string   // --workdir; relative to WorkDir. SUPABASE_WORKDIR if ""
	Environ    []string // "NAME=value", as os.Environ returns it
	Flags      Flags
	// Names are the functions asked for by name; with any, only those are
	// loaded. A name that does not exist, or is disabled, is a fault.
	Names []string
	// AllowEmpty accepts a project without functions, for commands that make
	// the first one.
	AllowEmpty bool
}

// Flags are settings from the command line; nil means not given. They are
// texts as typed, so that a fault can name the flag. Paths are relative to
// Options.WorkDir. A flag beats every other source, for all functions.
type Flags struct {
	Host, Port, Policy            *string
	ImportMap, Upstream           *string
	Spare, DrainTimeout           *string
	Plan, Limits, Parity, Reload  *string
	WallClock, CPUSoft, CPUHard   *string
	Memory, IdleTimeout, TmpQuota *string
	TimeScale                     *string
	NoVerifyJWT                   *bool    // nil leaves verify_jwt to config.toml
	EnvFiles                      []string // a later file overrides an earlier one
}

// Load reads one project's configuration: flags, environment, brink.toml and
// config.toml, in that order of strength, over Default. It looks at the disk
// and starts nothing. Its error is always *Faults and holds everything that is
// wrong; what only deserves a word is in Config.Warnings. Safe for concurrent
// use.
func Load(o Options) (*Config, error) {
	l, err := newLoader(o)
	if err != nil {
		return nil, &Faults{List: []Fault{{Message: err.Error()}}}
	}
	l.locate()
	if len(l.faults) == 0 {
		l.readDotenvFiles()
		l.readDocuments()
	}
	if len(l.faults) > 0 {
		return nil, l.failure() // settings would only be read against half of the sources
	}
	c := Default()
	l.unknownKeys()
	l.project(&c)
	l.edgeRuntime(&c)
	l.auth(&c.Auth)
	l.functions(&c)
	l.validate(&c)
	if len(l.faults) > 0 {
		return nil, l.failure()
	}
	c.Warnings = tidy(l.warnings)
	c.Sources = l.sources
	return &c, nil
}

// loader is one run of Load.
type loader struct {
	opts  Options
	flags Flags
	cwd   string
	env   environment

	root, dir    string // of the project: the workdir, and config.toml's folder
	configPath   string // "" when there is none
	functionsDir string
	looked       []string // functions folders that were looked for

	docs     []*document // brink.toml, then config.toml; missing ones left out
	sources  []string
	faults   []Fault
	warnings []Fault
}

func newLoader(o Options) (*loader, error) {
	cwd := o.WorkDir
	if cwd == "" {
		var err error
		if cwd, err = os.Getwd(); err != nil {
			return nil, err
		}
	}
	cwd, err := filepath.Abs(cwd)
	if err != nil {
		return nil, err
	}
	return &loader{opts: o, flags: o.Flags, cwd: realPath(cwd), env: newEnvironment(o.Environ)}, nil
}

func (l *loader) failure() error { return &Faults{Dir: l.cwd, List: tidy(l.faults)} }

// fault records what is wrong at a place.
func (l *loader) fault(at Fault, message string) {
	at.Message = message
	l.faults = append(l.faults, at)
}

// warn records what deserves a word at a place.
func (l *loader) warn(at Fault, message string) {
	at.Message = message
	l.warnings = append(l.warnings, at)
}

// source records a file to be watched, whether it exists or not.
func (l *loader) source(path string) {
	if !slices.Contains(l.sources, path) {
		l.sources = append(l.sources, path)
	}
}

// supabaseKey is a key of the Supabase CLI's config.toml.
func supabaseKey(path ...string) key {
	return key{env: []string{envName("SUPABASE", path...)}, paths: [][]string{path}}
}

// functionKey is a key of [functions.<name>].
func functionKey(name, k string) key { return supabaseKey("functions", name, k) }

// brinkKey is one of brink's own keys, for one function or, with name "", for
// all of them.
func brinkKey(name, k string, given *string) key {
	out := key{flag: "--" + strings.ReplaceAll(k, "_", "-"), given: given}
	if name != "" {
		out.env = append(out.env, envName("BRINK_FUNCTIONS", name, k))
		out.paths = append(out.paths, []string{"functions", name, k})
	}
	out.env = append(out.env, envName("BRINK", k))
	out.paths = append(out.paths, []string{"edge_runtime", k})
	return out
}

// envName is the variable that overrides a key. A shell cannot set a name with
// a hyphen, so a function's hyphens become underscores too.
func envName(prefix string, path ...string) string {
	name := prefix + "_" + strings.Join(path, "_")
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
