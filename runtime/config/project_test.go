package config_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brink/runtime/config"
)

// files are the contents of a project's files, by path.
type files map[string]string

// hello is a project with one function and the given config.toml.
func hello(toml string) files {
	return files{"supabase/config.toml": toml, "supabase/functions/hello/index.ts": ""}
}

// with returns f with more files.
func (f files) with(more files) files {
	out := files{}
	for _, m := range []files{f, more} {
		maps.Copy(out, m)
	}
	return out
}

// write makes the project in a new folder and returns its real path.
func (f files) write(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range f {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// load writes the project and loads it without a fault.
func (f files) load(t *testing.T, o config.Options) *config.Config {
	t.Helper()
	c, err := f.try(t, o)
	if err != nil {
		t.Fatalf("unexpected faults:\n%v", err)
	}
	return c
}

func (f files) try(t *testing.T, o config.Options) (*config.Config, error) {
	t.Helper()
	o.WorkDir = f.write(t)
	return config.Load(o)
}

// faults loads a project that is wrong and returns what is, one line each.
func (f files) faults(t *testing.T, o config.Options) string {
	t.Helper()
	c, err := f.try(t, o)
	if err == nil {
		t.Fatalf("no faults, but %+v", c)
	}
	if _, ok := errors.AsType[*config.Faults](err); !ok {
		t.Fatalf("the error is a %T", err)
	}
	return filepath.ToSlash(err.Error())
}

// warnings returns what deserved a word, one line each, with paths relative to
// the project.
func warnings(c *config.Config) string {
	lines := make([]string, len(c.Warnings))
	for i, w := range c.Warnings {
		lines[i] = strings.ReplaceAll(filepath.ToSlash(w.In(c.Root)), filepath.ToSlash(c.Root), "ROOT")
	}
	return strings.Join(lines, "\n")
}

// function returns a function that has to be there.
func function(t *testing.T, c *config.Config, name string) config.Function {
	t.Helper()
	for _, f := range c.Functions {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("there is no function %q in %v", name, names(c))
	return config.Function{}
}

func names(c *config.Config) string {
	var out []string
	for _, f := range c.Functions {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}
