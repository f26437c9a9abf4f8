package engine

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// world is a machine where npm and deno are what the test says.
type world struct {
	t        *testing.T
	host     host
	cache    string
	programs map[string]string // name -> path, as on PATH
	env      map[string]string
	progress []string
}

// newWorld has an npm that works and no deno on PATH.
func newWorld(t *testing.T) *world {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := thisHost()
	h.platform.musl = false
	name := h.platform.pkg()
	h.pins = pins{name: {Version: Version, Integrity: "sha512-AAAA"}}
	return &world{
		t: t, host: h, cache: t.TempDir(),
		programs: map[string]string{"npm": self},
		env:      map[string]string{fakeMode: "ok", fakeVersion: "deno " + Version, fakePackage: name},
	}
}

func (w *world) options() Options {
	env := os.Environ()
	for k, v := range maps.All(w.env) {
		env = append(env, k+"="+v)
	}
	return Options{
		CacheDir: w.cache,
		Env:      env,
		Progress: func(m string) { w.progress = append(w.progress, m) },
		LookPath: func(name string) (string, error) {
			if path, ok := w.programs[name]; ok {
				return path, nil
			}
			if filepath.IsAbs(name) {
				return exec.LookPath(name)
			}
			return "", exec.ErrNotFound
		},
	}.withDefaults()
}

// put makes a program that acts as the test binary does.
func (w *world) put(path string) string {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := copyFile(w.programs["npm"], path); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) cachedPath() string {
	return filepath.Join(w.cache, "engine", w.host.platform.folder(), w.host.platform.program())
}

// mustSay fails unless err says all of the words.
func mustSay(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error does not say %q:\n%v", word, err)
		}
	}
}

func TestEnsureTakesTheExplicitProgramFirst(t *testing.T) {
	w := newWorld(t)
	w.put(w.cachedPath())
	mine := w.put(filepath.Join(t.TempDir(), w.host.platform.program()))
	o := w.options()
	o.Explicit = mine
	e, err := ensure(t.Context(), o, w.host)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Engine{Path: mine, Version: Version, Source: SourceExplicit, Supported: true}); e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
}

func TestExplicitProgramOfAnotherVersionIsUsedAndFlagged(t *testing.T) {
	w := newWorld(t)
	w.env[fakeVersion] = "deno 2.1.4"
	o := w.options()
	o.Explicit = w.put(filepath.Join(t.TempDir(), w.host.platform.program()))
	e, err := ensure(t.Context(), o, w.host)
	if err != nil {
		t.Fatal(err)
	}
	if e.Supported || e.Version != "2.1.4" {
		t.Errorf("got %+v, want version 2.1.4, not supported", e)
	}
}

func TestExplicitProgramThatIsNoDenoIsAnErrorThatNamesTheFlag(t *testing.T) {
	for name, test := range map[string]struct{ says, want string }{
		"does not run":    {"", "libfake.so.1"},
		"another program": {"v20.20.2", "this is not Deno"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.env[fakeVersion] = test.says
			o := w.options()
			o.Explicit = w.put(filepath.Join(t.TempDir(), w.host.platform.program()))
			o.ExplicitFrom = "BRINK_DENO"
			_, err := ensure(t.Context(), o, w.host)
			mustSay(t, err, "BRINK_DENO", o.Explicit, test.want)
			if errors.Is(err, ErrNotFound) {
				t.Error("a broken explicit program is not the same as none")
			}
		})
	}
}

func TestExplicitProgramThatDoesNotExistIsAnError(t *testing.T) {
	w := newWorld(t)
	o := w.options()
	o.Explicit = filepath.Join(t.TempDir(), "nowhere")
	_, err := ensure(t.Context(), o, w.host)
	mustSay(t, err, "--deno", o.Explicit)
}

func TestEnsureTakesTheCacheBeforePathAndStartsNothing(t *testing.T) {
	w := newWorld(t)
	w.put(w.cachedPath())
	w.programs = nil // neither npm nor deno
	e, err := ensure(t.Context(), w.options(), w.host)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Engine{Path: w.cachedPath(), Version: Version, Source: SourceCache, Supported: true}); e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
}

func TestEnsureTakesASupportedDenoOnPath(t *testing.T) {
	w := newWorld(t)
	w.env[fakeVersion] = "deno 2.9.1"
	w.programs["deno"] = w.put(filepath.Join(t.TempDir(), "deno"))
	e, err := ensure(t.Context(), w.options(), w.host)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Engine{Path: w.programs["deno"], Version: "2.9.1", Source: SourcePath, Supported: true}); e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
}

func TestEnsureSeesThroughALauncherOnPath(t *testing.T) {
	w := newWorld(t)
	w.programs["deno"] = w.put(filepath.Join(t.TempDir(), "shim"))
	w.env[fakeSelf] = w.put(filepath.Join(t.TempDir(), w.host.platform.program()))
	e, err := ensure(t.Context(), w.options(), w.host)
	if err != nil {
		t.Fatal(err)
	}
	if e.Path != w.env[fakeSelf] {
		t.Errorf("path %q, want the program behind the launcher, %q", e.Path, w.env[fakeSelf])
	}
}

func TestFindSaysWhyTheDenoOnPathIsNotUsed(t *testing.T) {
	for says, want := range map[string]string{
		"deno 2.8.3":      "2.8.3",
		"deno 2.10.0":     "2.10.0",
		"deno 2.9.0-rc.1": "2.9.0-rc.1",
		"":                "does not run",
	} {
		w := newWorld(t)
		w.env[fakeVersion] = says
		w.programs["deno"] = w.put(filepath.Join(t.TempDir(), "deno"))
		_, err := find(t.Context(), w.options(), w.host)
		mustSay(t, err, want, w.programs["deno"])
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("deno that says %q: %v does not wrap ErrNotFound", says, err)
		}
	}
}

func TestFindWithoutAnyDenoInstallsNothing(t *testing.T) {
	w := newWorld(t)
	if _, err := find(t.Context(), w.options(), w.host); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if left, _ := os.ReadDir(w.cache); len(left) > 0 {
		t.Errorf("the cache has %v in it", left)
	}
}

func TestSupportedIsThePinnedMinor(t *testing.T) {
	for version, want := range map[string]bool{
		Version: true, "2.9.0": true, "2.9.99": true,
		"2.8.9": false, "2.10.0": false, "1.9.6": false, "3.9.6": false,
		"2.9": false, "2.9.6.1": false, "2.9.0-rc.1": false, "2.9.6+abc": false, "": false, "2.9.-1": false, "a.b.c": false,
	} {
		if got := Supported(version); got != want {
			t.Errorf("Supported(%q) = %v, want %v", version, got, want)
		}
	}
	if !strings.HasPrefix(Version, strings.TrimSuffix(supportedText, "x")) {
		t.Errorf("messages name %s, the pinned version is %s", supportedText, Version)
	}
}
