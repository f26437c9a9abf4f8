package launch

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"brink/policy"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

const helloGo = `package hello

import (
	"fmt"
	"net/http"
)

func Handler(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s", r.URL.Path) }
`

func TestGoWorkerSpeaksTheProtocol(t *testing.T) {
	h := startGo(t, writeTree(t, map[string]string{"main.go": helloGo}))
	hello := h.awaitType(wire.TypeHello)
	if err := wire.CheckHello(hello); err != nil || hello.PID != h.cmd.Process.Pid {
		t.Errorf("hello = %+v (%v), want this version and pid %d", hello, err, h.cmd.Process.Pid)
	}
	h.open(nil)
	if m := h.awaitType(wire.TypeLoaded); !m.Serving {
		t.Errorf("loaded = %+v, want serving", m)
	}
	if status, body := h.get("/functions/v1/hello/x"); status != 200 || body != "hello /functions/v1/hello/x" {
		t.Errorf("GET = %d %q", status, body)
	}
	h.send(wire.Message{Type: "something new"})
	h.send(wire.Message{Type: wire.TypeSample})
	if m := h.awaitType(wire.TypeMemory); m.Heap < 1<<16 || m.External <= 0 {
		t.Errorf("memory = %+v", m)
	}
	h.send(wire.Message{Type: wire.TypeBeforeUnload, Reason: "wall_clock"})
	h.awaitType(wire.TypeClosing)
	h.send(wire.Message{Type: wire.TypeDrain, Reason: "restarted"})
	h.awaitType(wire.TypeDraining)
	h.raw.Close()
	err := <-h.exited
	h.exited <- nil
	if err != nil {
		t.Errorf("the worker ended with %v when brink was gone, want status 0", err)
	}
}

func TestNothingOfTheFunctionRunsBeforeTheGateOpens(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"go.mod": "module a.test/fn\n\ngo 1.21\n",
		"fn.go": `package fn

import (
	"fmt"
	"net/http"
	"os"

	"a.test/fn/early"
)

var atInit = os.Getenv("WHO")

func init() { fmt.Println("init ran") }

func Handler(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, atInit, early.Who, len(os.Environ()), os.TempDir() != "/tmp") }
`,
		"early/early.go": "package early\n\nimport \"syscall\"\n\nvar Who, _ = syscall.Getenv(\"WHO\")\n\nfunc init() { syscall.Write(1, []byte(\"early ran\\n\")) }\n",
	})
	g, f := prepared(t, dir)
	spec, err := g.Spec(f, "id", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := startSpec(t, spec)
	h.awaitType(wire.TypeWaiting)
	if out := h.out.String(); out != "" {
		t.Errorf("before the gate the function printed %q", out)
	}
	h.open(map[string]string{"WHO": "ann"})
	if _, body := h.get("/"); body != "annann2 true" {
		t.Errorf("the function sees %q, want its own two variables, in every init", body)
	}
	h.out.await(t, "stdout", "early ran\ninit ran\n")
}

func TestGoWorkerStartedByHandSaysWhatItIs(t *testing.T) {
	g, f := prepared(t, writeTree(t, map[string]string{"main.go": helloGo}))
	spec, err := g.Spec(f, "id", nil)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(spec.Command(worker.Paths{}).Path)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "brink serve") {
		t.Errorf("started by hand: %v, %q", err, out)
	}
}

func TestGoProcessGetsItsMemoryLimitAndNothingOfTheHost(t *testing.T) {
	g, f := prepared(t, writeTree(t, map[string]string{"main.go": helloGo}))
	f.Limits = policy.DefaultLimits(policy.PlanPro)
	spec, err := g.Spec(f, "id", map[string]string{"A": "b"})
	if err != nil {
		t.Fatal(err)
	}
	env := spec.Command(worker.Paths{Tmp: "/private/tmp"}).Env
	want := []string{"TMPDIR=/private/tmp", "GOTRACEBACK=single", "GOMEMLIMIT=255013684"}
	if !slices.Equal(env, want) || spec.MainThreadCPU || spec.Env["A"] != "b" || spec.ID != "id" {
		t.Errorf("env %q, spec %+v", env, spec)
	}
	f.Limits.Enforcement = policy.Off
	spec, err = g.Spec(f, "id", nil)
	if err != nil {
		t.Fatal(err)
	}
	if env := spec.Command(worker.Paths{}).Env; len(env) != 2 {
		t.Errorf("with limits off the process gets %q", env)
	}
}

func TestSpecBeforePrepareFails(t *testing.T) {
	g := NewGo(GoOptions{CacheDir: t.TempDir()})
	if _, err := g.Spec(goFunction(t.TempDir()), "id", nil); err == nil || !strings.Contains(err.Error(), "not built") {
		t.Errorf("Spec = %v", err)
	}
}

func TestGoLogsCarryLevelAndRequestID(t *testing.T) {
	h := startGo(t, writeTree(t, map[string]string{"main.go": `package x

import (
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
)

func init() { log.Print("from init") }

func Handler(w http.ResponseWriter, r *http.Request) {
	log.Printf("plain %d", 1)
	slog.With("a", 1).WithGroup("g").WarnContext(r.Context(), "careful now", "b", "two words")
	slog.ErrorContext(r.Context(), "bad")
	slog.Debug("not shown")
	fmt.Println("to stdout")
	fmt.Fprintln(os.Stderr, "to stderr")
	w.WriteHeader(200)
	w.WriteHeader(201)
	fmt.Fprint(w, r.Header.Get("X-Brink-Request-Id"), r.RemoteAddr)
}
`}))
	h.open(nil)
	if _, body := h.get("/"); body != "127.0.0.1:0" {
		t.Errorf("the handler sees %q", body)
	}
	log := func(text string) wire.Message {
		return h.await("log "+text, func(m wire.Message) bool { return m.Type == wire.TypeLog && strings.HasPrefix(m.Text, text) })
	}
	for _, want := range []wire.Message{
		{Level: wire.LevelInfo, Text: "from init"},
		{Level: wire.LevelInfo, Text: "plain 1"},
		{Level: wire.LevelWarn, Text: `careful now a=1 g.b="two words"`, RequestID: "r1"},
		{Level: wire.LevelError, Text: "bad", RequestID: "r1"},
		{Level: wire.LevelWarn, Text: "http: superfluous response.WriteHeader call"},
	} {
		got := log(want.Text)
		if got.Level != want.Level || got.RequestID != want.RequestID || got.Time.IsZero() {
			t.Errorf("log = %+v, want %+v", got, want)
		}
	}
	h.out.await(t, "stdout", "to stdout\n")
	h.err.await(t, "stderr", "to stderr\n")
}

func TestOwnLoggersAreLeftAlone(t *testing.T) {
	h := startGo(t, writeTree(t, map[string]string{"main.go": `package x

import (
	"log"
	"log/slog"
	"net/http"
	"os"
)

func init() {
	log.SetOutput(os.Stdout)
	log.SetFlags(0)
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
}

func Handler(w http.ResponseWriter, r *http.Request) { slog.Info("mine") }
`}))
	h.open(nil)
	h.get("/")
	h.out.await(t, "stdout", "level=INFO msg=mine\n")
}

func TestPanicInAHandlerIsA500AndAFault(t *testing.T) {
	dir := writeTree(t, map[string]string{"main.go": `package x

import (
	"io"
	"net/http"
	"strings"
)

func Handler(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/early":
		w.Header().Set("X-Left", "over")
		boom(nil)
	case "/late":
		io.WriteString(w, strings.Repeat("x", 10000))
		panic("too late")
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/elsewhere":
		go boom(nil)
		select {}
	}
	io.WriteString(w, "alive")
}

func boom(m map[string]int) { m["x"] = 1 }
`})
	h := startGo(t, dir)
	h.open(nil)
	if status, body := h.get("/early"); status != 500 || body != "Internal Server Error" {
		t.Errorf("GET /early = %d %q", status, body)
	}
	m := h.awaitType(wire.TypeFault)
	if m.Phase != wire.PhaseRun || m.Name != "panic" || m.Text != "assignment to entry in nil map" || m.RequestID != "r1" {
		t.Errorf("fault = %+v", m)
	}
	real := realPath(dir)
	if want := "function.boom\n\t" + real + "/main.go:26\nfunction.Handler\n\t" + real + "/main.go:13\n"; m.Stack != want {
		t.Errorf("stack is\n%swant\n%s", m.Stack, want)
	}
	if status, body := h.get("/late"); status != 200 || !strings.HasPrefix(body, "cut:") {
		t.Errorf("GET /late = %d %.40q, want a cut body", status, body)
	}
	h.await("second fault", func(m wire.Message) bool { return m.Text == "too late" })
	if _, err := h.client.Get("http://functions.test/abort"); err == nil {
		t.Error("http.ErrAbortHandler answered")
	}
	if status, body := h.get("/"); status != 200 || body != "alive" {
		t.Errorf("after the panics GET = %d %q", status, body)
	}
	if _, err := h.client.Get("http://functions.test/elsewhere"); err == nil {
		t.Error("a worker that panicked elsewhere answered")
	}
	err := <-h.exited
	h.exited <- nil
	if h.cmd.ProcessState.ExitCode() != 2 || !strings.Contains(h.err.String(), "main.boom") && !strings.Contains(h.err.String(), "function.boom") {
		t.Errorf("a panic in a goroutine: %v, stderr:\n%s", err, h.err.String())
	}
}

func TestShutdownIsCalledOnceWithTheReason(t *testing.T) {
	h := startGo(t, writeTree(t, map[string]string{"main.go": `package x

import (
	"context"
	"log"
	"net/http"
)

var proceed = make(chan bool)

func Handler(w http.ResponseWriter, r *http.Request) { proceed <- true }

func Shutdown(ctx context.Context) {
	log.Print("ending: ", context.Cause(ctx))
	<-proceed
}
`}))
	h.open(nil)
	h.send(wire.Message{Type: wire.TypeDrain, Reason: "restarted"})
	h.awaitType(wire.TypeDraining)
	h.await("task", func(m wire.Message) bool { return m.Type == wire.TypeTasks && m.Pending == 1 })
	h.await("Shutdown's line", func(m wire.Message) bool { return m.Text == "ending: restarted" })
	h.send(wire.Message{Type: wire.TypeBeforeUnload, Reason: "termination"})
	h.get("/")
	h.await("the task's end", func(m wire.Message) bool { return m.Type == wire.TypeTasks && m.Pending == 0 })
	h.awaitType(wire.TypeClosing)
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.ContainsFunc(h.seen, func(m wire.Message) bool { return m.Text == "ending: termination" }) {
		t.Error("Shutdown was called twice")
	}
}

func TestHandlerThatOutlivesItsResponseIsATask(t *testing.T) {
	h := startGo(t, writeTree(t, map[string]string{"main.go": `package x

import (
	"io"
	"net/http"
)

var proceed = make(chan bool)

func Handler(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/go-on":
		proceed <- true
	case "/flushed":
		w.Header().Set("Content-Length", "2")
		io.WriteString(w, "ok")
		w.(http.Flusher).Flush()
		<-proceed
	case "/empty":
		w.WriteHeader(http.StatusNoContent)
		http.NewResponseController(w).Flush()
		<-proceed
	}
}
`}))
	h.open(nil)
	for _, path := range []string{"/flushed", "/empty"} {
		h.mu.Lock()
		h.seen = nil
		h.mu.Unlock()
		if status, body := h.get(path); status >= 300 {
			t.Errorf("GET %s = %d %q", path, status, body)
		}
		h.await("task of "+path, func(m wire.Message) bool { return m.Type == wire.TypeTasks && m.Pending == 1 })
		h.get("/go-on")
		h.await("end of the task", func(m wire.Message) bool { return m.Type == wire.TypeTasks && m.Pending == 0 })
	}
}

func TestWorkersFolderIsTheFunctions(t *testing.T) {
	dir := writeTree(t, map[string]string{"greeting.txt": "salve", "main.go": `package x

import (
	"net/http"
	"os"
)

func Handler(w http.ResponseWriter, r *http.Request) {
	text, _ := os.ReadFile("greeting.txt")
	w.Write(text)
}
`})
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	h := startGo(t, dir)
	h.open(nil)
	if _, body := h.get("/"); body != "salve" {
		t.Errorf("GET = %q", body)
	}
}
