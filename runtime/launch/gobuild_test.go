package launch

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// tree returns all files below dir with mode, time and text.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		if !d.IsDir() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(b)
		}
		files[path] = info.Mode().String() + info.ModTime().String() + text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// layouts are the places a function's package may be in; "fn" is the function.
func layouts() map[string]map[string]string {
	const usesLib = "package fn\n\nimport (\n\t\"io\"\n\t\"net/http\"\n\n\t\"lib.test/lib\"\n)\n\nfunc Handler(w http.ResponseWriter, r *http.Request) { io.WriteString(w, lib.Word) }\n"
	const lib = "package lib\n\nconst Word = \"hello\"\n"
	const std = "package fn\n\nimport (\n\t\"io\"\n\t\"net/http\"\n)\n\nfunc Handler(w http.ResponseWriter, r *http.Request) { io.WriteString(w, \"hello\") }\n"
	return map[string]map[string]string{
		"no module":  {"fn/fn.go": std},
		"own module": {"fn/fn.go": std, "fn/go.mod": "module example.com/fn\n\ngo 1.18\n"},
		"package main": {
			"fn/fn.go": strings.Replace(std, "package fn", "package main", 1) + "\nfunc main() {}\n", "fn/go.mod": "module \"example.com/fn\" // quoted\n",
		},
		"package main without main": {"fn/fn.go": strings.Replace(std, "package fn", "package main", 1)},
		"relative replace": {
			"fn/fn.go": usesLib, "fn/go.mod": "module example.com/fn\n\ngo 1.24\n\nrequire lib.test v0.0.0\n\nreplace lib.test => ../lib\n",
			"lib/go.mod": "module lib.test\n\ngo 1.24\n", "lib/lib/lib.go": lib,
		},
		"inside a module": {"go.mod": "module lib.test\n\ngo 1.24\n", "lib/lib.go": lib, "fn/fn.go": usesLib},
		"internal":        {"go.mod": "module lib.test\n\ngo 1.24\n", "fn/internal/lib/lib.go": lib, "fn/fn.go": strings.Replace(usesLib, "lib.test/lib", "lib.test/fn/internal/lib", 1)},
		"workspace": {
			"go.work": "go 1.24\n\nuse (\n\t./fn\n\t./lib\n)\n", "fn/go.mod": "module example.com/fn\n\ngo 1.24\n", "fn/fn.go": usesLib,
			"lib/go.mod": "module lib.test\n\ngo 1.24\n", "lib/lib/lib.go": lib,
		},
		"outside the workspace around it": {
			"go.work": "go 1.24\n\nuse ./lib\n", "fn/go.mod": "module example.com/fn\n\ngo 1.24\n", "fn/fn.go": std,
			"lib/go.mod": "module lib.test\n\ngo 1.24\n", "lib/lib/lib.go": lib,
		},
		"no module in a workspace": {"go.work": "go 1.24\n\nuse ./lib\n", "fn/fn.go": std, "lib/go.mod": "module lib.test\n\ngo 1.24\n", "lib/lib/lib.go": lib},
		"vendored": {
			"fn/fn.go": usesLib, "fn/go.mod": "module example.com/fn\n\ngo 1.24\n\nrequire lib.test v1.0.0\n",
			"fn/vendor/modules.txt": "# lib.test v1.0.0\n## explicit; go 1.24\nlib.test/lib\n", "fn/vendor/lib.test/lib/lib.go": lib,
		},
		"embedded file": {
			"fn/word.txt": "hello", "fn/fn.go": "package fn\n\nimport (\n\t_ \"embed\"\n\t\"io\"\n\t\"net/http\"\n)\n\n//go:embed word.txt\nvar word string\n\n" +
				"func Handler(w http.ResponseWriter, r *http.Request) { io.WriteString(w, word) }\n",
		},
	}
}

func TestGoFunctionsBuildWhereverTheyAreAndNothingIsWrittenThere(t *testing.T) {
	cache := t.TempDir()
	environ := append(os.Environ(), "GOFLAGS=-mod=mod")
	for name, files := range layouts() {
		if name == "vendored" {
			environ = append(os.Environ(), "GOFLAGS=")
		}
		dir := writeTree(t, files)
		before := tree(t, dir)
		g, f := NewGo(GoOptions{CacheDir: cache, Environ: environ}), goFunction(filepath.Join(dir, "fn"))
		if err := g.Prepare(t.Context(), f, func(string) {}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if after := tree(t, dir); !maps.Equal(before, after) {
			t.Errorf("%s: the folder changed from\n%v\nto\n%v", name, before, after)
		}
		spec, err := g.Spec(f, "id", nil)
		if err != nil {
			t.Fatal(err)
		}
		h := startSpec(t, spec)
		h.open(nil)
		if _, body := h.get("/"); body != "hello" {
			t.Errorf("%s: GET = %q", name, body)
		}
	}
}

func TestSecondStartDoesNotBuild(t *testing.T) {
	dir := writeTree(t, map[string]string{"main.go": helloGo, "word.txt": "a", "main_test.go": "package hello\n"})
	cache := t.TempDir()
	f := goFunction(dir)
	prepare := func() (string, bool) {
		t.Helper()
		built := false
		g := NewGo(GoOptions{CacheDir: cache}) // as a new brink would
		if err := g.Prepare(t.Context(), f, func(string) { built = true }); err != nil {
			t.Fatal(err)
		}
		return g.Build(f), built
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first, built := prepare()
	if !built || first == "" {
		t.Fatalf("the first start: build %q, built %v", first, built)
	}
	for name, test := range map[string]struct {
		file, text string
		builds     bool
	}{
		"nothing changed":      {"word.txt", "a", false},
		"a file not in it":     {"word.txt", "b", false},
		"a test":               {"main_test.go", "package hello\n\n// changed\n", false},
		"written again":        {"main.go", helloGo, false},
		"edited":               {"main.go", helloGo + "\n// edited\n", true},
		"a new file":           {"more.go", "package hello\n\nvar more int\n", true},
		"a module of its own":  {"go.mod", "module example.com/x\n\ngo 1.24\n", true},
		"an embedded file new": {"more.go", "package hello\n\nimport _ \"embed\"\n\n//go:embed word.txt\nvar word string\n", true},
	} {
		write(test.file, test.text)
		if key, built := prepare(); built != test.builds || (key != first) != test.builds {
			t.Errorf("%s: built %v, want %v; key %q, first %q", name, built, test.builds, key, first)
		}
		os.Remove(filepath.Join(dir, "more.go"))
		os.Remove(filepath.Join(dir, "go.mod"))
		write("main.go", helloGo)
		if key, built := prepare(); built || key != first {
			t.Errorf("%s, taken back: built %v", name, built)
		}
	}
}

func TestFailedBuildKeepsTheLastGoodOne(t *testing.T) {
	dir := writeTree(t, map[string]string{"main.go": helloGo})
	g, f := prepared(t, dir)
	key := g.Build(f)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := g.Prepare(t.Context(), f, func(string) {}); err == nil {
		t.Fatal("a function without Handler was built")
	}
	if _, err := g.Spec(f, "id", nil); err != nil || g.Build(f) != key {
		t.Errorf("after a failed build: %v, build %q, want %q", err, g.Build(f), key)
	}
}

func TestManyPreparesAtOnceBuildOnce(t *testing.T) {
	dir := writeTree(t, map[string]string{"main.go": helloGo})
	g, f := NewGo(GoOptions{CacheDir: t.TempDir()}), goFunction(dir)
	var mu sync.Mutex
	builds := 0
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			err := g.Prepare(t.Context(), f, func(m string) {
				mu.Lock()
				defer mu.Unlock()
				if strings.HasPrefix(m, "building ") {
					builds++
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if builds != 1 {
		t.Errorf("%d builds", builds)
	}
}

func TestOldBuildsAreEvicted(t *testing.T) {
	now := time.Now()
	files := map[string]string{"bin/a/1": "", "bin/a/2": "", "bin/a/3": "", "bin/a/4": "", "bin/b/1": "", "bin/b/2": "", "tmp/build-1/x": "", "tmp/build-2/x": ""}
	dir := writeTree(t, files)
	for name, age := range map[string]time.Duration{
		"bin/a/1": 0, "bin/a/2": time.Hour, "bin/a/3": 2 * time.Hour, "bin/a/4": 3 * time.Hour,
		"bin/b/1": 0, "bin/b/2": 8 * 24 * time.Hour, "tmp/build-1": time.Hour, "tmp/build-2": 48 * time.Hour,
	} {
		if err := os.Chtimes(filepath.Join(dir, name), now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	goCache{dir: dir}.evict(filepath.Join(dir, "bin", "a"), now)
	for name := range files {
		_, err := os.Stat(filepath.Join(dir, name))
		gone := name == "bin/a/4" || name == "bin/b/2" || name == "tmp/build-2/x"
		if (err != nil) != gone {
			t.Errorf("%s: %v, want gone %v", name, err, gone)
		}
	}
}

func TestToolchainInTheModuleCacheBuilds(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	// Go refuses overlays below GOMODCACHE, which is where the toolchains are
	// that it downloads by itself.
	environ := append(os.Environ(), "GOMODCACHE="+filepath.Dir(strings.TrimSpace(string(out))))
	g, f := NewGo(GoOptions{CacheDir: t.TempDir(), Environ: environ}), goFunction(writeTree(t, map[string]string{"main.go": helloGo}))
	if err := g.Prepare(t.Context(), f, func(string) {}); err != nil {
		t.Fatal(err)
	}
	spec, err := g.Spec(f, "id", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := startSpec(t, spec)
	h.open(nil)
	if _, body := h.get("/x"); body != "hello /x" {
		t.Errorf("GET = %q", body)
	}
}

func TestCancelledPrepareReturnsTheCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("no longer wanted")
	g, f := NewGo(GoOptions{CacheDir: t.TempDir()}), goFunction(writeTree(t, map[string]string{"main.go": helloGo}))
	err := g.Prepare(ctx, f, func(string) { cancel(cause) })
	if !errors.Is(err, cause) {
		t.Errorf("Prepare = %v, want %v", err, cause)
	}
}

func TestFunctionEditedDuringTheBuildIsBuiltAgain(t *testing.T) {
	dir := writeTree(t, map[string]string{"main.go": helloGo})
	g, f := NewGo(GoOptions{CacheDir: t.TempDir()}), goFunction(dir)
	builds := 0
	err := g.Prepare(t.Context(), f, func(m string) {
		if !strings.HasPrefix(m, "building ") {
			return
		}
		if builds++; builds == 1 {
			if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(strings.Replace(helloGo, "hello %s", "edited %s", 1)), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || builds != 2 {
		t.Fatalf("Prepare = %v after %d builds", err, builds)
	}
	spec, err := g.Spec(f, "id", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := startSpec(t, spec)
	h.open(nil)
	if _, body := h.get("/x"); body != "edited /x" {
		t.Errorf("GET = %q", body)
	}
}
