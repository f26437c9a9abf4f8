package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// locate finds the project: its root, config.toml and functions folder.
func (l *loader) locate() {
	if !l.locateRoot() {
		return
	}
	defer func() { l.functionsDir = realPath(l.functionsDir) }()
	l.functionsDir = filepath.Join(l.dir, "functions")
	if l.configPath == "" {
		// Nothing says which folder it is; an existing one does.
		nested := filepath.Join(l.root, "supabase")
		l.dir = l.root
		l.functionsDir = filepath.Join(l.root, "functions")
		l.looked = []string{filepath.Join(nested, "functions"), l.functionsDir}
		if isDir(l.looked[0]) {
			l.dir, l.functionsDir = nested, l.looked[0]
		}
		l.source(filepath.Join(nested, "config.toml"))
		l.source(filepath.Join(l.root, "config.toml"))
		return
	}
	l.looked = []string{l.functionsDir}
	l.source(l.configPath)
}

// locateRoot sets root, dir and configPath, and reports whether it could.
func (l *loader) locateRoot() bool {
	workdir, at := l.workdir()
	if workdir != "" && !isDir(workdir) {
		l.fault(at, "there is no such folder; name the folder that holds supabase/")
		return false
	}
	if l.opts.ConfigPath != "" {
		return l.locateGiven(workdir)
	}
	if workdir != "" {
		l.root = realPath(workdir)
		l.configIn(l.root)
		return true
	}
	for dir := l.cwd; ; dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, "supabase", "config.toml"); isFile(path) {
			l.root = dir
			l.useConfig(path)
			return true
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	l.root = l.cwd
	l.configIn(l.cwd)
	return true
}

// workdir returns --workdir or SUPABASE_WORKDIR, absolute, and its place.
func (l *loader) workdir() (string, Fault) {
	value, at := l.opts.Workdir, Fault{Key: "--workdir"}
	if value == "" {
		v, _ := l.env.get("SUPABASE_WORKDIR")
		value, at.Key = v.value, "SUPABASE_WORKDIR"
	}
	if value == "" {
		return "", at
	}
	at.Value = fmt.Sprintf("%q", value)
	return setting{dir: l.cwd}.path(value), at
}

// locateGiven uses the file that --config names.
func (l *loader) locateGiven(workdir string) bool {
	path := setting{dir: l.cwd}.path(l.opts.ConfigPath)
	if !isFile(path) {
		l.fault(Fault{Key: "--config", Value: fmt.Sprintf("%q", l.opts.ConfigPath)},
			"there is no such file; name a config.toml, or leave --config out to have it found")
		return false
	}
	l.useConfig(path)
	l.root = l.dir
	if filepath.Base(l.dir) == "supabase" {
		l.root = filepath.Dir(l.dir)
	}
	if workdir != "" {
		l.root = realPath(workdir)
	}
	return true
}

// configIn uses root's config.toml, if it has one in either place.
func (l *loader) configIn(root string) {
	for _, dir := range []string{filepath.Join(root, "supabase"), root} {
		if path := filepath.Join(dir, "config.toml"); isFile(path) {
			l.useConfig(path)
			return
		}
	}
}

// useConfig sets the file and its folder. The folder's symbolic links are
// resolved, the file's own is not: functions/ is beside the link.
func (l *loader) useConfig(path string) {
	l.dir = realPath(filepath.Dir(path))
	l.configPath = filepath.Join(l.dir, filepath.Base(path))
}

// readDotenvFiles adds the project's .env files to the environment.
func (l *loader) readDotenvFiles() {
	name := l.env["SUPABASE_ENV"].value
	if name == "" {
		name = "development"
	}
	for _, path := range dotenvFiles(l.dir, l.root, name) {
		l.source(path)
		values, fault := readDotenv(path)
		if fault != nil {
			l.faults = append(l.faults, *fault)
		}
		l.env.add(path, values)
	}
}

// readDocuments reads brink.toml and config.toml.
func (l *loader) readDocuments() {
	own := filepath.Join(l.dir, "brink.toml")
	l.source(own)
	paths := []string{own, l.configPath}
	if !isFile(own) {
		paths = paths[1:]
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		doc, fault := readDocument(path)
		if fault != nil {
			l.faults = append(l.faults, *fault)
			continue
		}
		doc.own = path == own
		l.docs = append(l.docs, doc)
	}
}

// realPath resolves the symbolic links of a path that exists.
func realPath(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
