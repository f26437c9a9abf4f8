package watch

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is a picture of what the targets reach. All keys are real paths: none
// goes through a symbolic link, though its last element may be one.
type tree struct {
	files map[string]file
	dirs  map[string]*dir
	links map[string]link
	roots []root
	// points are paths that matter in folders of which nothing else does:
	// targets, what links lead to, and the first missing part of a path.
	points map[string]bool
	// unreadable are folders that could not be listed.
	unreadable map[string]error
}

// dir is a folder to be watched.
type dir struct {
	info  fs.FileInfo
	full  bool // everything in it matters, not just points
	names map[string]bool
}

// link is a symbolic link. It is not followed when it leads nowhere or in a
// circle; then nothing is reached through it.
type link struct {
	to       string // real path; "" when it leads nowhere
	followed bool
}

// root is a target and the real path at which it stands.
type root struct{ user, at string }

func newTree() *tree {
	return &tree{
		files: map[string]file{}, dirs: map[string]*dir{}, links: map[string]link{},
		points: map[string]bool{}, unreadable: map[string]error{},
	}
}

// matters says whether something that happened at path can change the picture.
func (t *tree) matters(path string) bool {
	if t.points[path] || t.dirs[path] != nil {
		return true
	}
	d := t.dirs[filepath.Dir(path)]
	return d != nil && d.full && !ignored(filepath.Base(path))
}

// maxAliases bounds the search for the names of one file. Links that cross each
// other give it more names than anybody could want.
const maxAliases = 256

// aliases returns the paths under which the targets reach a real path. Links
// may lead to folders that hold links, but none is taken twice on one way,
// which ends every circle.
func (t *tree) aliases(path string) []string {
	s := aliasSearch{t: t, seen: map[string]bool{}, taken: map[string]bool{}, found: map[string]bool{}}
	s.from(path)
	return slices.Collect(maps.Keys(s.found))
}

type aliasSearch struct {
	t                  *tree
	seen, taken, found map[string]bool // paths, links, aliases
}

func (s *aliasSearch) from(path string) {
	if s.seen[path] || len(s.seen) >= maxAliases {
		return
	}
	s.seen[path] = true
	for _, r := range s.t.roots {
		if rest, ok := below(path, r.at); ok {
			s.found[filepath.Join(r.user, rest)] = true
		}
	}
	for at, l := range s.t.links {
		rest, ok := below(path, l.to)
		if !ok || !l.followed || s.taken[at] {
			continue
		}
		s.taken[at] = true
		s.from(filepath.Join(at, rest))
		delete(s.taken, at)
	}
}

// below returns path relative to dir if it is dir or lies in it.
func below(path, dir string) (rest string, ok bool) {
	if dir == "" {
		return "", false
	}
	if path == dir {
		return "", true
	}
	if !strings.HasSuffix(dir, string(filepath.Separator)) {
		dir += string(filepath.Separator)
	}
	return strings.CutPrefix(path, dir)
}

// compare adds to c what is different in next.
func (t *tree) compare(next *tree, c changes) {
	// Removals first: the same path may be removed and created, when a link
	// leads elsewhere.
	for path := range t.files {
		if _, ok := next.files[path]; !ok {
			t.report(path, Remove, c)
		}
	}
	for path := range t.links {
		if _, ok := next.links[path]; !ok {
			t.report(path, Remove, c)
		}
	}
	for path, f := range next.files {
		if before, ok := t.files[path]; !ok {
			next.report(path, Create, c)
		} else if !before.same(f) {
			next.report(path, Write, c)
		}
	}
	for path, l := range next.links {
		if before, ok := t.links[path]; !ok {
			next.report(path, Create, c)
		} else if before != l {
			next.report(path, Write, c)
		}
	}
}

// refresh looks at one path again and adds what changed to c. It returns false
// when more than one plain file is concerned, so that the picture has to be
// taken anew. moved tells that the path itself came, went or was replaced.
func (t *tree) refresh(path string, moved bool, c changes) bool {
	info, err := os.Lstat(path)
	d := t.dirs[path]
	_, isLink := t.links[path]
	switch {
	case d != nil && err == nil && info.IsDir() && os.SameFile(d.info, info) && !moved:
		return true // systems differ in whether a folder changes with what is in it
	case d != nil || isLink:
		return false
	case err == nil && !info.Mode().IsRegular() && info.Mode()&(fs.ModeDir|fs.ModeSymlink) != 0:
		return false
	}
	before, known := t.files[path]
	if err != nil || !info.Mode().IsRegular() {
		if known {
			delete(t.files, path)
			t.report(path, Remove, c)
		}
		return true
	}
	if !known && t.awaited(path) {
		return false
	}
	f := read(path, info, true)
	t.files[path] = f
	switch {
	case !known:
		if parent := t.dirs[filepath.Dir(path)]; parent != nil {
			parent.names[filepath.Base(path)] = true
		}
		t.report(path, Create, c)
	case !before.same(f):
		t.report(path, Write, c)
	}
	return true
}

// awaited says whether path matters only as the way to something else.
func (t *tree) awaited(path string) bool {
	d := t.dirs[filepath.Dir(path)]
	return (d == nil || !d.full) && t.points[path]
}

func (t *tree) report(path string, op Op, c changes) {
	for _, alias := range t.aliases(path) {
		c.add(alias, op)
	}
}

// outdated returns what has to be looked at again in the folder, for systems
// that do not notify.
func (t *tree) outdated(folder string) []string {
	d := t.dirs[folder]
	if d == nil {
		return nil
	}
	names := map[string]bool{}
	if d.full {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return []string{folder}
		}
		for _, e := range entries {
			if !ignored(e.Name()) {
				names[e.Name()] = true
			}
		}
	}
	for name := range d.names {
		names[name] = true
	}
	var all []string
	for name := range names {
		if path := filepath.Join(folder, name); t.differs(path) {
			all = append(all, path)
		}
	}
	return all
}

// differs says whether path is not as in the picture, without reading content.
func (t *tree) differs(path string) bool {
	info, err := os.Lstat(path)
	f, isFile := t.files[path]
	d := t.dirs[path]
	l, isLink := t.links[path]
	switch {
	case err != nil:
		return isFile || d != nil || isLink
	case info.IsDir():
		return d == nil || !os.SameFile(d.info, info)
	case info.Mode()&fs.ModeSymlink != 0:
		now, err := filepath.EvalSymlinks(path)
		return !isLink || err == nil && now != l.to || err != nil && l.to != ""
	case info.Mode().IsRegular():
		return !isFile || !f.current(info)
	}
	return isFile || d != nil || isLink
}
