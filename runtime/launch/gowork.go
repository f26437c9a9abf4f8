package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// goWork is a go.work file as `go work edit -json` prints it.
type goWork struct {
	dir       string
	Go        string
	Toolchain string
	Godebug   []struct{ Key, Value string }
	Use       []struct{ DiskPath string }
	Replace   []struct {
		Old, New struct{ Path, Version string }
	}
}

func readGoWork(ctx context.Context, t *goTool, file string) (*goWork, error) {
	out, err := t.run(ctx, filepath.Dir(file), "work", "edit", "-json", file)
	if err != nil {
		return nil, goFailure(ctx, filepath.Dir(file), err)
	}
	work := &goWork{dir: filepath.Dir(file)}
	if err := json.Unmarshal(out, work); err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", file, err)
	}
	return work, nil
}

func (w *goWork) uses(module string) bool {
	for _, u := range w.Use {
		if path := w.abs(u.DiskPath); path == module || realPath(path) == realPath(module) {
			return true
		}
	}
	return false
}

func (w *goWork) abs(path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(w.dir, path)
}

// text returns the file with its paths absolute, so that it may lie elsewhere.
func (w *goWork) text() string {
	var b strings.Builder
	if w.Go != "" {
		fmt.Fprintf(&b, "go %s\n", w.Go)
	}
	if w.Toolchain != "" {
		fmt.Fprintf(&b, "toolchain %s\n", w.Toolchain)
	}
	for _, g := range w.Godebug {
		fmt.Fprintf(&b, "godebug %s=%s\n", g.Key, g.Value)
	}
	for _, u := range w.Use {
		fmt.Fprintf(&b, "use %q\n", w.abs(u.DiskPath))
	}
	for _, r := range w.Replace {
		to := r.New.Path
		if r.New.Version == "" {
			to = w.abs(to)
		}
		fmt.Fprintf(&b, "replace %q %s => %q %s\n", r.Old.Path, r.Old.Version, to, r.New.Version)
	}
	return b.String()
}
