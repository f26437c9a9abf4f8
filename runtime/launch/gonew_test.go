package launch

import (
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewGoFunctionBuildsAndItsTestPasses(t *testing.T) {
	dir := t.TempDir()
	files, err := WriteGoFunction(dir, "hello-2")
	if err != nil || len(files) != 3 {
		t.Fatalf("WriteGoFunction = %q, %v", files, err)
	}
	folder := filepath.Join(dir, "hello-2")
	for _, args := range [][]string{{"vet", "."}, {"test", "."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", args[0], err, out)
		}
	}
	h := startGo(t, folder)
	h.open(nil)
	if status, body := h.get("/functions/v1/hello-2"); status != 200 || !strings.Contains(body, `"Hello, world!"`) {
		t.Errorf("GET = %d %s", status, body)
	}
	if _, err := WriteGoFunction(dir, "hello-2"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v, want ErrExist", err)
	}
}

func TestGoPackageNames(t *testing.T) {
	for name, want := range map[string]string{
		"hello": "hello", "Hello-World_2": "helloworld2", "2fast": "fn2fast", "main": "fnmain", "func": "fnfunc", "_-": "fn",
	} {
		if got := goPackageName(name); got != want {
			t.Errorf("goPackageName(%q) = %q, want %q", name, got, want)
		}
	}
}
