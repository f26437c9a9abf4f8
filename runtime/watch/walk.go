package watch

import (
	"io/fs"
	"os"
	"path/filepath"
)

// walk takes a picture of what the targets reach.
type walk struct {
	old    *tree           // what was known; its checksums are used again
	hints  map[string]bool // paths whose content has to be read again
	arm    func(folder string, info fs.FileInfo)
	budget int64 // bytes that may still be read of files not in old
	t      *tree
}

// take returns a new tree. arm is called for each folder before it is listed,
// so that whatever appears in it later is notified: there is no gap.
func take(targets []Target, old *tree, hints map[string]bool, arm func(string, fs.FileInfo)) *tree {
	w := &walk{old: old, hints: hints, arm: arm, budget: sumBudget, t: newTree()}
	for _, target := range targets {
		w.target(target.Path)
	}
	return w.t
}

// target starts at one of the caller's paths. Its folder is watched too, since
// the target itself may come, go, or be replaced.
func (w *walk) target(user string) {
	real, err := filepath.EvalSymlinks(filepath.Dir(user))
	if err != nil {
		w.await(filepath.Dir(user))
		return
	}
	at := filepath.Join(real, filepath.Base(user))
	w.t.roots = append(w.t.roots, root{user: user, at: at})
	w.point(at)
	w.visit(at)
}

// await watches for the first missing part of path.
func (w *walk) await(path string) {
	for {
		parent := filepath.Dir(path)
		if parent == path {
			return
		}
		if real, err := filepath.EvalSymlinks(parent); err == nil {
			w.point(filepath.Join(real, filepath.Base(path)))
			return
		}
		path = parent
	}
}

// point notes that path matters, in a folder where other things may not.
func (w *walk) point(path string) {
	w.t.points[path] = true
	if d := w.folder(filepath.Dir(path)); d != nil {
		d.names[filepath.Base(path)] = true
	}
}

// folder notes a folder that is to be watched; nil if it is none.
func (w *walk) folder(path string) *dir {
	if d := w.t.dirs[path]; d != nil {
		return d
	}
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return nil
	}
	d := &dir{info: info, names: map[string]bool{}}
	w.t.dirs[path] = d
	w.arm(path, info)
	return d
}

func (w *walk) visit(path string) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
	case info.IsDir():
		w.list(path)
	case info.Mode()&fs.ModeSymlink != 0:
		w.follow(path)
	case info.Mode().IsRegular():
		w.file(path, info)
	}
	// Pipes, sockets and devices are no one's source code, and opening a pipe
	// would block.
}

func (w *walk) list(path string) {
	d := w.folder(path)
	if d == nil || d.full {
		return
	}
	d.full = true
	entries, err := os.ReadDir(path)
	if err != nil && !os.IsNotExist(err) {
		w.t.unreadable[path] = err
	}
	for _, e := range entries {
		if !ignored(e.Name()) {
			d.names[e.Name()] = true
			w.visit(filepath.Join(path, e.Name()))
		}
	}
}

// follow goes where a link leads, unless that is a folder which holds the link:
// a loop.
func (w *walk) follow(at string) {
	to, err := filepath.EvalSymlinks(at)
	if err != nil {
		w.t.links[at] = link{}
		if dest, err := os.Readlink(at); err == nil {
			if !filepath.IsAbs(dest) {
				dest = filepath.Join(filepath.Dir(at), dest)
			}
			w.await(dest)
		}
		return
	}
	if _, loop := below(at, to); loop {
		w.t.links[at] = link{to: to}
		return
	}
	w.t.links[at] = link{to: to, followed: true}
	w.point(to)
	w.visit(to)
}

func (w *walk) file(path string, info fs.FileInfo) {
	if _, done := w.t.files[path]; done {
		return
	}
	if w.old != nil {
		if before, ok := w.old.files[path]; ok {
			if !w.hints[path] && before.current(info) {
				w.t.files[path] = before
				return
			}
			w.t.files[path] = read(path, info, true)
			return
		}
	}
	if info.Size() <= sumLimit {
		w.budget -= info.Size()
	}
	w.t.files[path] = read(path, info, w.budget >= 0)
}
