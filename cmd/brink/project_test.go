package main

import (
	"os"
	"path/filepath"
	"testing"

	"brink/runtime/config"
)

// TestProjectIsTheOneThatConfigLoads keeps the two searches in step: restart
// has to find the socket that serve made.
func TestProjectIsTheOneThatConfigLoads(t *testing.T) {
	write := func(path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		files   []string
		cwd     string
		options config.Options
		environ []string
	}{
		{name: "supabase folder", files: []string{"supabase/config.toml"}, cwd: "."},
		{name: "from below", files: []string{"supabase/config.toml", "app/src/x"}, cwd: "app/src"},
		{name: "config.toml here", files: []string{"config.toml"}, cwd: "."},
		{name: "no config", files: []string{"functions/a/index.ts"}, cwd: "."},
		{name: "no config but supabase/functions", files: []string{"supabase/functions/a/index.ts"}, cwd: "."},
		{name: "workdir", files: []string{"p/supabase/config.toml"}, cwd: ".", options: config.Options{Workdir: "p"}},
		{name: "workdir from the environment", files: []string{"p/config.toml"}, cwd: ".", environ: []string{"SUPABASE_WORKDIR=p"}},
		{name: "config", files: []string{"p/supabase/config.toml"}, cwd: ".", options: config.Options{ConfigPath: "p/supabase/config.toml"}},
		{name: "config elsewhere", files: []string{"p/config.toml"}, cwd: ".", options: config.Options{ConfigPath: "p/config.toml"}},
		{name: "config and workdir", files: []string{"p/config.toml", "w/x"}, cwd: ".", options: config.Options{ConfigPath: "p/config.toml", Workdir: "w"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range tt.files {
				write(filepath.Join(base, filepath.FromSlash(f)))
			}
			t.Chdir(filepath.Join(base, filepath.FromSlash(tt.cwd)))
			tt.options.AllowEmpty, tt.options.Environ = true, tt.environ
			cfg, err := config.Load(tt.options)
			if err != nil {
				t.Fatal(err)
			}
			got, err := findProject(tt.options, &IO{Environ: tt.environ})
			if err != nil {
				t.Fatal(err)
			}
			if want := (project{Root: cfg.Root, Dir: cfg.Dir}); got != want {
				t.Errorf("got %+v, config has %+v", got, want)
			}
		})
	}
}

func TestAWorkdirThatIsNoFolderIsAnError(t *testing.T) {
	if _, err := findProject(config.Options{Workdir: filepath.Join(t.TempDir(), "nope")}, &IO{}); err == nil {
		t.Error("no error")
	}
}
