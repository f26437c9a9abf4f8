package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brink/policy"
	"brink/runtime/config"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFullSupabaseConfigLoadsWithoutAWord(t *testing.T) {
	f := hello(readFile(t, "testdata/full.toml")).with(files{"supabase/functions/hello/deno.json": `{"imports":{}}`})
	c := f.load(t, config.Options{})
	if w := warnings(c); w != "" {
		t.Errorf("warnings:\n%s", w)
	}
	if c.ProjectID != "full-example" || c.Policy != policy.PerWorker || c.Port != 54321 {
		t.Errorf("id %q, policy %v, port %d", c.ProjectID, c.Policy, c.Port)
	}
	f1 := function(t, c, "hello")
	if f1.VerifyJWT || f1.ImportMap != "" || filepath.Base(f1.DenoConfig) != "deno.json" || len(f1.StaticFiles) != 1 {
		t.Errorf("hello is %+v", f1)
	}
}

func TestExampleServesTheSamplesWithoutAWord(t *testing.T) {
	f := files{"config.toml": readFile(t, "../../config.toml.example")}
	var want []string
	for _, name := range []string{"go-hello", "go-relay", "go-websocket"} {
		f["functions/"+name+"/handler.go"] = "package handler"
		want = append(want, name)
	}
	for _, name := range []string{"hello", "relay", "websocket", "websocket-auth-protocol", "websocket-auth-query", "websocket-node"} {
		f["functions/"+name+"/index.ts"] = ""
		want = append(want, name)
	}
	c := f.load(t, config.Options{})
	if w := warnings(c); w != "" {
		t.Errorf("warnings:\n%s", w)
	}
	if c.Policy != policy.PerWorker || names(c) != strings.Join(want, " ") {
		t.Errorf("policy %v, functions %s", c.Policy, names(c))
	}
	for _, fn := range c.Functions {
		if fn.VerifyJWT {
			t.Errorf("%s checks tokens", fn.Name)
		}
		if (fn.Language == config.Go) != strings.HasPrefix(fn.Name, "go-") {
			t.Errorf("%s is %v", fn.Name, fn.Language)
		}
	}
}

// What the example says the defaults are has to be true: with every commented
// setting of brink's own switched on, nothing changes.
func TestExampleShowsTheDefaults(t *testing.T) {
	text := readFile(t, "../../config.toml.example")
	var active []string
	section := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "[") {
			section = strings.TrimSpace(line)
		}
		if bare, ok := strings.CutPrefix(line, "# "); ok && section == "[edge_runtime]" && strings.Contains(bare, " = ") {
			key, _, _ := strings.Cut(bare, " = ")
			if !strings.ContainsAny(key, " :") && key != "reload" && key != "upstream" {
				active = append(active, bare)
			}
		}
	}
	if len(active) < 12 {
		t.Fatalf("only %d settings found: %q", len(active), active)
	}
	own := hello("").with(files{"supabase/brink.toml": "[edge_runtime]\n" + strings.Join(active, "")}).load(t, config.Options{})
	plain := hello("").load(t, config.Options{})
	if own.Functions[0].Limits != plain.Functions[0].Limits {
		t.Errorf("limits: %+v, want %+v", own.Functions[0].Limits, plain.Functions[0].Limits)
	}
	if own.Plan != plain.Plan || own.Parity != plain.Parity || own.TimeScale != plain.TimeScale || own.Spare != plain.Spare || own.DrainTimeout != plain.DrainTimeout {
		t.Errorf("got %+v, want %+v", own, plain)
	}
	if w := warnings(own); w != "" {
		t.Errorf("warnings:\n%s", w)
	}
}
