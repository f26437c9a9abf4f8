package launch

import (
	"strings"
	"testing"

	"brink/runtime/wire"
)

// TestBrokenGraphsAreFaultsOfPrepare covers what the user reads when a function
// cannot be loaded, and that a worker exits without a message then.
func TestBrokenGraphsAreFaultsOfPrepare(t *testing.T) {
	for name, row := range map[string]struct {
		code, class string
		want        []string
	}{
		"syntax error":   {"let x: = 3;", "SyntaxError", []string{"Unexpected token", "1 | let x: = 3;", "hello/index.ts:1:8"}},
		"missing module": {`import "./missing.ts";`, "LoadError", []string{`Module not found "file://`, "hello/index.ts:1:8"}},
		"bare specifier": {`import "oak";`, "LoadError", []string{`"oak"`, "hello/index.ts:1:8"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, map[string]string{"hello/index.ts": row.code})
			err := p.launcher().Prepare(t.Context(), p.function, nil)
			fault, ok := err.(*Fault)
			if !ok {
				t.Fatalf("Prepare returned %v", err)
			}
			h := p.start()
			if code := h.awaitExit(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if len(h.seen) != 2 {
				t.Errorf("messages after waiting: %s", h.log())
			}
			for _, f := range []*Fault{fault, DenoFault(h.stderr.String())} {
				if f.Phase != wire.PhaseLoad || f.Name != row.class {
					t.Errorf("phase %q, name %q", f.Phase, f.Name)
				}
				for _, want := range row.want {
					if strings.Count(f.Message, want) != 1 {
						t.Errorf("%q should be once in %q", want, f.Message)
					}
				}
				if strings.HasPrefix(f.Message, "error") || strings.Contains(f.Message, "\x1b") {
					t.Errorf("message %q", f.Message)
				}
			}
		})
	}
}

func TestWhatDoesNotLinkIsLeftToStderr(t *testing.T) {
	p := newProject(t, map[string]string{
		"hello/index.ts": `import { nope } from "./other.ts"; nope();`,
		"hello/other.ts": `export const yes = 1;`,
	})
	p.prepare()
	h := p.start()
	h.awaitExit()
	f := DenoFault(h.stderr.String())
	if len(h.seen) != 2 || f.Name != "SyntaxError" || !strings.Contains(f.Message, "does not provide an export named 'nope'") {
		t.Errorf("fault %+v after %s", f, h.log())
	}
}

func TestUncaughtErrorsAreFaultMessages(t *testing.T) {
	const serve = `Deno.serve(() => new Response("ok"));`
	for name, row := range map[string]struct {
		code  string
		phase wire.Phase
		class string
		want  []string
	}{
		"throw at top level":       {`throw new TypeError("top");`, wire.PhaseEvaluate, "TypeError", []string{"TypeError: top", `throw new TypeError("top");`, "index.ts:1:7"}},
		"throw after await":        {`await 0; throw new TypeError("top");`, wire.PhaseEvaluate, "TypeError", []string{"index.ts:1:16"}},
		"throw in an import":       {`import "./other.ts";`, wire.PhaseEvaluate, "RangeError", []string{"other.ts:1:7"}},
		"missing dynamic import":   {`await import("./missing" + ".ts");`, wire.PhaseEvaluate, "TypeError", []string{"Module not found"}},
		"fetch is not a function":  {`export default { fetch: 1 };`, wire.PhaseEvaluate, "TypeError", []string{"Invalid type for fetch"}},
		"no error thrown":          {`throw { status: 5 };`, wire.PhaseEvaluate, "", []string{"{ status: 5 }"}},
		"error in a timer":         {serve + ` setTimeout(() => { throw new Error("late") }, 50);`, wire.PhaseRun, "Error", []string{"Error: late", "^"}},
		"unhandled rejection":      {serve + ` setTimeout(() => { Promise.reject(new Error("late", { cause: new Error("why") })) }, 50);`, wire.PhaseRun, "Error", []string{"Error: late", "[cause]: Error: why"}},
		"rejected background task": {serve + ` setTimeout(() => { EdgeRuntime.waitUntil((async () => { await 0; throw new Error("task") })()) }, 50);`, wire.PhaseRun, "Error", []string{"Error: task"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newProject(t, map[string]string{"hello/index.ts": row.code, "hello/other.ts": `throw new RangeError("other");`}).start()
			m := h.await(wire.TypeFault)
			if m.Phase != row.phase || m.Name != row.class {
				t.Errorf("fault %+v", m)
			}
			for _, want := range row.want {
				if !strings.Contains(m.Stack, want) {
					t.Errorf("stack %q lacks %q", m.Stack, want)
				}
			}
			if strings.Contains(m.Stack, "bootstrap") {
				t.Errorf("stack shows brink's own files: %q", m.Stack)
			}
			if code := h.awaitExit(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if out := h.stderr.String(); out != "" {
				t.Errorf("printed as well: %q", out)
			}
		})
	}
}

func TestAPreventedFailureDoesNotEndTheWorker(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		import process from "node:process";
		process.on("uncaughtException", (e) => console.log("saw", e.message));
		addEventListener("unhandledrejection", (e) => { e.preventDefault(); console.log("saw", e.reason.message); });
		setTimeout(() => { throw new Error("thrown") }, 10);
		Promise.reject(new Error("rejected"));
		Deno.serve(() => new Response("alive"));`}).serve()
	h.awaitFunc("both", func(wire.Message) bool {
		log := h.log()
		return strings.Contains(log, "saw thrown") && strings.Contains(log, "saw rejected")
	})
	if got := h.body(); got != "alive" {
		t.Errorf("body %q", got)
	}
}
