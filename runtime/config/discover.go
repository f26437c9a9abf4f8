package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// slugPattern is what a function may be called, as in the Supabase CLI.
var slugPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

func invalidSlug(name string) string {
	return "Invalid Function name: " + name + ". Must start with at least one letter, and only include alphanumeric characters, underscores, and hyphens. (" + slugPattern.String() + ")"
}

// indexNames are the entrypoints looked for in a function's folder, in order.
// The Supabase CLI finds index.ts only; the others are brink's addition.
var indexNames = []string{"index.ts", "index.tsx", "index.js", "index.mjs", "index.jsx", "index.cjs"}

// scriptExtensions are those an entrypoint for Deno may have.
var scriptExtensions = []string{".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"}

// entry is where a function starts.
type entry struct {
	name     string
	language Language
	path     string // the file; for Go, the folder
	dir      string
}

// discover lists the functions in the functions folder, by name. Folders whose
// names are no function names are passed over: _shared, .git and the like
// silently, others with a word when they look like functions.
func (l *loader) discover() []entry {
	items, err := os.ReadDir(l.functionsDir)
	if err != nil {
		return nil
	}
	var found []entry
	for _, item := range items {
		name := item.Name()
		dir := filepath.Join(l.functionsDir, name)
		if strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") || !isDir(dir) {
			continue
		}
		e, ok := entryIn(realPath(dir))
		if !ok {
			continue
		}
		if !slugPattern.MatchString(name) {
			l.warn(Fault{File: dir}, invalidSlug(name))
			continue
		}
		e.name = name
		found = append(found, e)
	}
	return found
}

// entryIn finds the entrypoint in a folder: an index file for Deno, else the
// folder itself when Go files lie in it. Whether those declare a Handler is
// for the build to say, which can explain what it expected.
func entryIn(dir string) (entry, bool) {
	for _, name := range indexNames {
		if path := filepath.Join(dir, name); isFile(path) {
			return entry{path: path, dir: dir}, true
		}
	}
	if hasGoFiles(dir) {
		return entry{language: Go, path: dir, dir: dir}, true
	}
	return entry{}, false
}

func hasGoFiles(dir string) bool {
	items, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(items, func(item os.DirEntry) bool {
		return filepath.Ext(item.Name()) == ".go" && !item.IsDir()
	})
}

// entrypoint decides where a function starts: its entrypoint key, else what
// was discovered, else the place where index.ts would be. A missing file is a
// warning: the function is served and answers BOOT_ERROR, as hosted.
func (l *loader) entrypoint(name string, found entry) (entry, bool) {
	path := ""
	s, set := read(l, functionKey(name, "entrypoint"), &path, asString)
	if s.value != nil && !set {
		return entry{}, false // a fault by now
	}
	if path == "" {
		if found.name != "" {
			return found, true
		}
		path, _ = filepath.Abs(filepath.Join(l.functionsDir, name, indexNames[0]))
		s, _ = l.find(key{paths: [][]string{{"functions", name}}})
	}
	e, err := entryAt(s.path(path))
	if err != nil {
		l.fault(s.at, err.Error())
		return entry{}, false
	}
	if e.language == JavaScript && !isFile(e.path) || e.language == Go && !isDir(e.path) {
		l.warn(s.at, fmt.Sprintf("failed to read file: open %s: no such file or directory; requests get 503 BOOT_ERROR until it is there", e.path))
	}
	e.name = name
	return e, true
}

// entryAt reads an entrypoint: a script, a Go file, or the folder of either.
func entryAt(path string) (entry, error) {
	if isDir(path) {
		dir := realPath(path)
		if e, ok := entryIn(dir); ok {
			return e, nil
		}
		return entry{path: filepath.Join(dir, indexNames[0]), dir: dir}, nil
	}
	dir := realPath(filepath.Dir(path))
	switch ext := filepath.Ext(path); {
	case ext == ".go":
		return entry{language: Go, path: dir, dir: dir}, nil
	case slices.Contains(scriptExtensions, ext):
		return entry{path: filepath.Join(dir, filepath.Base(path)), dir: dir}, nil
	}
	return entry{}, fmt.Errorf("not a file that can be run; allowed are %s, or the folder of a Go function", strings.Join(append(scriptExtensions[:6:6], ".go"), " "))
}
