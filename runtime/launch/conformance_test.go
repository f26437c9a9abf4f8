package launch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"brink/runtime/config"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

// The same function in both languages. "words" is printed when it is loaded,
// and its paths are those that the rows of TestBothKindsSpeakTheProtocol ask.
const (
	conformTypeScript = `
console.log("words " + Deno.env.get("WORD"));
let finish = () => {};
addEventListener("beforeunload", (e) => console.log("ending " + (e as CustomEvent).detail.reason));
Deno.serve(async (req) => {
	switch (new URL(req.url).pathname.split("/").at(-1)) {
		case "env":
			return new Response(["WORD", "HOST_SECRET"].map((n) => Deno.env.get(n) ?? "none").join());
		case "log":
			console.warn("careful");
			break;
		case "print":
			Deno.stdout.writeSync(new TextEncoder().encode("printed\n"));
			break;
		case "background":
			EdgeRuntime.waitUntil(new Promise<void>((done) => finish = done));
			return new Response("accepted");
		case "finish":
			finish();
			break;
		case "throw":
			throw new Error("as asked");
		case "die":
			setTimeout(() => { throw new Error("as asked"); });
			await new Promise(() => {});
	}
	return new Response(req.method + " " + (req.headers.get("x-brink-request-id") ?? "no id") + " " + await req.text());
});
`
	conformGo = `package conform

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path"
)

func init() { log.Print("words " + os.Getenv("WORD")) }

var finish = make(chan bool)

func Shutdown(ctx context.Context) { log.Print("ending ", context.Cause(ctx)) }

func Handler(w http.ResponseWriter, r *http.Request) {
	switch path.Base(r.URL.Path) {
	case "env":
		fmt.Fprint(w, cmp.Or(os.Getenv("WORD"), "none"), ",", cmp.Or(os.Getenv("HOST_SECRET"), "none"))
		return
	case "log":
		slog.WarnContext(r.Context(), "careful")
	case "print":
		fmt.Println("printed")
	case "background":
		w.Header().Set("Content-Length", "8")
		io.WriteString(w, "accepted")
		w.(http.Flusher).Flush()
		<-finish
		return
	case "finish":
		finish <- true
	case "throw":
		panic("as asked")
	case "die":
		go panic("as asked")
		select {}
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprint(w, r.Method, " ", cmp.Or(r.Header.Get("X-Brink-Request-Id"), "no id"), " ", string(body))
}
`
)

// TestBothKindsSpeakTheProtocol starts workers of both languages the way brink
// does, with package worker, and holds them to the same expectations.
func TestBothKindsSpeakTheProtocol(t *testing.T) {
	rows := []struct {
		name string
		do   func(t *testing.T, c *conformant)
	}{
		{"nothing of the user's runs before go, then loaded and ready come once", func(t *testing.T, c *conformant) {
			c.await(wire.TypeWaiting)
			if cpu, memory := c.worker.Sample(); cpu != 0 || memory != 0 {
				t.Errorf("at the gate it has used %v and %d bytes", cpu, memory)
			}
			if c.index(wire.TypeLog) >= 0 {
				t.Error("the user's code ran before go")
			}
			c.open()
			c.awaitLog("words pass")
			if m := c.await(wire.TypeLoaded); !m.Serving {
				t.Error("loaded, but not serving")
			}
			if n := c.count(wire.TypeReady); n != 1 {
				t.Errorf("ready came %d times", n)
			}
		}},
		{"requests reach the function without the protocol's header", func(t *testing.T, c *conformant) {
			c.open()
			if status, body := c.ask("POST", "/conform/x", "text"); status != 200 || body != "POST no id text" {
				t.Errorf("POST = %d %q", status, body)
			}
		}},
		{"the environment is the function's", func(t *testing.T, c *conformant) {
			c.open()
			if _, body := c.ask("GET", "/conform/env", ""); body != "pass,none" {
				t.Errorf("it sees %q", body)
			}
		}},
		{"log lines have level, time and request id", func(t *testing.T, c *conformant) {
			c.open()
			c.ask("GET", "/conform/log", "")
			if m := c.awaitLog("careful"); m.Level != wire.LevelWarn || m.RequestID != "r1" || m.Time.IsZero() {
				t.Errorf("log = %+v", m)
			}
		}},
		{"what it prints by itself is output", func(t *testing.T, c *conformant) {
			c.open()
			c.ask("GET", "/conform/print", "")
			c.awaitFunc("output", func() bool { return slices.Contains(c.output, "stdout: printed") })
		}},
		{"tasks are counted up and down", func(t *testing.T, c *conformant) {
			c.open()
			if _, body := c.ask("GET", "/conform/background", ""); body != "accepted" {
				t.Errorf("the response is %q", body)
			}
			c.awaitMessage("a task", func(m wire.Message) bool { return m.Type == wire.TypeTasks && m.Pending == 1 })
			c.ask("GET", "/conform/finish", "")
			c.awaitMessage("no task", func(m wire.Message) bool { return m.Type == wire.TypeTasks && m.Pending == 0 })
		}},
		{"sample is answered with memory", func(t *testing.T, c *conformant) {
			c.open()
			c.worker.AskMemory()
			if m := c.await(wire.TypeMemory); m.Heap <= 0 || m.External < 0 {
				t.Errorf("memory = %+v", m)
			}
			if cpu, memory := c.worker.Sample(); cpu <= 0 || memory <= 0 {
				t.Errorf("since go it has used %v and %d bytes", cpu, memory)
			}
		}},
		{"a handler that fails is a 500, and the worker lives", func(t *testing.T, c *conformant) {
			c.open()
			if status, body := c.ask("GET", "/conform/throw", ""); status != 500 || strings.TrimSpace(body) != "Internal Server Error" {
				t.Errorf("GET = %d %q", status, body)
			}
			c.awaitMessage("the error", func(m wire.Message) bool { return strings.Contains(m.Text, "as asked") && m.RequestID == "r1" })
			if status, _ := c.ask("GET", "/conform/x", ""); status != 200 {
				t.Errorf("afterwards GET = %d", status)
			}
		}},
		{"a failure outside of a handler ends it, with its reason", func(t *testing.T, c *conformant) {
			c.open()
			if status, body := c.ask("GET", "/conform/die", ""); status != 0 {
				t.Errorf("GET = %d %q", status, body)
			}
			if e := c.exit(); e.Code <= 0 || e.Err != nil || e.OutOfMemory {
				t.Errorf("exit = %+v", e)
			}
			if m := c.index(wire.TypeFault); m < 0 && !strings.Contains(strings.Join(c.output, "\n"), "stderr: panic: as asked") {
				t.Errorf("no reason; output %q", c.output)
			}
		}},
		{"beforeunload runs the user's listeners, then closing is said", func(t *testing.T, c *conformant) {
			c.open()
			c.worker.BeforeUnload("wall_clock")
			c.await(wire.TypeClosing)
			c.awaitLog("ending wall_clock")
			if status, _ := c.ask("GET", "/conform/x", ""); status != 200 {
				t.Errorf("afterwards GET = %d", status)
			}
		}},
		{"drain is answered, and what is there goes on", func(t *testing.T, c *conformant) {
			c.open()
			c.worker.Drain("restarted")
			c.await(wire.TypeDraining)
			if status, _ := c.ask("GET", "/conform/x", ""); status != 200 {
				t.Errorf("afterwards GET = %d", status)
			}
		}},
		{"kill ends it at the gate and later", func(t *testing.T, c *conformant) {
			c.await(wire.TypeWaiting)
			c.worker.Kill()
			if e := c.exit(); e.Signal != "killed" {
				t.Errorf("exit = %+v", e)
			}
		}},
	}
	for name, spec := range conformantSpecs(t) {
		t.Run(name, func(t *testing.T) {
			for _, row := range rows {
				t.Run(row.name, func(t *testing.T) { row.do(t, startConformant(t, spec(t))) })
			}
			t.Run("messages that nobody knows are ignored, and it exits when brink is gone", func(t *testing.T) {
				outlivesNothing(t, spec(t))
			})
		})
	}
}

// outlivesNothing plays the host by hand, since package worker neither sends
// what it does not know nor hangs up.
func outlivesNothing(t *testing.T, spec worker.Spec) {
	h := startSpec(t, spec)
	h.awaitType(wire.TypeWaiting)
	h.send(wire.Message{Type: "something new"})
	m := wire.Message{Type: wire.TypeGo, Env: spec.Env}
	if spec.Options != nil {
		m.Options = spec.Options(h.paths)
	}
	h.send(m)
	h.awaitType(wire.TypeReady)
	h.send(wire.Message{Type: "something new"})
	h.send(wire.Message{Type: wire.TypeSample})
	h.awaitType(wire.TypeMemory)
	h.raw.Close()
	select {
	case err := <-h.exited:
		h.exited <- err
	case <-time.After(patience):
		t.Error("it lives on without brink")
	}
}

// conformantSpecs prepares the function in both languages.
func conformantSpecs(t *testing.T) map[string]func(*testing.T) worker.Spec {
	t.Helper()
	t.Setenv("HOST_SECRET", "seen")
	env := map[string]string{"WORD": "pass"}
	p := newProject(t, map[string]string{"hello/index.ts": conformTypeScript})
	p.prepare()
	deno := p.launcher()
	goLauncher, f := prepared(t, writeTree(t, map[string]string{"main.go": conformGo}))
	describe := func(l interface {
		Spec(config.Function, string, map[string]string) (worker.Spec, error)
	}, f config.Function) func(*testing.T) worker.Spec {
		return func(t *testing.T) worker.Spec {
			t.Helper()
			spec, err := l.Spec(f, "00000000-0000-4000-8000-000000000000", env)
			if err != nil {
				t.Fatal(err)
			}
			return spec
		}
	}
	return map[string]func(*testing.T) worker.Spec{"Deno": describe(deno, p.function), "Go": describe(goLauncher, f)}
}
