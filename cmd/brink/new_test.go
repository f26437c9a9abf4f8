package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewGoFunctionsPassTheirTest(t *testing.T) {
	for _, name := range []string{"my-func_Test", "http"} {
		p, o, out := projectFolder(t)
		if err := create(t.Context(), NewOptions{Project: p, Name: name, Lang: "go"}, o); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "go", "test", "./...")
		cmd.Dir = filepath.Join(p.Workdir, "supabase", "functions", name)
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		text, err := cmd.CombinedOutput()
		if err != nil || !bytes.HasPrefix(text, []byte("ok")) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		if !strings.Contains(out.String(), "brink functions serve --no-verify-jwt "+name) {
			t.Errorf("what to do next is missing: %s", out)
		}
	}
}

func TestNewRefusesAnExistingFolder(t *testing.T) {
	p, o, _ := projectFolder(t)
	opts := NewOptions{Project: p, Name: "hello", Lang: "ts"}
	if err := create(t.Context(), opts, o); err != nil {
		t.Fatal(err)
	}
	if err := create(t.Context(), opts, o); err == nil || !strings.Contains(err.Error(), "exists; remove it or take another name") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(p.Workdir, "supabase", "functions", "hello", "index.ts")); err != nil || !strings.Contains(string(text), "Deno.serve") {
		t.Errorf("%v: %s", err, text)
	}
}
