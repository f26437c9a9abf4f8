package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"brink/runtime/engine"
)

// TestMain lets the test binary be brink itself: a copy of it, called brink,
// is on the scripts' PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"brink": main})
}

// TestScripts runs testdata/script/*.txtar against the real engine. The
// commands that scripts use besides testscript's own are listed in
// scriptcmd_test.go. BRINK_DENO names the engine; without it brink's own search
// finds or installs one, and the test fails where neither works.
func TestScripts(t *testing.T) {
	deno := scriptEngine(t)
	cache := scriptCache(t, deno)
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("..", "..", "testdata", "script"),
		RequireUniqueNames: true,
		Cmds:               scriptCommands,
		Setup:              func(env *testscript.Env) error { return setUpScript(env, deno, cache) },
	})
}

// scriptEngine returns the path of the Deno that the scripts run.
func scriptEngine(t *testing.T) string {
	t.Helper()
	o := &IO{Environ: os.Environ()}
	cache, err := engine.DefaultCacheDir(o.Environ)
	if err != nil {
		t.Fatal(err)
	}
	found, err := engine.Ensure(t.Context(), engineOptions("", cache, o))
	if err != nil {
		t.Fatalf("the scripts need the engine: %v", err)
	}
	return found.Path
}

// scriptPackages are the npm packages that scripts import. They are fetched
// once for all of them, so that no script waits for the network.
var scriptPackages = []string{
	"npm:express@5", "npm:express-ws@5", "npm:hono@4", "npm:ws@8", "npm:@types/ws@8", "npm:@hono/node-server@1", "npm:@hono/node-ws@1",
	"npm:@supabase/supabase-js@2", "npm:@supabase/server@^1", "npm:is-number@7",
}

// scriptCache makes the cache folder that all scripts share.
func scriptCache(t *testing.T, deno string) string {
	t.Helper()
	// Not t.TempDir: its path is too long for the control socket below it.
	cache, err := os.MkdirTemp("", "brink-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(cache) })
	var imports strings.Builder
	for _, p := range scriptPackages {
		imports.WriteString("import " + `"` + p + `";` + "\n")
	}
	module := filepath.Join(t.TempDir(), "packages.ts")
	if err := os.WriteFile(module, []byte(imports.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	fetch := exec.CommandContext(t.Context(), deno, "cache", "--node-modules-dir=none", "--no-lock", module)
	fetch.Env = append(os.Environ(), "DENO_DIR="+filepath.Join(cache, "deno"), "DENO_NO_PACKAGE_JSON=1", "NO_COLOR=1")
	if out, err := fetch.CombinedOutput(); err != nil {
		t.Fatalf("cannot fetch the npm packages that scripts use: %v\n%s", err, out)
	}
	return cache
}

// passedToScripts is what a script's brink gets of the environment of the
// tests: what it takes to reach package registries.
var passedToScripts = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NPM_CONFIG_REGISTRY", "DENO_AUTH_TOKENS",
	"DENO_TLS_CA_STORE", "DENO_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "HOME", "USERPROFILE",
	"GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN",
}

// setUpScript makes a script's environment and its state.
func setUpScript(env *testscript.Env, deno, cache string) error {
	for _, name := range passedToScripts {
		if value, ok := os.LookupEnv(name); ok {
			env.Setenv(name, value)
		}
	}
	env.Setenv("BRINK_DENO", deno)
	env.Setenv("BRINK_CACHE", cache)
	// A worker's sockets lie below it, and their paths are short.
	env.Setenv("TMPDIR", os.TempDir())
	repo, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	env.Setenv("REPO", repo)
	env.Setenv("NUMCPU", itoa(goruntime.NumCPU()))
	ctx, cancel := context.WithCancel(context.Background())
	s := &script{
		ctx: ctx, cancel: cancel, t: env.T(), work: env.WorkDir, environ: env.Vars,
		servers: map[string]*served{}, calls: map[string]*exchanged{}, sockets: map[string]*socket{},
	}
	env.Values[stateKey{}] = s
	env.Defer(s.close)
	return nil
}
