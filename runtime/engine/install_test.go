package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEnsureInstallsOnceAndThenUsesTheCache(t *testing.T) {
	w := newWorld(t)
	w.env[fakeLog] = filepath.Join(t.TempDir(), "npm")
	first, err := ensure(t.Context(), w.options(), w.host)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Engine{Path: w.cachedPath(), Version: Version, Source: SourceInstalled, Supported: true}); first != want {
		t.Errorf("got %+v, want %+v", first, want)
	}
	second, err := ensure(t.Context(), w.options(), w.host)
	if err != nil || second.Source != SourceCache {
		t.Errorf("second time: %+v, %v; want it from the cache", second, err)
	}
	if n := starts(t, w); n != 1 {
		t.Errorf("npm was started %d times, want once", n)
	}
	if len(w.progress) < 2 || !strings.Contains(w.progress[0], "installing Deno "+Version) {
		t.Errorf("progress was %q", w.progress)
	}
	onlyEngineIn(t, w)
}

func TestInstallIgnoresPath(t *testing.T) {
	w := newWorld(t)
	w.programs["deno"] = w.put(filepath.Join(t.TempDir(), "deno"))
	e, err := install(t.Context(), w.options(), w.host)
	if err != nil || e.Source != SourceInstalled {
		t.Errorf("got %+v, %v; want it installed", e, err)
	}
}

func TestTwoAtOnceInstallOnce(t *testing.T) {
	w := newWorld(t)
	w.env[fakeLog] = filepath.Join(t.TempDir(), "npm")
	const n = 4
	var wg sync.WaitGroup
	results := make([]Engine, n)
	errs := make([]error, n)
	for i := range n {
		o := w.options()
		o.Progress = func(string) {}
		wg.Go(func() { results[i], errs[i] = ensure(t.Context(), o, w.host) })
	}
	wg.Wait()
	for i := range n {
		if errs[i] != nil || results[i].Path != w.cachedPath() {
			t.Errorf("call %d: %+v, %v", i, results[i], errs[i])
		}
	}
	if got := starts(t, w); got != 1 {
		t.Errorf("npm was started %d times, want once", got)
	}
	onlyEngineIn(t, w)
}

// hanging starts an Ensure whose npm hangs with a child of its own, and returns
// once both are running.
func hanging(t *testing.T, w *world) (cancel context.CancelCauseFunc, result chan error, processes []net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w.env[fakeMode] = "hang"
	w.env[fakeSignal] = l.Addr().String()
	ctx, cancel := context.WithCancelCause(t.Context())
	o := w.options()
	o.Progress = func(string) {}
	result = make(chan error, 1)
	go func() {
		_, err := ensure(ctx, o, w.host)
		result <- err
	}()
	for range 2 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		processes = append(processes, conn)
	}
	return cancel, result, processes
}

func TestCancelKillsNPMAndItsChildrenAndLeavesNothing(t *testing.T) {
	w := newWorld(t)
	cancel, result, processes := hanging(t, w)
	stop := errors.New("user pressed Ctrl-C")
	cancel(stop)
	if err := <-result; !errors.Is(err, stop) {
		t.Errorf("got %v, want the cause of the cancellation", err)
	}
	for _, p := range processes {
		// The connection ends with the process that holds it.
		if _, err := io.Copy(io.Discard, p); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("waiting for the end of a process: %v", err)
		}
	}
	if _, ok := cached(w.cache, w.host.platform); ok {
		t.Error("half an engine is taken for one")
	}
	w.env[fakeMode] = "ok"
	if _, err := ensure(t.Context(), w.options(), w.host); err != nil {
		t.Errorf("the next install: %v", err)
	}
	onlyEngineIn(t, w)
}

func TestCancelEndsTheWaitForAnotherInstall(t *testing.T) {
	w := newWorld(t)
	cancelFirst, result, _ := hanging(t, w)
	defer func() { cancelFirst(nil); <-result }()

	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stop := errors.New("stop")
	o := w.options()
	o.Progress = func(m string) {
		if strings.Contains(m, "waiting for another brink") {
			cancel(stop)
		}
	}
	if _, err := ensure(ctx, o, w.host); !errors.Is(err, stop) {
		t.Errorf("got %v, want the cause", err)
	}
	if err := Clean(w.cache); !errors.Is(err, ErrBusy) {
		t.Errorf("Clean during an install: %v, want ErrBusy", err)
	}
}

func TestInstallSweepsWhatAKilledOneLeft(t *testing.T) {
	w := newWorld(t)
	left := filepath.Join(w.cache, "engine", ".install-123", "node_modules", "half")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	// A folder of the right name without a program in it was damaged by hand.
	if err := os.MkdirAll(filepath.Dir(w.cachedPath()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.cachedPath(), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	e, err := ensure(t.Context(), w.options(), w.host)
	if err != nil || e.Source != SourceInstalled {
		t.Fatalf("got %+v, %v; want it installed", e, err)
	}
	onlyEngineIn(t, w)
}

func TestInstallErrorsSayWhatToDo(t *testing.T) {
	wayOut := []string{"--deno", "BRINK_DENO"}
	for name, test := range map[string]struct {
		change func(*world)
		want   []string
	}{
		"no npm":           {func(w *world) { delete(w.programs, "npm") }, []string{"npm is not on PATH", "install Node.js"}},
		"musl":             {func(w *world) { w.host.platform = platform{"linux", "amd64", true} }, []string{"musl (Alpine)", "no npm package"}},
		"unknown platform": {func(w *world) { w.host.platform = platform{os: "plan9", arch: "386"} }, []string{"plan9/386", "no npm package"}},
		"offline":          {fails("npm error code ENOTFOUND\nnpm error network request failed"), []string{"check the network", "npm error network request failed"}},
		"tampered":         {fails("npm error code EINTEGRITY"), []string{"not the Deno that brink knows"}},
		"mirror":           {fails("npm error code ETARGET"), []string{"a mirror may lag behind"}},
		"login":            {fails("npm error code E401"), []string{"npm login"}},
		"unknown failure":  {fails("npm error code EWHATEVER"), []string{"npm failed", "EWHATEVER"}},
		"silent failure":   {fails(""), []string{"npm said nothing"}},
		"nothing unpacked": {func(w *world) { w.env[fakeMode] = "empty" }, []string{"holds no program"}},
		"does not run":     {func(w *world) { w.env[fakeVersion] = "" }, []string{"libfake.so.1", "BRINK_CACHE"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.change(w)
			_, err := ensure(t.Context(), w.options(), w.host)
			mustSay(t, err, append(test.want, wayOut...)...)
			if _, ok := cached(w.cache, w.host.platform); ok {
				t.Error("the cache has an engine after a failed install")
			}
		})
	}
}

func fails(output string) func(*world) {
	return func(w *world) { w.env[fakeMode], w.env[fakeOutput] = "fail", output }
}

func TestInstalledProgramOfTheWrongVersionIsRefused(t *testing.T) {
	w := newWorld(t)
	w.env[fakeVersion] = "deno 2.9.5"
	_, err := ensure(t.Context(), w.options(), w.host)
	mustSay(t, err, "it says it is 2.9.5")
}

func TestNPMErrorKeepsTheLastLinesOnly(t *testing.T) {
	output := "npm warn old\n" + strings.Repeat("npm error noise\n", 50) + "npm error the reason\nnpm error A complete log of this run can be found in: x\n"
	text := npmError(errors.New("exit status 1"), output).Error()
	if strings.Count(text, "noise") != keptLines-1 || !strings.Contains(text, "the reason") || strings.Contains(text, "complete log") || strings.Contains(text, "npm warn") {
		t.Errorf("error is\n%s", text)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	tl := &tail{limit: 5}
	for _, s := range []string{"ab", "cdef", "g"} {
		if n, err := tl.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", s, n, err)
		}
	}
	if tl.String() != "cdefg" {
		t.Errorf("kept %q, want the last 5 bytes", tl.String())
	}
}

func TestProgressTextGrowsWithWhatIsThere(t *testing.T) {
	for want, got := range map[string]string{
		"installing Deno 2.9.6 with npm: 3 s":                 progressText("2.9.6", 10, 3*time.Second),
		"installing Deno 2.9.6 with npm: 4 s, 102 MB on disk": progressText("2.9.6", 102_400_000, 4*time.Second),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// starts counts how often the fake npm ran.
func starts(t *testing.T, w *world) int {
	t.Helper()
	data, err := os.ReadFile(w.env[fakeLog])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(data), "npm")
}

// onlyEngineIn fails if the cache holds more than the engine and the lock file.
func onlyEngineIn(t *testing.T, w *world) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(w.cache, "engine"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".lock" && e.Name() != w.host.platform.folder() {
			t.Errorf("left in the cache: %s", e.Name())
		}
	}
}
