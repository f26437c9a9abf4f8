package launch

import (
	"encoding/json"
	"testing"
)

func TestNodeIsLoadedOnlyForFunctionsThatUseIt(t *testing.T) {
	for name, row := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"plain":               {map[string]string{"hello/index.ts": `import "../_shared/a.ts"; Deno.serve(() => new Response());`, "_shared/a.ts": ""}, false},
		"npm package":         {map[string]string{"hello/index.ts": `import "npm:is-even@1.0.0";`}, true},
		"node module":         {map[string]string{"hello/index.ts": `import "../_shared/a.ts";`, "_shared/a.ts": `import "node:path";`}, true},
		"node module, lazily": {map[string]string{"hello/index.ts": `await import("node:path");`}, true},
		"CommonJS":            {map[string]string{"hello/index.cjs": `require("fs");`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, row.files)
			d := p.launcher()
			if !d.usesNode(p.function) {
				t.Error("before Prepare it counts as not using node")
			}
			if err := d.Prepare(t.Context(), p.function, nil); err != nil {
				t.Fatal(err)
			}
			if got := d.usesNode(p.function); got != row.want {
				t.Errorf("after Prepare: %v, want %v", got, row.want)
			}
		})
	}
}

// TestAnEditThatBringsNodeInIsSeenAtTheGate has a spare that was started
// without node's modules.
func TestAnEditThatBringsNodeInIsSeenAtTheGate(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": `Deno.serve(() => new Response("old"));`})
	d := p.launcher()
	if err := d.Prepare(t.Context(), p.function, nil); err != nil {
		t.Fatal(err)
	}
	h := p.spareOf(d)
	p.write("hello/index.ts", `import http from "node:http"; import { existsSync } from "node:fs";
		http.createServer((req, res) => res.end(existsSync("/etc/passwd") ? "leaks" : "new")).listen(80);`)
	h.open()
	h.await("ready")
	if got := h.body(); got != "new" {
		t.Errorf("body %q", got)
	}
}

func TestASpareWithoutNodeServesWhatNeedsNone(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": `Deno.serve(() => { process.exit(1); return new Response(process.env.GREETING + Deno.env.get("GREETING")); });`})
	d := p.launcher()
	if err := d.Prepare(t.Context(), p.function, nil); err != nil {
		t.Fatal(err)
	}
	h := p.spareOf(d)
	var o options
	if err := json.Unmarshal(h.spec.Options(h.paths), &o); err != nil || o.Node {
		t.Errorf("options %+v, %v", o, err)
	}
	h.open()
	h.await("ready")
	if got := h.body(); got != "hihi" {
		t.Errorf("body %q", got)
	}
}
