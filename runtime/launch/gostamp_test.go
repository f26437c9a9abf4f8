package launch

import (
	"os"
	"path/filepath"
	"testing"
)

func TestStampChangesWithEverySourceOfTheBuild(t *testing.T) {
	const fn = "package fn\n"
	trees := map[string]struct {
		files   map[string]string
		edited  []string // changes the stamp
		outside []string // does not
	}{
		"no module":  {map[string]string{"fn/fn.go": fn, "other/other.go": fn}, []string{"fn/fn.go"}, []string{"other/other.go"}},
		"own module": {map[string]string{"fn/go.mod": "module a\n", "fn/in/in.go": fn, "fn/text.txt": "", "other/x.go": fn, "fn/.git/x": ""}, []string{"fn/in/in.go", "fn/go.mod", "fn/text.txt"}, []string{"other/x.go", "fn/.git/x"}},
		"replaced": {
			map[string]string{"fn/go.mod": "module a\nreplace (\n\tb => ../b // not ../c\n)\n", "fn/fn.go": fn, "b/go.mod": "module b\nreplace c => ../c\n", "b/b.go": fn, "c/c.go": fn, "d/d.go": fn},
			[]string{"b/b.go", "c/c.go"}, []string{"d/d.go"},
		},
		"workspace": {
			map[string]string{"w/go.work": "use (\n\t./fn\n\t\"../lib\"\n)\n", "w/fn/go.mod": "module a\n", "lib/lib.go": fn, "fn": ""},
			[]string{"lib/lib.go", "w/go.work"}, nil,
		},
	}
	for name, tree := range trees {
		dir := writeTree(t, tree.files)
		function := filepath.Join(dir, "fn")
		if name == "workspace" {
			function = filepath.Join(dir, "w", "fn")
		}
		g := NewGo(GoOptions{})
		before := g.Stamp(goFunction(function))
		check := func(file string, changes bool) {
			appendTo(t, filepath.Join(dir, file))
			now := g.Stamp(goFunction(function))
			if (now != before) != changes {
				t.Errorf("%s: %s is edited, the stamp changes: %v", name, file, now != before)
			}
			before = now
		}
		for _, file := range tree.edited {
			check(file, true)
		}
		for _, file := range tree.outside {
			check(file, false)
		}
	}
}

func appendTo(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
