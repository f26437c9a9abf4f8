package watch

import (
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// sumLimit is the largest file whose content is compared. Source code is
	// smaller; of larger files, size and time are compared.
	sumLimit = 1 << 20
	// sumBudget bounds what is read to get the first picture of a tree. It is
	// far more than source code comes to, and read in under a second.
	sumBudget = 64 << 20
	// racyTime is how long after a write another one may leave the same time
	// on the file: two seconds on FAT, less elsewhere.
	racyTime = 2 * time.Second
)

var sumSeed = maphash.MakeSeed()

// file is what is known of a regular file.
type file struct {
	size     int64
	modified time.Time
	sum      uint64
	summed   bool
	seen     time.Time // when it was looked at
}

// read looks at the file whose info was just taken, and at its content if that
// may be compared.
func read(path string, info fs.FileInfo, withContent bool) file {
	f := file{size: info.Size(), modified: info.ModTime(), seen: time.Now()}
	if !withContent || f.size > sumLimit {
		return f
	}
	r, err := os.Open(path)
	if err != nil {
		return f
	}
	defer r.Close()
	var h maphash.Hash
	h.SetSeed(sumSeed)
	n, err := io.Copy(&h, io.LimitReader(r, sumLimit+1))
	if err != nil || n > sumLimit {
		return f
	}
	f.size, f.sum, f.summed = n, h.Sum64(), true
	return f
}

// same says whether g, seen later, has the content of f.
func (f file) same(g file) bool {
	if f.summed && g.summed {
		return f.size == g.size && f.sum == g.sum
	}
	return f.size == g.size && f.modified.Equal(g.modified)
}

// current says whether f still describes the file, as far as its info tells.
func (f file) current(info fs.FileInfo) bool {
	return f.size == info.Size() && f.modified.Equal(info.ModTime()) && !f.racy()
}

// racy says whether the file may have been written again, right after it was
// looked at, without its info telling.
func (f file) racy() bool {
	return f.summed && f.seen.Sub(f.modified).Abs() < racyTime
}
