//go:build unix

package worker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"brink/runtime/wire"
)

// envFake makes the test binary a worker that behaves as its value says.
const envFake = "BRINK_FAKE_WORKER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(envFake); mode != "" {
		fakeWorker(mode)
		return
	}
	os.Exit(m.Run())
}

// fakeWorker speaks the protocol far enough for one mode.
func fakeWorker(mode string) {
	if mode == "mute" {
		select {}
	}
	conn, err := net.Dial("unix", os.Getenv(wire.EnvControlSocket))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	c := wire.NewConn(conn)
	version := wire.Version
	if mode == "other version" {
		version = 99
	}
	c.Send(wire.Message{Type: wire.TypeHello, Protocol: version, PID: os.Getpid()})
	c.Send(wire.Message{Type: wire.TypeWaiting})
	for {
		m, err := c.Receive()
		if err != nil {
			os.Exit(0)
		}
		switch m.Type {
		case wire.TypeGo:
			fakeGo(mode, c, m)
		case wire.TypeBeforeUnload, wire.TypeDrain:
			c.Send(wire.Message{Type: wire.TypeLog, Text: string(m.Type) + " " + m.Reason})
		}
	}
}

func fakeGo(mode string, c *wire.Conn, m wire.Message) {
	switch mode {
	case "greets":
		c.Send(wire.Message{Type: wire.TypeLog, Text: m.Env["NAME"] + " " + string(m.Options)})
	case "prints":
		fmt.Print("one\ntwo\r\nthree")
		fmt.Fprint(os.Stderr, "bad\n")
		os.Exit(7)
	case "oom":
		fmt.Fprint(os.Stderr, "mine\n\nmine too\n\n<--- Last few GCs --->\n\n[1:0x1] 877 ms\n#\n# Fatal JavaScript out of memory: Reached heap limit\n#\n")
		syscall.Kill(os.Getpid(), syscall.SIGTRAP)
		select {}
	case "spins":
		c.Send(wire.Message{Type: wire.TypeReady})
		for start := time.Now(); time.Since(start) < time.Minute; {
		}
	case "has a child":
		child := exec.Command("/bin/sleep", "60")
		child.Start()
		c.Send(wire.Message{Type: wire.TypeLog, Text: strconv.Itoa(child.Process.Pid)})
	case "looks around":
		fakeLook(c, m.Env)
	case "hangs up":
		fmt.Fprintln(os.Stderr, "my last words")
		os.Exit(1)
	case "shouts":
		conn, _ := net.Dial("unix", os.Getenv(wire.EnvControlSocket))
		_ = conn
		c.Send(wire.Message{Type: wire.TypeLog, Text: strings.Repeat("x", wire.MaxLine)})
	}
}

// fakeLook tries a socket of somebody else, and to move a file.
func fakeLook(c *wire.Conn, env map[string]string) {
	_, dialed := net.Dial("unix", env["ADDRESS"])
	if op, ok := errors.AsType[*os.SyscallError](dialed); ok {
		dialed = op.Err
	}
	from := filepath.Join(env["DIR"], "a", "file")
	moved := os.WriteFile(from, nil, 0o600)
	if moved == nil {
		moved = os.Rename(from, filepath.Join(env["DIR"], "b", "file"))
	}
	c.Send(wire.Message{Type: wire.TypeLog, Text: fmt.Sprintf("dial %v, rename %v", dialed, moved)})
}

// record is a Sink that keeps what it hears.
type record struct {
	messages chan wire.Message
	exited   chan Exit
	mu       sync.Mutex
	lines    []string
}

func (r *record) Message(m wire.Message) { r.messages <- m }
func (r *record) Exited(e Exit)          { r.exited <- e }
func (r *record) Output(s Stream, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, s.String()+": "+line)
}

func start(t *testing.T, mode string) (*Worker, *record) {
	t.Helper()
	return startWith(t, mode, func(*Spec) {})
}

func startWith(t *testing.T, mode string, change func(*Spec)) (*Worker, *record) {
	t.Helper()
	s := NewStarter()
	r := &record{messages: make(chan wire.Message, 100), exited: make(chan Exit, 1)}
	spec := Spec{
		Function: "f", ID: "id", Env: map[string]string{"NAME": "value"},
		Options: func(p Paths) json.RawMessage { return fmt.Appendf(nil, "{%q:%q}", "tmp", p.Tmp) },
		Command: func(Paths) Command {
			return Command{Path: os.Args[0], Env: []string{envFake + "=" + mode}}
		},
	}
	change(&spec)
	w, err := s.Start(shortDir(t), spec, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Kill()
		<-w.Done()
		s.Close()
	})
	return w, r
}

// shortDir is a directory whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func within[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func (r *record) next(t *testing.T, want wire.Type) wire.Message {
	t.Helper()
	m := within(t, string(want), r.messages)
	if m.Type != want {
		t.Fatalf("got message %+v, want %s", m, want)
	}
	return m
}

func TestWorkerWaitsAtTheGateAndGetsItsEnvironmentThroughIt(t *testing.T) {
	w, r := start(t, "greets")
	r.next(t, wire.TypeWaiting)
	w.Open()
	m := r.next(t, wire.TypeLog)
	if want := fmt.Sprintf("value {%q:%q}", "tmp", w.paths.Tmp); m.Text != want {
		t.Errorf("got %q, want %q", m.Text, want)
	}
}

func TestOrdersGivenBeforeHelloAreSentAfterIt(t *testing.T) {
	w, r := start(t, "greets")
	w.BeforeUnload("cpu")
	w.Drain("restarted")
	r.next(t, wire.TypeWaiting)
	for _, want := range []string{"beforeunload cpu", "drain restarted"} {
		if m := r.next(t, wire.TypeLog); m.Text != want {
			t.Errorf("got %q, want %q", m.Text, want)
		}
	}
}

func TestOutputComesInLinesAndTheExitCodeAfterThem(t *testing.T) {
	w, r := start(t, "prints")
	w.Open()
	e := within(t, "exit", r.exited)
	if e.Code != 7 || e.String() != "exit code 7" {
		t.Errorf("exit %+v", e)
	}
	stdout := slices.DeleteFunc(slices.Clone(r.lines), func(l string) bool { return !strings.HasPrefix(l, "stdout") })
	if got := strings.Join(stdout, "\n"); got != "stdout: one\nstdout: two\nstdout: three" {
		t.Errorf("stdout is\n%s", got)
	}
	if !slices.Contains(r.lines, "stderr: bad") {
		t.Errorf("lines are %q", r.lines)
	}
}

func TestAFullHeapIsToldWithoutTheEnginesDump(t *testing.T) {
	w, r := start(t, "oom")
	w.Open()
	if e := within(t, "exit", r.exited); !e.OutOfMemory || e.String() != "out of memory" {
		t.Errorf("exit %+v", e)
	}
	if want := []string{"stderr: mine", "stderr: ", "stderr: mine too"}; !slices.Equal(r.lines, want) {
		t.Errorf("lines %q, want %q", r.lines, want)
	}
}

func TestAnotherProtocolVersionIsRefusedWithTheFix(t *testing.T) {
	_, r := start(t, "other version")
	e := within(t, "exit", r.exited)
	v, ok := errors.AsType[*wire.VersionError](e.Err)
	if !ok || v.Got != 99 || !strings.Contains(e.String(), "update brink") {
		t.Errorf("exit %+v", e)
	}
}

func TestALineWithoutEndEndsTheWorker(t *testing.T) {
	w, r := start(t, "shouts")
	w.Open()
	if e := within(t, "exit", r.exited); !errors.Is(e.Err, wire.ErrLineTooLong) {
		t.Errorf("exit %+v", e)
	}
}

func TestKillEndsABusyLoop(t *testing.T) {
	w, r := start(t, "spins")
	w.Open()
	r.next(t, wire.TypeWaiting)
	r.next(t, wire.TypeReady)
	w.Kill()
	if e := within(t, "exit", r.exited); e.Signal != "killed" || e.Code != -1 {
		t.Errorf("exit %+v", e)
	}
	w.Kill() // of a process that is gone
}

func TestKillEndsWhatTheWorkerStarted(t *testing.T) {
	w, r := start(t, "has a child")
	r.next(t, wire.TypeWaiting)
	w.Open()
	pid, err := strconv.Atoi(r.next(t, wire.TypeLog).Text)
	if err != nil {
		t.Fatal(err)
	}
	w.Kill()
	within(t, "exit", r.exited)
	// A zombie that init has not reaped yet still takes signals; it goes soon.
	gone := func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
	for deadline := time.Now().Add(20 * time.Second); !gone(); {
		if time.Now().After(deadline) {
			t.Fatalf("process %d outlives its worker", pid)
		}
	}
}

func TestAWorkerThatEndsByItselfKeepsItsLastWords(t *testing.T) {
	w, r := start(t, "hangs up")
	w.Open()
	if e := within(t, "exit", r.exited); e.Code != 1 {
		t.Errorf("exit %+v", e)
	}
	if len(r.lines) != 1 || r.lines[0] != "stderr: my last words" {
		t.Errorf("lines %q", r.lines)
	}
}

func TestThePrivateFolderIsPrivateAndGoesWithTheWorker(t *testing.T) {
	w, r := start(t, "greets")
	r.next(t, wire.TypeWaiting)
	info, err := os.Stat(w.paths.Dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if longest := filepath.Join(w.paths.Dir, "c"); len(longest) >= 104 {
		t.Errorf("socket path of %d bytes: %s", len(longest), longest)
	}
	w.Kill()
	within(t, "exit", r.exited)
	if _, err := os.Stat(w.paths.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestSampleCountsFromTheGateOn(t *testing.T) {
	w, r := start(t, "spins")
	r.next(t, wire.TypeWaiting)
	if cpu, memory := w.Sample(); cpu != 0 || memory != 0 {
		t.Errorf("before the gate: %v, %d", cpu, memory)
	}
	w.Open()
	r.next(t, wire.TypeReady)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if cpu, _ := w.Sample(); cpu > 20*time.Millisecond {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a busy loop uses no CPU")
		}
	}
}

func TestStartOfAProgramThatIsNotThereLeavesNothing(t *testing.T) {
	s := NewStarter()
	defer s.Close()
	dir := shortDir(t)
	_, err := s.Start(dir, Spec{Function: "f", Command: func(Paths) Command { return Command{Path: "/no/such/program"} }}, &record{})
	if err == nil || !strings.Contains(err.Error(), `cannot start worker for "f"`) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestLinesAreCutAtTheirLongest(t *testing.T) {
	var got []int
	l := &lineWriter{emit: func(s string) { got = append(got, len(s)) }}
	w := bufio.NewWriterSize(l, 1000)
	w.WriteString(strings.Repeat("x", maxLine+10) + "\n\n")
	w.Flush()
	l.flush()
	if fmt.Sprint(got) != fmt.Sprint([]int{maxLine, 10, 0}) {
		t.Errorf("lines of %v bytes", got)
	}
}
