package launch

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"brink/runtime/wire"
)

func TestTheGateComesBeforeTheCode(t *testing.T) {
	p := newProject(t, map[string]string{
		"hello/index.ts":  `import { text } from "../_shared/text.ts"; Deno.serve(() => new Response(text + import.meta.main));`,
		"_shared/text.ts": `export const text = "old";`,
	})
	h := p.spare()
	p.write("_shared/text.ts", `export const text = "older";`)
	p.write("_shared/text.ts", `export const text = "new ";`)
	h.open()
	h.await(wire.TypeReady)
	if got := h.body(); got != "new true" {
		t.Errorf("body %q", got)
	}
}

func TestLoadedSaysWhetherAnythingServes(t *testing.T) {
	for code, want := range map[string]bool{
		`console.log("nothing here");`:                   false,
		`export default { hello: 1 };`:                   false,
		`export default { fetch: () => new Response() }`: true,
		`Deno.serve(() => new Response());`:              true,
	} {
		h := newProject(t, map[string]string{"hello/index.ts": code}).start()
		if m := h.await(wire.TypeLoaded); m.Serving != want {
			t.Errorf("%s: %+v", code, m)
		}
		ready := slices.ContainsFunc(h.seen, func(m wire.Message) bool { return m.Type == wire.TypeReady })
		if ready != want {
			t.Errorf("%s: ready %v", code, ready)
		}
		// An empty event loop is no reason to leave: the worker still answers.
		h.send(wire.Message{Type: wire.TypeSample})
		h.await(wire.TypeMemory)
	}
}

func TestBackgroundTasksAreCounted(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		Deno.serve(() => {
			const task = new Promise((r) => setTimeout(r, 50));
			if (EdgeRuntime.waitUntil(task) !== task || EdgeRuntime.waitUntil(1) !== 1) throw new Error("not passed through");
			EdgeRuntime.waitUntil(task);
			EdgeRuntime.waitUntil(Promise.resolve());
			return new Response(Object.keys(EdgeRuntime).join());
		});`}).serve()
	if got := h.body(); got != "waitUntil" {
		t.Errorf("EdgeRuntime has %q", got)
	}
	for _, want := range []int{1, 0} {
		if m := h.await(wire.TypeTasks); m.Pending != want {
			t.Errorf("pending %d, want %d", m.Pending, want)
		}
	}
}

func TestBeforeUnloadAndDrainReachTheFunction(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		addEventListener("beforeunload", (e) => console.log("beforeunload", e.detail.reason));
		addEventListener("drain", () => console.log("drain"));
		Deno.serve(() => new Response("ok"));`}).serve()
	h.send(wire.Message{Type: wire.TypeBeforeUnload, Reason: "wall_clock"})
	h.awaitLog("beforeunload wall_clock")
	h.await(wire.TypeClosing)
	h.send(wire.Message{Type: wire.TypeDrain, Reason: "restarted"})
	h.awaitLog("drain")
	h.await(wire.TypeDraining)
}

func TestMemoryCountsHeapAndBuffers(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		const kept: ArrayBuffer[] = [];
		Deno.serve(() => { kept.push(new ArrayBuffer(64 << 20)); return new Response("ok"); });`}).serve()
	h.body()
	if m := h.await(wire.TypeMemory); m.External < 64<<20 || m.Heap < 1<<20 {
		t.Errorf("%+v", m)
	}
}

func TestTheWorkerLeavesWithItsHost(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `Deno.serve(() => new Response("ok"));`}).serve()
	h.hangUp()
	if code := h.awaitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAWorkerStartedByHandSaysWhatItIs(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": ``})
	d := p.launcher()
	cmd := exec.Command(p.options.Engine, "run", "--allow-env", "--preload", d.bootstrap, p.function.Entrypoint)
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "worker of brink") {
		t.Errorf("exit code %d, printed %q", cmd.ProcessState.ExitCode(), out)
	}
}

// TestBootstrapSpeaksTheWire keeps the JavaScript in step with package wire:
// every message it sends or answers, and every field it names.
func TestBootstrapSpeaksTheWire(t *testing.T) {
	var source strings.Builder
	entries, err := bootstrapFiles.ReadDir("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := bootstrapFiles.ReadFile("bootstrap/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	found := func(pattern string) []string {
		var names []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(source.String(), -1) {
			names = append(names, m[1])
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	sent := []string{"closing", "draining", "fault", "hello", "loaded", "log", "memory", "ready", "tasks", "waiting"}
	if got := found(`type: "([a-z]+)"`); !slices.Equal(got, sent) {
		t.Errorf("the bootstrap sends %q, wire has %q", got, sent)
	}
	answered := []string{string(wire.TypeBeforeUnload), string(wire.TypeDrain), string(wire.TypeGo), string(wire.TypeSample)}
	if got := found(`\bon\("([a-z]+)"`); !slices.Equal(got, answered) {
		t.Errorf("the bootstrap answers %q, wire has %q", got, answered)
	}
	if !strings.Contains(source.String(), "protocol: 1,") || wire.Version != 1 {
		t.Error("the bootstrap speaks another protocol version")
	}
	if !strings.Contains(source.String(), `"`+strings.ToLower(wire.HeaderRequestID)+`"`) {
		t.Error("the bootstrap looks for another request id header")
	}
	for _, name := range []string{wire.EnvProtocol, wire.EnvHTTPSocket, wire.EnvControlSocket} {
		if !strings.Contains(source.String(), `"`+name+`"`) {
			t.Errorf("the bootstrap does not read %s", name)
		}
	}
}

func TestBootstrapFilesStaySmall(t *testing.T) {
	files, err := os.ReadDir("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile("bootstrap/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > 300 {
			t.Errorf("%s has %d lines", file.Name(), lines)
		}
	}
}
