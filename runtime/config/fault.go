package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// String returns the fault as one line, `file:line: key = value: message`,
// with the file's absolute path. Parts that are not known are left out.
func (f Fault) String() string { return f.format(f.File) }

// In returns the fault like String, with the file's path relative to dir when
// the file lies inside it.
func (f Fault) In(dir string) string { return f.format(relative(dir, f.File)) }

func (f Fault) format(file string) string {
	var b strings.Builder
	if file != "" {
		b.WriteString(file)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
			if f.Col > 0 {
				fmt.Fprintf(&b, ":%d", f.Col)
			}
		}
		b.WriteString(": ")
	}
	if f.Key != "" {
		b.WriteString(f.Key)
		if f.Value != "" {
			b.WriteString(" = " + f.Value)
		}
		b.WriteString(": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Faults is the error of Load: everything that is wrong, at once. It holds at
// least one fault.
type Faults struct {
	Dir  string // faults are printed with paths relative to it
	List []Fault
}

// Error returns one line for each fault, in the order of files and lines.
func (f *Faults) Error() string {
	lines := make([]string, len(f.List))
	for i, fault := range f.List {
		lines[i] = fault.In(f.Dir)
	}
	return strings.Join(lines, "\n")
}

// relative shortens path for display when it lies inside dir.
func relative(dir, path string) string {
	if dir == "" || path == "" {
		return path
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return path
	}
	return rel
}

// tidy orders faults by file and line and drops repetitions, which come from
// one global value being read for each function.
func tidy(faults []Fault) []Fault {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	var out []Fault
	for _, f := range faults {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}
