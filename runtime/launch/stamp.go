package launch

import (
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"

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
