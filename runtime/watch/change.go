package watch

import (
	"maps"
	"slices"
)

// Op is what happened to a file between two ChangeSets.
type Op uint8

const (
	// Write: the file has another content. Saving by writing a new file and
	// renaming it over the old one is a Write too.
	Write Op = iota + 1
	// Create: the file was not there before.
	Create
	// Remove: the file is gone. A rename is a Remove and a Create.
	Remove
)

// String returns WRITE, CREATE or REMOVE.
func (o Op) String() string {
	switch o {
	case Write:
		return "WRITE"
	case Create:
		return "CREATE"
	case Remove:
		return "REMOVE"
	}
	return "NONE"
}

// ChangeSet is what changed since the ChangeSet before it. Folders are not in
// it, only files, and symbolic links that now lead elsewhere.
type ChangeSet struct {
	Paths []string // sorted, absolute, as reached from the targets
	Ops   map[string]Op
}

// changes gathers what is to be reported.
type changes map[string]Op

// add takes one more change of path, after those that are in c.
func (c changes) add(path string, op Op) {
	switch before := c[path]; {
	case before == Create && op == Remove:
		// Came and went without anybody being told.
		delete(c, path)
	case before == Create:
	case before == Remove && op != Remove, before == Write && op == Create:
		c[path] = Write
	default:
		c[path] = op
	}
}

// set returns c as a value of its own.
func (c changes) set() ChangeSet {
	return ChangeSet{Paths: slices.Sorted(maps.Keys(c)), Ops: maps.Clone(map[string]Op(c))}
}
