package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"brink/runtime/wire"
)

// minGo is the oldest toolchain that builds Go functions: the first whose
// -overlay may add a package below GOROOT.
const minGo = "go1.24"

// goInstall is what to do when there is no Go, or an old one.
const goInstall = "Install Go 1.24 or later (https://go.dev/dl/) and make sure that `go version` works in the shell brink runs in.\n" +
	"TypeScript functions do not need it."

// goTool runs one go command with the user's environment. It is made for one
// function's folder, since go.mod may choose another toolchain.
type goTool struct {
	path string
	env  []string // the user's, with what brink has to set
	vars map[string]string
}

// goVars are the settings that a build depends on.
var goVars = []string{
	"GOVERSION", "GOROOT", "GOMODCACHE", "GOMOD", "GOWORK", "GOFLAGS", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFIPS140", "GODEBUG",
	"CGO_ENABLED", "CC", "CXX", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS",
}

// newGoTool finds the go command and asks it for its settings in dir.
func newGoTool(ctx context.Context, path string, environ []string, dir string) (*goTool, error) {
	if path == "" {
		found, err := lookPath("go", environ)
		if err != nil {
			return nil, toolFault("Go is not installed, or not on PATH.\n%s", goInstall)
		}
		path = found
	}
	t := &goTool{path: path, env: append(environ[:len(environ):len(environ)], "GO111MODULE=on", "PWD="+dir)}
	out, err := t.run(ctx, dir, append([]string{"env", "-json"}, goVars...)...)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return nil, toolFault("%q is not there.\n%s", path, goInstall)
	}
	if err != nil {
		return nil, goFailure(ctx, dir, err)
	}
	if err := json.Unmarshal(out, &t.vars); err != nil {
		return nil, fmt.Errorf("cannot read the answer of %q env: %w", path, err)
	}
	if v := t.vars["GOVERSION"]; tooOld(v) {
		return nil, toolFault("%s is too old for Go functions.\n%s", v, goInstall)
	}
	return t, nil
}

func toolFault(format string, args ...any) *Fault {
	return &Fault{Phase: wire.PhaseLoad, Name: "GoNotFound", Message: fmt.Sprintf(format, args...)}
}

// goVersion finds the release in "go1.26.1", "go1.24.0-vendor" and "devel go1.27-ab12".
var goVersion = regexp.MustCompile(`go1\.\d+(\.\d+|rc\d+|beta\d+)?`)

// tooOld says whether v is older than minGo. What cannot be read is not.
func tooOld(v string) bool {
	v = version.Lang(goVersion.FindString(v))
	return v != "" && version.Compare(v, minGo) < 0
}

// goError is a go command that ended with an error, with what it printed.
type goError struct {
	output string
	err    error
}

func (e *goError) Error() string { return e.err.Error() + ": " + e.output }
func (e *goError) Unwrap() error { return e.err }

// goFailure is a fault when go said what is wrong, and otherwise err.
func goFailure(ctx context.Context, dir string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var failed *goError
	if errors.As(err, &failed) && failed.output != "" {
		return buildFault(dir, failed.output)
	}
	return fmt.Errorf("cannot run go: %w", err)
}

// run returns what the command prints on stdout. Its error is a *goError.
func (t *goTool) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var out, failure bytes.Buffer
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, t.env, &out, &failure
	// go passes the interrupt on to its compilers and removes its folders.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		return nil, &goError{output: failure.String(), err: err}
	}
	return out.Bytes(), nil
}

// set adds a variable to the commands that follow.
func (t *goTool) set(name, value string) { t.env = append(t.env, name+"="+value) }

// noMod says whether dir is in no module.
func (t *goTool) noMod() bool { return t.vars["GOMOD"] == "" || t.vars["GOMOD"] == os.DevNull }

// settings returns goVars and their values as one text.
func (t *goTool) settings() string {
	var b strings.Builder
	for _, name := range goVars {
		fmt.Fprintf(&b, "%s=%s\n", name, t.vars[name])
	}
	return b.String()
}

// inModCache says whether path lies in the module cache, whose content never
// changes.
func (t *goTool) inModCache(path string) bool {
	cache := t.vars["GOMODCACHE"]
	return cache != "" && strings.HasPrefix(path, cache+string(filepath.Separator))
}

// lookPath finds a command on the PATH of environ.
func lookPath(name string, environ []string) (string, error) {
	path := ""
	for _, v := range environ {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path = p
		}
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue // a relative one is a trap in a folder of other people's code
		}
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return found, nil
		}
	}
	return "", exec.ErrNotFound
}
