package launch

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"brink/runtime/config"
	"brink/runtime/worker"
)

// DenoOptions say how a Deno launcher works. Engine and CacheDir are required.
type DenoOptions struct {
	// Engine is the absolute path of the deno program.
	Engine string
	// CacheDir is brink's own cache folder; the module cache (DENO_DIR), lock
	// files and the bootstrap lie below it. It is made when missing.
	CacheDir string
	// FunctionsDir is the project's functions folder, which its functions may
	// read besides their own; "" when there is none.
	FunctionsDir string
	// Root is the project's folder: settings above it do not count for Stamp.
	Root string
	// Environ is brink's own environment, KEY=value. Only what resolving
	// dependencies needs is passed on (see passedOn), and it is gone from the
	// process before any user code runs.
	Environ []string
	// Color keeps the colours of the engine's error texts and of console
	// output.
	Color bool
	// InspectMode starts every worker with a debugger: run, brk or wait; "" for
	// none. InspectPort is the first port for them, on 127.0.0.1.
	InspectMode string
	InspectPort int
	// Debugger is told on which port a worker's debugger will listen. May be
	// nil.
	Debugger func(function string, port int)
}

// Deno launches functions on the Deno engine. Its methods may be called by
// many goroutines at once.
type Deno struct {
	o         DenoOptions
	denoDir   string
	bootstrap string // path of the preloaded module
	inspect   *inspectPorts
	node      nodeUse
}

// NewDeno returns a launcher after writing the bootstrap to the cache.
func NewDeno(o DenoOptions) (*Deno, error) {
	bootstrap, err := extractBootstrap(filepath.Join(o.CacheDir, "bootstrap"))
	if err != nil {
		return nil, fmt.Errorf("cannot write the worker bootstrap to the cache %q: %w; make the folder writable or set BRINK_CACHE", o.CacheDir, err)
	}
	d := &Deno{o: o, denoDir: filepath.Join(o.CacheDir, "deno"), bootstrap: bootstrap, inspect: &inspectPorts{first: o.InspectPort},
		node: nodeUse{graphs: map[string]graphNote{}}}
	if err := os.MkdirAll(filepath.Join(d.denoDir, "locks"), 0o755); err != nil {
		return nil, fmt.Errorf("cannot create the module cache: %w; make the folder writable or set BRINK_CACHE", err)
	}
	return d, nil
}

// quietLog keeps what a running engine prints to errors about the module graph.
// Without it the engine advises the user to run "deno serve".
const quietLog = "DENO_LOG=error,ext:runtime=off"

// loadNodeEarly makes the bootstrap load node's modules before the gate.
const loadNodeEarly = "BRINK_NODE=1"

// Spec describes a new worker of f with the execution id given; env is what
// the function sees as its environment, whole.
func (d *Deno) Spec(f config.Function, id string, env map[string]string) (worker.Spec, error) {
	return worker.Spec{
		Function: f.Name,
		ID:       id,
		Command: func(p worker.Paths) worker.Command {
			env := append(d.environ(f), quietLog, "TMPDIR="+p.Tmp, "TZ=UTC", "LANG=en_US.UTF-8")
			if d.usesNode(f) {
				env = append(env, loadNodeEarly)
			}
			return worker.Command{Path: d.o.Engine, Args: d.runArgs(f, p), Env: env, Dir: f.Dir}
		},
		Env:           env,
		Options:       func(p worker.Paths) json.RawMessage { return d.bootstrapOptions(f, p) },
		MainThreadCPU: true,
	}, nil
}

// options go to the bootstrap when the gate opens.
type options struct {
	Tmp         string   `json:"tmp"`         // the function's /tmp
	TmpQuota    int64    `json:"tmpQuota"`    // bytes; 0 for none
	Dir         string   `json:"dir"`         // relative paths are resolved from it
	Roots       []string `json:"roots"`       // the project's folders, should they lie in the machine's /tmp
	Cache       string   `json:"cache"`       // the module cache, where packages read their own files
	StaticFiles []string `json:"staticFiles"` // absolute glob patterns that may be read
	Node        bool     `json:"node"`        // it may use npm packages or node: modules
}

func (d *Deno) bootstrapOptions(f config.Function, p worker.Paths) json.RawMessage {
	patterns := make([]string, 0, len(f.StaticFiles))
	for _, pattern := range f.StaticFiles {
		patterns = append(patterns, filepath.ToSlash(pattern))
	}
	text, err := json.Marshal(options{
		Tmp: p.Tmp, TmpQuota: f.Limits.TmpQuota, Dir: f.Dir, Roots: d.roots(f), Cache: d.denoDir, StaticFiles: patterns,
		Node: d.usesNode(f),
	})
	if err != nil {
		panic("launch: options of strings and numbers do not encode: " + err.Error())
	}
	return text
}

// roots are the folders of the project that are the function's to see.
func (d *Deno) roots(f config.Function) []string {
	roots := append(staticRoots(f), f.Dir)
	if d.o.FunctionsDir != "" {
		roots = append(roots, d.o.FunctionsDir)
	}
	return roots
}

// passedOn are the variables of brink's own environment that the engine reads
// to resolve and download modules, and the places it finds its own files by.
var passedOn = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
	"NPM_CONFIG_REGISTRY", "JSR_URL", "DENO_AUTH_TOKENS",
	"DENO_TLS_CA_STORE", "DENO_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
	"HOME", "USERPROFILE", "SystemRoot", "SYSTEMROOT",
}

// environ returns the environment that the engine is started with.
func (d *Deno) environ(f config.Function) []string {
	given := map[string]string{}
	for _, pair := range d.o.Environ {
		if key, value, ok := strings.Cut(pair, "="); ok {
			given[key] = value
		}
	}
	if dir := d.npmrcDir(f); dir != "" {
		given["HOME"] = dir
	}
	env := []string{
		"DENO_DIR=" + d.denoDir,
		"DENO_NO_UPDATE_CHECK=1",
		"DENO_NO_PROMPT=1",
		// brink and its functions are on loopback, which no proxy reaches.
		"NO_PROXY=" + strings.TrimPrefix(firstOf(given, "NO_PROXY", "no_proxy")+",localhost,127.0.0.1,::1", ","),
	}
	for _, key := range passedOn {
		if value := given[key]; value != "" {
			env = append(env, key+"="+value)
		}
	}
	if given["DENO_TLS_CA_STORE"] == "" {
		// A company's own authority is in the system's store.
		env = append(env, "DENO_TLS_CA_STORE=mozilla,system")
	}
	if cert := given["NODE_EXTRA_CA_CERTS"]; cert != "" && given["DENO_CERT"] == "" {
		env = append(env, "DENO_CERT="+cert)
	}
	if d.o.Color {
		env = append(env, "FORCE_COLOR=1")
	} else {
		env = append(env, "NO_COLOR=1")
	}
	if !f.UsePackageJSON {
		// One anywhere above the entrypoint would switch npm resolution to
		// its node_modules, and break functions inside web apps.
		env = append(env, "DENO_NO_PACKAGE_JSON=1")
	}
	return env
}

// npmrcDir is the folder to give the engine as home, so that it finds the
// function's .npmrc: beside an entrypoint without deno.json or package.json it
// does not look for one. "" leaves the user's own home.
func (d *Deno) npmrcDir(f config.Function) string {
	if f.DenoConfig != "" || f.UsePackageJSON {
		return ""
	}
	for _, dir := range []string{f.Dir, d.o.FunctionsDir} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, ".npmrc")); err == nil && info.Mode().IsRegular() {
			return dir
		}
	}
	return ""
}

func firstOf(values map[string]string, keys ...string) string {
	for _, key := range keys {
		if values[key] != "" {
			return values[key]
		}
	}
	return ""
}
