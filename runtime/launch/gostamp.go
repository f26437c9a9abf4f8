package launch

import (
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"brink/runtime/config"
)

// Stamp stands for the sources that the function's executable may be built
// from: its module, or its folder when it is in none, the modules of its
// workspace, and those that a go.mod or go.work replaces by a folder.
func (g *Go) Stamp(f config.Function) string {
	h := fnv.New64a()
	roots := []string{stampRoot(goDir(f))}
	for i := 0; i < len(roots); i++ {
		for _, more := range stampTree(h, roots[i]) {
			if !slices.ContainsFunc(roots, func(root string) bool { return below(root, more) }) {
				roots = append(roots, more)
			}
		}
	}
	return fmt.Sprintf("%x", h.Sum64())
}

// stampTree adds the files below root, and returns the folders that its go.mod
// and go.work files name. What cannot be read cannot be built either: Prepare
// says so.
func stampTree(h io.Writer, root string) (named []string) {
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		name := e.Name()
		if e.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if info, err := e.Info(); err == nil {
			stampInfo(h, path, info)
		}
		if name == "go.mod" || name == "go.work" {
			named = append(named, localPaths(path)...)
		}
		return nil
	})
	return named
}

// localPaths returns the folders that a go.mod or go.work file refers to: a
// path is what begins with a dot or is absolute (go.dev/ref/mod).
func localPaths(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var paths []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "//")
		for word := range strings.FieldsSeq(line) {
			word = filepath.FromSlash(strings.Trim(word, "\"`"))
			switch {
			case filepath.IsAbs(word):
				paths = append(paths, filepath.Clean(word))
			case word == "." || word == ".." || strings.HasPrefix(word, "."+string(filepath.Separator)) || strings.HasPrefix(word, ".."+string(filepath.Separator)):
				paths = append(paths, filepath.Join(filepath.Dir(file), word))
			}
		}
	}
	return paths
}

// below says whether path is root or inside it.
func below(root, path string) bool {
	return path == root || strings.HasPrefix(path, root+string(filepath.Separator))
}

// stampRoot is the outermost folder that the build may read: that of go.work,
// else of go.mod, else dir itself.
func stampRoot(dir string) string {
	module := ""
	for up := dir; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, "go.work")); err == nil {
			return up
		}
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil && module == "" {
			module = up
		}
		if up == filepath.Dir(up) {
			break
		}
	}
	if module != "" {
		return module
	}
	return dir
}
