package launch

import (
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"brink/runtime/config"
)

// A stamp is made of names, sizes and modification times: cheap enough to be
// taken before every new worker, and different after every save.

// Stamp stands for the files that the engine reads when its process starts,
// before the gate: a spare that was started under another stamp holds old
// settings. It takes some 20 microseconds.
func (d *Deno) Stamp(f config.Function) string {
	h := fnv.New64a()
	stampFile(h, f.ImportMap)
	stampFile(h, userLock(f))
	for dir := f.Dir; ; dir = filepath.Dir(dir) {
		for _, name := range []string{"deno.json", "deno.jsonc", "package.json", ".npmrc"} {
			stampFile(h, filepath.Join(dir, name))
		}
		if dir == filepath.Dir(dir) || dir == d.o.Root {
			return fmt.Sprintf("%x", h.Sum64())
		}
	}
}

// Stamp stands for the sources that the function's executable is built from:
// its module's, or its folder's when it is in none. Other modules of a
// workspace count too.
func (g *Go) Stamp(f config.Function) string {
	h := fnv.New64a()
	root := stampRoot(goDir(f))
	// What cannot be read cannot be built either: Prepare says so.
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
		return nil
	})
	return fmt.Sprintf("%x", h.Sum64())
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

func stampFile(h io.Writer, path string) {
	if path == "" {
		return
	}
	if info, err := os.Stat(path); err == nil {
		stampInfo(h, path, info)
	}
}

func stampInfo(h io.Writer, path string, info fs.FileInfo) {
	fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
}
