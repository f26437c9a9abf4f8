package launch

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brink/runtime/worker"
)

// attempts runs each expression in a worker and returns what came of it: the
// value, or the name and message of the error.
func (p *project) attempts(expressions map[string]string) map[string]string {
	p.t.Helper()
	p.write("hello/index.ts", tryAll(expressions)+"Deno.serve(async () => Response.json(await runAll()));")
	body := p.serve().body()
	out := map[string]string{}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		p.t.Fatalf("%v in %q", err, body)
	}
	return out
}

// tryAll is code that defines runAll, which runs each expression.
func tryAll(expressions map[string]string) string {
	var code strings.Builder
	code.WriteString(`import fs from "node:fs"; import os from "node:os"; import net from "node:net"; import process, { env as namedEnv } from "node:process"; import child from "node:child_process";
		void [fs, os, net, process, namedEnv, child];
		const tries: Record<string, () => unknown> = {};` + "\n")
	for name, expression := range expressions {
		quoted, _ := json.Marshal(name)
		code.WriteString("tries[" + string(quoted) + "] = async () => (" + expression + ");\n")
	}
	code.WriteString(`async function runAll() {
		const out: Record<string, string> = {};
		for (const [name, run] of Object.entries(tries)) {
			try { const v = await run(); out[name] = typeof v === "string" ? v : JSON.stringify(v) ?? "undefined"; }
			catch (e) { out[name] = e.name + ": " + e.message; }
		}
		return out;
	}` + "\n")
	return code.String()
}

func TestAFunctionSeesExactlyItsOwnEnvironment(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": ""})
	p.options.Environ = append(os.Environ(), "DENO_AUTH_TOKENS=secret@example.com", "AWS_SECRET_ACCESS_KEY=secret", "NPM_CONFIG_REGISTRY=http://127.0.0.1:1/secret")
	p.env = map[string]string{"GREETING": "hi", "EMPTY": ""}
	const want = `{"EMPTY":"","GREETING":"hi"}`
	sorted := func(object string) string {
		return `JSON.stringify(Object.fromEntries(Object.entries(` + object + `).sort()))`
	}
	got := p.attempts(map[string]string{
		"Deno.env":    sorted("Deno.env.toObject()"),
		"process.env": sorted("process.env"),
		"global":      sorted("globalThis.process.env"),
		"get":         `Deno.env.get("GREETING") + process.env.GREETING + namedEnv.GREETING`,
		"others":      `[Deno.env.get("DENO_AUTH_TOKENS"), Deno.env.get("HOME"), Deno.env.get("BRINK_CONTROL_SOCKET"), process.env.PATH, namedEnv.DENO_AUTH_TOKENS, process.env.DENO_DIR]`,
		"proc":        `Deno.readTextFile("/proc/self/environ")`,
	})
	for _, name := range []string{"Deno.env", "process.env", "global"} {
		if got[name] != want {
			t.Errorf("%s is %s", name, got[name])
		}
	}
	if got["get"] != "hihihi" || got["others"] != "[null,null,null,null,null,null]" {
		t.Errorf("get %s, others %s", got["get"], got["others"])
	}
	if !strings.Contains(got["proc"], ": ") || strings.Contains(got["proc"], "secret") {
		t.Errorf("/proc/self/environ: %s", got["proc"])
	}
}

// TestPermissionsConfineAFunction runs code with a worker's command line but
// without the bootstrap, whose refusals are manners, not protection.
func TestPermissionsConfineAFunction(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": "", "hello/data.txt": "data"})
	dir := shortTempDir(t)
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	quote := func(path string) string { text, _ := json.Marshal(path); return string(text) }
	own := quote(filepath.Join(p.dir, "hello", "data.txt"))
	tmp := shortTempDir(t)
	got := p.runBare(worker.Paths{Tmp: tmp, HTTP: filepath.Join(tmp, "../h"), Control: filepath.Join(tmp, "../c")}, map[string]string{
		"read /etc/passwd":      `Deno.readTextFile("/etc/passwd")`,
		"node read /etc/passwd": `fs.readFileSync("/etc/passwd", "utf8")`,
		"read /proc":            `Deno.readTextFile("/proc/self/environ")`,
		"write own folder":      `Deno.writeTextFile(` + own + `, "changed")`,
		"node write own folder": `fs.promises.writeFile(` + own + `, "changed")`,
		"remove own file":       `Deno.remove(` + own + `)`,
		"node spawn":            `new Promise((ok, no) => child.spawn("/bin/sh").on("spawn", ok).on("error", no))`,
		"spawn":                 `new Deno.Command("/bin/sh").output()`,
		"dlopen":                `Deno.dlopen("libc.so.6", {})`,
		"connect unix":          `Deno.connect({ transport: "unix", path: ` + quote(socket) + ` })`,
		"node connect unix":     `new Promise((ok, no) => net.connect(` + quote(socket) + `).on("connect", ok).on("error", no))`,
		"listen unix":           `Deno.listen({ transport: "unix", path: ` + quote(filepath.Join(dir, "new")) + ` })`,
		"link out":              `Deno.symlink("/etc/passwd", ` + quote(filepath.Join(tmp, "link")) + `)`,
		"read own file":         `Deno.readTextFile(` + own + `)`,
		"write tmp":             `Deno.writeTextFile(` + quote(filepath.Join(tmp, "f")) + `, "x")`,
	})
	for name, result := range got {
		switch allowed := name == "read own file" || name == "write tmp"; {
		case allowed && strings.Contains(result, "Error"), allowed && strings.Contains(result, "NotCapable"):
			t.Errorf("%s: %s", name, result)
		case !allowed && !strings.Contains(result, "NotCapable") && !strings.Contains(result, "EACCES") && !strings.Contains(result, "ERR_ACCESS_DENIED"):
			t.Errorf("%s: %s", name, result)
		}
	}
	if text := readFile(t, filepath.Join(p.dir, "hello", "data.txt")); text != "data" {
		t.Errorf("the function's folder was written to: %q", text)
	}
}

// runBare is attempts without the bootstrap.
func (p *project) runBare(paths worker.Paths, expressions map[string]string) map[string]string {
	p.t.Helper()
	code := tryAll(expressions) + "console.log(JSON.stringify(await runAll())); Deno.exit(0);"
	p.write("hello/index.ts", code)
	d := p.launcher()
	args := d.runArgs(p.function, paths)
	at := slices.Index(args, "--preload")
	cmd := exec.Command(p.options.Engine, slices.Delete(args, at, at+2)...)
	cmd.Env = d.environ(p.function)
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatal(err)
	}
	results := map[string]string{}
	if err := json.Unmarshal(out, &results); err != nil {
		p.t.Fatalf("%v in %q", err, out)
	}
	return results
}

func TestTheControlSocketIsOutOfReach(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": `
		Deno.serve(async (req) => {
			const path = new URL(req.url).searchParams.get("path")!;
			try { await Deno.connect({ transport: "unix", path }); return new Response("connected"); }
			catch (e) { return new Response((e as Error).name); }
		});`})
	h := p.serve()
	l, err := net.Listen("unix", h.paths.Control+"2")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	os.Rename(h.paths.Control+"2", h.paths.Control)
	if _, got := h.get("/hello?path=" + h.paths.Control); got != "NotCapable" {
		t.Errorf("connecting gave %q", got)
	}
}

func TestTheNetworkIsOpen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("hello"))
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	got := newProject(t, map[string]string{"hello/index.ts": ""}).attempts(map[string]string{
		"connect": `Deno.connect({ hostname: "127.0.0.1", port: ` + port + ` }).then(async (c) => new TextDecoder().decode((await c.readable.getReader().read()).value))`,
		"node":    `new Promise((ok, no) => net.connect(` + port + `, "127.0.0.1").on("data", (d) => ok(String(d))).on("error", no))`,
	})
	for name, result := range got {
		if result != "hello" {
			t.Errorf("%s: %s", name, result)
		}
	}
}
