package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brink/runtime/config"
)

func TestProjectIsFoundFromAnywhereInside(t *testing.T) {
	both := files{
		"p/supabase/config.toml":              `project_id = "nested"`,
		"p/supabase/functions/hello/index.ts": "",
		"p/config.toml":                       `project_id = "flat"`,
		"p/functions/flat/index.ts":           "",
		"p/deep/down/config.toml":             `project_id = "deep"`,
		"p/deep/down/functions/d/index.ts":    "",
		"q/config.toml":                       "",
		"q/functions/q/index.ts":              "",
		"q/sub/x":                             "",
		"q/sub/functions/sub/index.ts":        "",
		"r/supabase/functions/r/index.ts":     "",
		"r/functions/no/index.ts":             "",
		"s/functions/s/index.ts":              "",
		"t/my.toml":                           "",
		"t/functions/t/index.ts":              "",
	}
	root := both.write(t)
	for name, tt := range map[string]struct {
		cwd                    string
		o                      config.Options
		root, dir, path, names string
	}{
		"at the root":            {cwd: "p", root: "p", dir: "p/supabase", path: "p/supabase/config.toml", names: "hello"},
		"in the config's folder": {cwd: "p/supabase", root: "p", dir: "p/supabase", path: "p/supabase/config.toml", names: "hello"},
		"in a function":          {cwd: "p/supabase/functions/hello", root: "p", dir: "p/supabase", path: "p/supabase/config.toml", names: "hello"},
		"walk before ./config":   {cwd: "p/deep/down", root: "p", dir: "p/supabase", path: "p/supabase/config.toml", names: "hello"},
		"flat":                   {cwd: "q", root: "q", dir: "q", path: "q/config.toml", names: "q"},
		"flat is not walked to":  {cwd: "q/sub", root: "q/sub", dir: "q/sub", names: "sub"},
		"no config, nested":      {cwd: "r", root: "r", dir: "r/supabase", names: "r"},
		"no config, flat":        {cwd: "s", root: "s", dir: "s", names: "s"},
		"workdir":                {cwd: "q", o: config.Options{Workdir: "../p"}, root: "p", dir: "p/supabase", path: "p/supabase/config.toml", names: "hello"},
		"workdir, flat":          {cwd: "p", o: config.Options{Workdir: "../q"}, root: "q", dir: "q", path: "q/config.toml", names: "q"},
		"workdir is not walked":  {cwd: "p", o: config.Options{Workdir: "../r"}, root: "r", dir: "r/supabase", names: "r"},
		"workdir by environment": {cwd: "p", o: config.Options{Environ: []string{"SUPABASE_WORKDIR=../s"}}, root: "s", dir: "s", names: "s"},
		"config":                 {cwd: "q", o: config.Options{ConfigPath: "../p/supabase/config.toml"}, root: "p", dir: "p/supabase", path: "p/supabase/config.toml", names: "hello"},
		"config of any name":     {cwd: "q", o: config.Options{ConfigPath: "../t/my.toml"}, root: "t", dir: "t", path: "t/my.toml", names: "t"},
		"config and workdir":     {cwd: "q", o: config.Options{ConfigPath: "../t/my.toml", Workdir: ".."}, root: ".", dir: "t", path: "t/my.toml", names: "t"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.o.WorkDir = filepath.Join(root, tt.cwd)
			c, err := config.Load(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			show := func(path string) string {
				rel, _ := filepath.Rel(root, path)
				return filepath.ToSlash(rel)
			}
			if show(c.Root) != tt.root || show(c.Dir) != tt.dir || c.Path != "" && show(c.Path) != tt.path || (c.Path == "") != (tt.path == "") {
				t.Errorf("root %s, dir %s, path %s", c.Root, c.Dir, c.Path)
			}
			if names(c) != tt.names || c.FunctionsDir != filepath.Join(c.Dir, "functions") {
				t.Errorf("functions %s in %s", names(c), c.FunctionsDir)
			}
		})
	}
}

func TestNoFunctionsSaysWhereItLooked(t *testing.T) {
	const rest = " (a function is a folder there with an index.ts); make one with `brink functions new hello`, or name the project with --workdir or --config"
	if got, want := (files{"x": ""}).faults(t, config.Options{}), "no functions found in supabase/functions or functions"+rest; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	empty := files{"supabase/config.toml": "", "supabase/functions/_shared/index.ts": ""}
	if got, want := empty.faults(t, config.Options{}), "no functions found in supabase/functions"+rest; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c := empty.load(t, config.Options{AllowEmpty: true}); len(c.Functions) > 0 {
		t.Errorf("functions %s", names(c))
	}
}

func TestProjectIDIsTheFoldersUnlessSet(t *testing.T) {
	root := files{"my project!/supabase/functions/a/index.ts": ""}.write(t)
	c, err := config.Load(config.Options{WorkDir: filepath.Join(root, "my project!")})
	if err != nil || c.ProjectID != "my_project_" {
		t.Errorf("got %q, %v", c.ProjectID, err)
	}
	if c := hello(`project_id = "`+strings.Repeat("x", 50)+`"`).load(t, config.Options{}); c.ProjectID != strings.Repeat("x", 40) {
		t.Errorf("got %q", c.ProjectID)
	}
}

func TestSourcesNameEveryFileThatCouldMatter(t *testing.T) {
	f := hello("[auth]\nsigning_keys_path = \"./keys.json\"").with(files{"supabase/keys.json": "[]"})
	c := f.load(t, config.Options{})
	for _, want := range []string{
		"supabase/config.toml", "supabase/brink.toml", "supabase/.env", "supabase/.env.local", "supabase/.env.development", ".env",
		".env.development.local", "supabase/functions/.env", "supabase/functions/hello/.env", "supabase/keys.json",
	} {
		if !slices.Contains(c.Sources, filepath.Join(c.Root, filepath.FromSlash(want))) {
			t.Errorf("%s is missing in %q", want, c.Sources)
		}
	}
	c = files{"functions/a/index.ts": ""}.load(t, config.Options{})
	for _, want := range []string{"supabase/config.toml", "config.toml", "brink.toml"} {
		if !slices.Contains(c.Sources, filepath.Join(c.Root, filepath.FromSlash(want))) {
			t.Errorf("%s is missing in %q", want, c.Sources)
		}
	}
}

func TestDotenvFoldersDoNotMatter(t *testing.T) {
	root := hello("").write(t)
	if err := os.MkdirAll(filepath.Join(root, ".env", "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(config.Options{WorkDir: root}); err != nil {
		t.Error(err)
	}
}
