package engine

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The test binary stands in for npm and for deno when fakeMode is set; which
// of them it is follows from its arguments, as both get the same environment.
const (
	fakeMode    = "ENGINE_TEST_FAKE"    // what npm does: ok, fail, hang, empty
	fakeVersion = "ENGINE_TEST_VERSION" // what deno says it is; "" means: exit 1
	fakeSelf    = "ENGINE_TEST_SELF"    // what deno says its path is
	fakeOutput  = "ENGINE_TEST_OUTPUT"  // what npm prints before it fails
	fakeSignal  = "ENGINE_TEST_SIGNAL"  // address that a hanging npm connects to
	fakeLog     = "ENGINE_TEST_LOG"     // file that npm adds a line to at each start
	fakePackage = "ENGINE_TEST_PACKAGE" // folder below node_modules
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeMode); mode != "" {
		os.Exit(fake(mode, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func fake(mode string, args []string) int {
	switch {
	case len(args) == 0:
		return 2
	case args[0] == "--version":
		if os.Getenv(fakeVersion) == "" {
			fmt.Fprintln(os.Stderr, "error while loading shared libraries: libfake.so.1")
			return 1
		}
		fmt.Printf("%s (stable, release, fake)\nv8 1.2.3\n", os.Getenv(fakeVersion))
		return 0
	case args[0] == "eval":
		fmt.Println(os.Getenv(fakeSelf))
		return 0
	case args[0] == "ci", args[0] == "install":
		return fakeNPM(mode)
	case args[0] == "hang":
		return hang()
	}
	return 2
}

func fakeNPM(mode string) int {
	if name := os.Getenv(fakeLog); name != "" {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return 3
		}
		fmt.Fprintln(f, "npm")
		f.Close()
	}
	dir := filepath.Join("node_modules", filepath.FromSlash(os.Getenv(fakePackage)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 3
	}
	program := filepath.Join(dir, thisHost().platform.program())
	switch mode {
	case "fail":
		fmt.Fprintln(os.Stderr, os.Getenv(fakeOutput))
		return 1
	case "empty":
		return 0
	case "hang":
		if os.WriteFile(program, []byte("half"), 0o755) != nil {
			return 3
		}
		self, err := os.Executable()
		if err != nil || exec.Command(self, "hang").Start() != nil {
			return 3
		}
		return hang()
	}
	self, err := os.Executable()
	if err != nil || copyFile(self, program) != nil {
		return 3
	}
	return 0
}

// hang connects to the test and stays until killed, or until the test is gone.
func hang() int {
	conn, err := net.Dial("tcp", os.Getenv(fakeSignal))
	if err != nil {
		return 3
	}
	io.Copy(io.Discard, conn)
	return 4
}

func copyFile(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}
