package launch

import (
	"slices"
	"strings"
	"testing"

	"brink/policy"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

func TestColorsAreKeptWhenAskedFor(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": `console.log({ n: 1 }); Deno.serve(() => new Response("ok"));`})
	p.options.Color = true
	if m := p.start().await(wire.TypeLog); m.Text != "{ n: \x1b[33m1\x1b[39m }" {
		t.Errorf("logged %q", m.Text)
	}
	p.write("hello/index.ts", "let x: = 3;")
	err := p.launcher().Prepare(t.Context(), p.function, nil)
	if err == nil || !strings.HasPrefix(stripColor(err.Error()), "SyntaxError: ") {
		t.Errorf("Prepare returned %q", err)
	}
}

func TestTheHeapIsLimitedOnlyWhenLimitsAreEnforced(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": ``})
	heap := func() []string {
		args := p.launcher().runArgs(p.function, worker.Paths{})
		return slices.DeleteFunc(args, func(arg string) bool { return !strings.HasPrefix(arg, "--v8-flags") })
	}
	if got := heap(); !slices.Equal(got, []string{"--v8-flags=--max-heap-size=320"}) {
		t.Errorf("enforced: %q", got)
	}
	p.function.Limits.Enforcement = policy.Warn
	if got := heap(); len(got) != 0 {
		t.Errorf("warned about: %q", got)
	}
}

func TestAPathIsOnePermissionHoweverOftenItIsNamed(t *testing.T) {
	dir := resolved(shortTempDir(t))
	if got, want := paths(dir+"/a", "", dir+"/a", dir+"/b"), dir+"/a,"+dir+"/b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAProxyIsNeverUsedForLoopback(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": ""})
	p.options.Environ = []string{"HTTP_PROXY=http://127.0.0.1:1", "NO_PROXY=intern", "SECRET=1"}
	env := p.launcher().environ(p.function)
	for _, want := range []string{"HTTP_PROXY=http://127.0.0.1:1", "NO_PROXY=intern,localhost,127.0.0.1,::1"} {
		if !slices.Contains(env, want) {
			t.Errorf("%q is missing in %q", want, env)
		}
	}
	if slices.Contains(env, "SECRET=1") {
		t.Errorf("brink's own variables are passed on: %q", env)
	}
}
