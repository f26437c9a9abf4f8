package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// How long executables stay. A worker that runs goes on when its file is
// removed, and one that is to start touches its file first.
const (
	goKeepBuilds = 3                  // of one function, the latest used
	goKeepUnused = 7 * 24 * time.Hour // of any function
	goKeepBroken = 24 * time.Hour     // folders of builds that were killed
)

// goCache is the folder of built executables: bin/<function>-<folder>/<key>.
// Many brinks may use it at once: files appear in it complete, by rename, and
// the same key always has the same content.
type goCache struct{ dir string }

// temporary returns a folder on the cache's own file system.
func (c goCache) temporary() (string, error) {
	dir := filepath.Join(c.dir, "tmp")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("cannot make the build cache: %w", err)
	}
	return dir, nil
}

// of is the folder of one function's executables; two projects may have
// functions of the same name.
func (c goCache) of(name, dir string) string {
	return filepath.Join(c.dir, "bin", name+"-"+goHash(dir)[:8])
}

// find returns the executable of that key and marks it as used.
func (c goCache) find(name, dir, key string) (string, bool) {
	path := filepath.Join(c.of(name, dir), key[:32])
	now := time.Now()
	return path, os.Chtimes(path, now, now) == nil
}

// keep moves an executable into the cache and removes old ones.
func (c goCache) keep(name, dir, key, built string) (string, error) {
	folder := c.of(name, dir)
	path := filepath.Join(folder, key[:32])
	for attempt := 0; ; attempt++ {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return "", fmt.Errorf("cannot make the build cache: %w", err)
		}
		err := os.Rename(built, path)
		if err == nil {
			break
		}
		// Another brink may have removed the empty folder just now.
		if attempt > 0 || !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("cannot keep the build: %w", err)
		}
	}
	c.evict(folder, time.Now())
	return path, nil
}

// evict removes what is old; what it cannot remove stays until the next time.
func (c goCache) evict(current string, now time.Time) {
	folders, _ := filepath.Glob(filepath.Join(c.dir, "bin", "*"))
	for _, folder := range folders {
		for i, f := range newestFirst(folder) {
			tooMany := folder == current && i >= goKeepBuilds
			if tooMany || now.Sub(f.ModTime()) > goKeepUnused {
				os.Remove(filepath.Join(folder, f.Name()))
			}
		}
		os.Remove(folder) // only when it is empty
	}
	for _, f := range newestFirst(filepath.Join(c.dir, "tmp")) {
		if now.Sub(f.ModTime()) > goKeepBroken {
			os.RemoveAll(filepath.Join(c.dir, "tmp", f.Name()))
		}
	}
}

func newestFirst(dir string) []os.FileInfo {
	entries, _ := os.ReadDir(dir)
	var files []os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	return files
}
