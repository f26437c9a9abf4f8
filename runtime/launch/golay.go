package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// goWorkerDir is the folder, below the function's, of the worker's main. It is
// in the overlay only.
const goWorkerDir = "brink_worker_main"

// goLayout is a build laid out in a folder of brink's own: the files that go
// sees besides the user's, and nothing written where the user's are.
type goLayout struct {
	dir     string            // of the layout; removed after the build
	overlay string            // path of the file for -overlay
	target  string            // the package to build, as a path
	added   string            // everything that was added, for the content's hash
	replace map[string]string // what go sees -> where it is
}

// newGoLayout writes the overlay for a function below tmp.
func newGoLayout(ctx context.Context, t *goTool, shape goShape, tmp string) (*goLayout, error) {
	dir, err := os.MkdirTemp(tmp, "build-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder for the build: %w", err)
	}
	l := &goLayout{dir: dir, overlay: filepath.Join(dir, "overlay.json"), target: ".", replace: map[string]string{}}
	if err := l.fill(ctx, t, shape); err != nil {
		l.remove()
		return nil, err
	}
	return l, nil
}

func (l *goLayout) remove() { os.RemoveAll(l.dir) }

func (l *goLayout) fill(ctx context.Context, t *goTool, shape goShape) error {
	importPath, err := l.module(ctx, t, shape.dir)
	if err != nil {
		return err
	}
	root, err := l.goroot(t)
	if err != nil {
		return err
	}
	source, err := goWorkerSource()
	if err != nil {
		return err
	}
	for name, text := range source {
		if err := l.add(filepath.Join(root, "src", filepath.FromSlash(name)), text); err != nil {
			return err
		}
	}
	if err := l.main(shape, importPath); err != nil {
		return err
	}
	data, err := json.Marshal(map[string]any{"Replace": l.replace})
	if err != nil {
		return fmt.Errorf("cannot write the overlay: %w", err)
	}
	return l.write(l.overlay, string(data))
}

// module returns the import path of the function's package. A folder in no
// module becomes one that has the standard library alone.
func (l *goLayout) module(ctx context.Context, t *goTool, dir string) (string, error) {
	if t.noMod() {
		t.set("GOWORK", "off")
		name := "function"
		lang := goVersion.FindString(t.vars["GOVERSION"])
		if parts := strings.SplitN(lang, ".", 3); len(parts) == 3 {
			lang = parts[0] + "." + parts[1]
		}
		return name, l.add(filepath.Join(dir, "go.mod"), "module "+name+"\n\ngo "+strings.TrimPrefix(lang, "go")+"\n")
	}
	if err := l.workspace(ctx, t); err != nil {
		return "", err
	}
	mod := t.vars["GOMOD"]
	text, err := os.ReadFile(mod)
	if err != nil {
		return "", fmt.Errorf("cannot read the function's module: %w", err)
	}
	rel, err := filepath.Rel(realPath(filepath.Dir(mod)), dir)
	if err != nil {
		return "", fmt.Errorf("cannot place %q in the module of %q: %w", dir, mod, err)
	}
	return path.Join(modulePath(string(text)), filepath.ToSlash(rel)), nil
}

// workspace gives go a copy of go.work, because it may write go.work.sum beside
// the one it uses, and none where the function's module is not in it.
func (l *goLayout) workspace(ctx context.Context, t *goTool) error {
	file := t.vars["GOWORK"]
	if file == "" || file == "off" {
		return nil
	}
	work, err := readGoWork(ctx, t, file)
	if err != nil {
		return err
	}
	if !work.uses(filepath.Dir(t.vars["GOMOD"])) {
		t.set("GOWORK", "off")
		return nil
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "vendor", "modules.txt")); err == nil {
		return nil // go looks for vendor beside the file, and writes no sums then
	}
	copied := filepath.Join(l.dir, "go.work")
	sum, err := os.ReadFile(file + ".sum")
	if err == nil {
		if err := l.write(copied+".sum", string(sum)); err != nil {
			return err
		}
	}
	l.added += string(sum)
	t.set("GOWORK", copied)
	text := work.text()
	l.added += text
	return l.write(copied, text)
}

// goroot returns the GOROOT to lay the worker's packages over. A toolchain that
// go downloaded by itself lies in the module cache, where it refuses overlays,
// so that one goes by another name.
func (l *goLayout) goroot(t *goTool) (string, error) {
	root := t.vars["GOROOT"]
	if !t.inModCache(root) {
		return root, nil
	}
	link := filepath.Join(l.dir, "goroot")
	if err := os.Symlink(root, link); err != nil {
		return "", fmt.Errorf("cannot link to the Go toolchain: %w", err)
	}
	t.path = filepath.Join(root, "bin", "go")
	t.set("GOROOT", link)
	t.set("GOTOOLCHAIN", "local")
	return link, nil
}

// main adds the worker's main, and takes away the user's empty one.
func (l *goLayout) main(shape goShape, importPath string) error {
	text, err := goMain(shape, importPath)
	if err != nil {
		return err
	}
	l.added += text
	if !shape.isMain() {
		l.target = "./" + goWorkerDir
		return l.add(filepath.Join(shape.dir, goWorkerDir, goWorkerDir+".go"), text)
	}
	if shape.emptyMain != "" {
		source, err := os.ReadFile(shape.emptyMain)
		if err != nil {
			return fmt.Errorf("cannot read the function: %w", err)
		}
		before, after := source[:shape.emptyMainAt], source[shape.emptyMainAt+len("main"):]
		// As wide as before, so that columns stay right.
		if err := l.add(shape.emptyMain, string(before)+"_   "+string(after)); err != nil {
			return err
		}
	}
	return l.add(filepath.Join(shape.dir, goWorkerDir+".go"), text)
}

// add makes text visible to go at path.
func (l *goLayout) add(path, text string) error {
	file := filepath.Join(l.dir, fmt.Sprintf("%d-%s", len(l.replace), filepath.Base(path)))
	l.replace[path] = file
	return l.write(file, text)
}

func (l *goLayout) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("cannot write the build's files: %w", err)
	}
	return nil
}

// realPath is path without symbolic links, as go reports it in GOMOD.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// modulePath returns what the module line of a go.mod says.
func modulePath(mod string) string {
	for line := range strings.Lines(mod) {
		line, _, _ = strings.Cut(line, "//")
		if f := strings.Fields(line); len(f) == 2 && f[0] == "module" {
			return strings.Trim(f[1], "\"`")
		}
	}
	return ""
}
