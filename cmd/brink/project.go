package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"brink/runtime/config"
)

// project is where the files of one project are, as far as the commands that
// do not read its configuration have to know.
type project struct {
	Root string // absolute: the workdir
	Dir  string // absolute: the folder of config.toml; functions/ is beside it
}

// findProject finds the project as serve does: --config, else --workdir or
// SUPABASE_WORKDIR, else the nearest folder upwards that holds
// supabase/config.toml, else the current one.
func findProject(p config.Options, o *IO) (project, error) {
	workdir := cmp.Or(p.Workdir, o.Getenv("SUPABASE_WORKDIR"))
	if p.ConfigPath != "" {
		return givenProject(p.ConfigPath, workdir)
	}
	root, err := filepath.Abs(workdir)
	if err != nil {
		return project{}, fmt.Errorf("cannot find the project: %w", err)
	}
	if workdir != "" {
		if info, err := os.Stat(root); err != nil || !info.IsDir() {
			return project{}, fmt.Errorf("cannot find the project: %s is not a folder; check --workdir", root)
		}
		return project{Root: root, Dir: projectDir(root)}, nil
	}
	for up := root; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, "supabase", "config.toml")); err == nil {
			return project{Root: up, Dir: filepath.Join(up, "supabase")}, nil
		}
		if up == filepath.Dir(up) {
			return project{Root: root, Dir: projectDir(root)}, nil
		}
	}
}

// givenProject is the project of --config.
func givenProject(config, workdir string) (project, error) {
	path, err := filepath.Abs(config)
	if err != nil {
		return project{}, fmt.Errorf("cannot find %q: %w", config, err)
	}
	found := project{Root: filepath.Dir(path), Dir: filepath.Dir(path)}
	if filepath.Base(found.Dir) == "supabase" {
		found.Root = filepath.Dir(found.Dir)
	}
	if workdir != "" {
		if found.Root, err = filepath.Abs(workdir); err != nil {
			return project{}, fmt.Errorf("cannot find %q: %w", workdir, err)
		}
	}
	return found, nil
}

// projectDir returns root/supabase when the project keeps its files there.
func projectDir(root string) string {
	dir := filepath.Join(root, "supabase")
	if _, err := os.Stat(filepath.Join(root, "config.toml")); err == nil {
		if _, err := os.Stat(filepath.Join(dir, "config.toml")); err != nil {
			return root
		}
	}
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir
	}
	return root
}
