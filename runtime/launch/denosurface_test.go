package launch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brink/runtime/config"
	"brink/runtime/wire"
)

// check compares what attempts gave.
func check(t *testing.T, p *project, table map[string][2]string) {
	t.Helper()
	expressions := map[string]string{}
	for name, row := range table {
		expressions[name] = row[0]
	}
	got := p.attempts(expressions)
	for name, row := range table {
		if got[name] != row[1] {
			t.Errorf("%s: got %q, want %q", name, got[name], row[1])
		}
	}
}

// TestCallsThatTheHostedRuntimeRefuses has one row for each line of the
// reference's section on the Deno namespace.
func TestCallsThatTheHostedRuntimeRefuses(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": "", "hello/data.txt": "x"})
	const spawning = "Error: Spawning subprocesses is not allowed on Supabase Edge Runtime."
	check(t, p, map[string][2]string{
		"exit":                {`(Deno.exit(3), process.exit(4), "alive")`, "alive"},
		"kill":                {`(Deno.kill(1), Deno.addSignalListener("SIGTERM", () => {}), "nothing")`, "nothing"},
		"Command.output":      {`new Deno.Command("ls").output()`, spawning},
		"Command.spawn":       {`new Deno.Command("ls").spawn()`, spawning},
		"Command.outputSync":  {`new Deno.Command("ls").outputSync()`, spawning},
		"child_process":       {`child.spawn("ls")`, spawning},
		"abstract socket":     {`Deno.connect({ transport: "unix", path: "\0x" })`, "PermissionDenied: Unix sockets are closed to functions"},
		"worker_threads":      {`new (process.getBuiltinModule("node:worker_threads").Worker)("./w.js")`, "Error: Not implemented: worker_threads.Worker"},
		"env.set":             {`Deno.env.set("A", "b")`, "NotSupported: The operation is not supported"},
		"process.env":         {`process.env.A = "b"`, "NotSupported: The operation is not supported"},
		"env.delete":          {`(Deno.env.delete("GREETING"), delete process.env.GREETING, Deno.env.get("GREETING") + process.env.GREETING)`, "hihi"},
		"chmod":               {`Deno.chmod("/tmp/a", 0)`, "PermissionDenied: Deno.chmod is blocklisted"},
		"renameSync":          {`Deno.renameSync("/tmp/a", "/tmp/b")`, "PermissionDenied: Deno.renameSync is blocklisted"},
		"chdir":               {`Deno.chdir("/")`, "PermissionDenied: Deno.chdir is blocklisted"},
		"openSync":            {`Deno.openSync("/tmp/a")`, "PermissionDenied: Deno.openSync is blocklisted"},
		"statSync":            {`Deno.statSync("/tmp")`, "PermissionDenied: Deno.statSync is blocklisted on the current context"},
		"writeTextFileSync":   {`Deno.writeTextFileSync("/tmp/a", "")`, "PermissionDenied: Deno.writeTextFileSync is blocklisted on the current context"},
		"readFile elsewhere":  {`Deno.readTextFile("./data.txt")`, "NotFound: path not found: ./data.txt"},
		"writeFile elsewhere": {`Deno.writeTextFile("./data.txt", "")`, "NotFound: path not found: ./data.txt"},
		"stat elsewhere":      {`Deno.stat("./data.txt")`, "NotSupported: The operation is not supported"},
		"shared memory":       {`new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })`, "TypeError: Creating a shared memory is not supported"},
		"absent in Deno":      {`["run", "dlopen", "watchFs", "umask", "openKv", "test", "bench", "listenTls", "inspect"].filter((n) => n in Deno).join()`, ""},
		"absent globals":      {`["Worker", "localStorage", "alert", "prompt", "confirm", "EventSource", "BroadcastChannel", "WebSocketStream", "GPU", "GPUDevice"].filter((n) => n in globalThis).join()`, ""},
		"permissions":         {`Deno.permissions.query({ name: "run" }).then((s) => s.state)`, "granted"},
		"version":             {`Deno.version.deno + " " + Deno.version.typescript + " " + SUPABASE_VERSION + " " + DENO_VERSION`, "supabase-edge-runtime-1.74.0 (compatible with Deno v2.1.4) 5.1.6 1.74.0 2.1.4"},
		"user agent":          {`navigator.userAgent`, "Deno/2.1.4 (variant; SupabaseEdgeRuntime/1.74.0)"},
		"system":              {`[Deno.uid(), Deno.hostname(), Deno.loadavg(), Deno.osRelease(), navigator.hardwareConcurrency, Deno.execPath()]`, `[1000,"localhost",[0,0,0],"0.0.0-00000000-generic",1,"/bin/edge-runtime"]`},
		"EdgeRuntime":         {`Object.keys(EdgeRuntime)`, `["waitUntil"]`},
		"port 25":             {`Deno.connect({ hostname: "127.0.0.1", port: 25 })`, "ConnectionRefused: " + closedPort("25")},
		"port 587 by node":    {`new Promise((_, no) => net.connect(587, "127.0.0.1").on("error", no))`, "Error: " + closedPort("587")},
		"time zone":           {`String(new Date(0)).slice(16, 33)`, "00:00:00 GMT+0000"},
	})
}

func closedPort(port string) string {
	return "Connection refused: port " + port + " is closed on the hosted platform; send mail by an HTTP API or on port 2587 or 465"
}

func TestTmpIsTheWorkersOwn(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": ""})
	check(t, p, map[string][2]string{
		"Deno": {`(async () => {
			await Deno.mkdir("/tmp/a/b", { recursive: true });
			await Deno.writeTextFile("/tmp/a/b/c.txt", "deno");
			const names = []; for await (const e of Deno.readDir("/tmp/a/b")) names.push(e.name);
			return [await Deno.readTextFile("/tmp/a/../a/b/c.txt"), names.join(), await Deno.realPath("/tmp/a"), (await Deno.stat("/tmp/a/b/c.txt")).size];
		})()`, `["deno","c.txt","/tmp/a",4]`},
		"Deno.open": {`(async () => {
			const f = await Deno.open("/tmp/o.txt", { write: true, create: true });
			await f.write(new TextEncoder().encode("opened")); f.close();
			return await Deno.readTextFile(new URL("file:///tmp/o.txt"));
		})()`, "opened"},
		"node": {`(async () => {
			fs.mkdirSync("/tmp/n"); fs.writeFileSync("/tmp/n/x", "node"); await fs.promises.rename("/tmp/n/x", "/tmp/n/y");
			return [fs.readFileSync("/tmp/n/y", "utf8"), fs.existsSync("/tmp/n/x"), fs.readdirSync("/tmp/n").join(), os.tmpdir(), await fs.promises.realpath("/tmp/n")];
		})()`, `["node",false,"y","/tmp","/tmp/n"]`},
		"made by the engine": {`(async () => {
			const all = [await Deno.makeTempDir({ prefix: "p" }), await Deno.makeTempFile(), fs.mkdtempSync("/tmp/q")];
			await Deno.writeTextFile(all[0] + "/f", "");
			return all.every((path) => path.startsWith("/tmp/") && fs.existsSync(path));
		})()`, "true"},
		"not a module": {`import("file:///tmp/x.ts").catch((e) => e.name)`, "TypeError"},
	})
}

func TestNamedImportsOfNodeFSAreWrapped(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": `
		import { readFileSync, writeFileSync } from "node:fs";
		import { readFile } from "node:fs/promises";
		Deno.serve(async () => {
			writeFileSync("/tmp/f", "kept");
			return new Response(readFileSync("/tmp/f", "utf8") + await readFile("/tmp/f", "utf8"));
		});`})
	h := p.serve()
	if got := h.body(); got != "keptkept" {
		t.Errorf("body %q", got)
	}
	if got := readFile(t, filepath.Join(h.paths.Tmp, "f")); got != "kept" {
		t.Errorf("the worker's folder has %q", got)
	}
}

func TestTmpHasAQuota(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": ""})
	p.function.Limits.TmpQuota = 1000
	check(t, p, map[string][2]string{
		"quota": {`(async () => {
			const out = [];
			for (const name of ["a", "b"]) await Deno.writeTextFile("/tmp/" + name, "x".repeat(600)).then(() => out.push("ok"), (e) => out.push(e.message));
			try { fs.writeFileSync("/tmp/b", "x".repeat(600)); out.push("ok"); } catch (e) { out.push(e.message); }
			await Deno.remove("/tmp/a");
			await Deno.writeTextFile("/tmp/c", "x".repeat(900)); out.push("ok");
			return out;
		})()`, `["ok","filesystem quota exceeded","filesystem quota exceeded","ok"]`},
	})
}

func TestStaticFilesAreReadable(t *testing.T) {
	p := newProject(t, map[string]string{
		"hello/index.ts": "", "hello/static/a/page.html": "page", "hello/one.txt": "one", "hello/other.txt": "other",
	})
	p.function.StaticFiles = []string{filepath.Join(p.function.Dir, "static", "**", "*.html"), filepath.Join(p.function.Dir, "one.{txt,md}")}
	check(t, p, map[string][2]string{
		"relative":   {`Deno.readTextFile("static/a/page.html")`, "page"},
		"by URL":     {`Deno.readTextFile(new URL("./one.txt", import.meta.url))`, "one"},
		"by node":    {`fs.promises.readFile(new URL("./one.txt", import.meta.url), "utf8")`, "one"},
		"not listed": {`Deno.readTextFile("other.txt")`, "NotFound: path not found: other.txt"},
		"not stat":   {`Deno.stat("one.txt")`, "NotSupported: The operation is not supported"},
		"not open":   {`Deno.open("one.txt")`, "NotFound: path not found: one.txt"},
	})
}

func TestStaticFilesMayLieOutsideTheFunctionsFolder(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": ""})
	assets := t.TempDir()
	for _, name := range []string{"a.txt", "a.key"} {
		if err := os.WriteFile(filepath.Join(assets, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.function.StaticFiles = []string{filepath.Join(assets, "*.txt")}
	check(t, p, map[string][2]string{
		"listed":     {`Deno.readTextFile("` + filepath.Join(assets, "a.txt") + `")`, "a.txt"},
		"not listed": {`Deno.readTextFile("` + filepath.Join(assets, "a.key") + `")`, "NotFound: path not found: " + filepath.Join(assets, "a.key")},
	})
}

func TestAFolderWithACommaIsRefusedWithTheFix(t *testing.T) {
	d := &Deno{denoDir: "/cache"}
	err := d.Prepare(t.Context(), config.Function{Name: "hello", Dir: "/Acme, Inc/functions/hello"}, nil)
	fault, ok := errors.AsType[*Fault](err)
	if !ok || !strings.Contains(fault.Message, "rename that folder") {
		t.Errorf("got %v", err)
	}
}

func TestSyncReadsWarnAfterEvaluation(t *testing.T) {
	p := newProject(t, map[string]string{"hello/one.txt": "one", "hello/index.ts": `
		const early = Deno.readTextFileSync("one.txt");
		Deno.writeTextFileSync("/tmp/early", early);
		Deno.serve(() => new Response(early + Deno.readTextFileSync("/tmp/early")));`})
	p.function.StaticFiles = []string{filepath.Join(p.function.Dir, "*.txt")}
	h := p.start()
	h.await(wire.TypeLoaded)
	if got := h.body(); got != "oneone" {
		t.Errorf("body %q", got)
	}
	if m := h.awaitLog("WARNING: Do not use Deno.readTextFileSync inside the async callback."); m.Level != wire.LevelError {
		t.Errorf("level %q", m.Level)
	}
}

func TestFetchGoesByTheHostedName(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(r.Header.Get("User-Agent") + "|" + r.Method))
	}))
	defer server.Close()
	p := newProject(t, map[string]string{"hello/index.ts": ""})
	check(t, p, map[string][2]string{
		"default": {`fetch("` + server.URL + `").then((r) => r.text())`, "Deno/2.1.4 (variant; SupabaseEdgeRuntime/1.74.0)|GET"},
		"own":     {`fetch(new Request("` + server.URL + `", { method: "POST", body: "x", headers: { "user-agent": "mine" } })).then((r) => r.text())`, "mine|POST"},
	})
}

// TestCommonPackagesLoad imports what functions import most.
func TestCommonPackagesLoad(t *testing.T) {
	packages := []string{
		"@supabase/supabase-js@2", "@supabase/server", "hono@4", "express@4", "zod@3", "postgres@3", "pg@8", "stripe", "openai",
		"resend", "nodemailer", "axios", "ioredis", "pino", "winston", "jose", "uuid", "lodash", "date-fns", "@sentry/deno",
	}
	var code strings.Builder
	code.WriteString("const loaded: string[] = [];\n")
	for _, name := range packages {
		code.WriteString(`await import("npm:` + name + `"); loaded.push("` + name + `");` + "\n")
	}
	code.WriteString("Deno.serve(() => new Response(loaded.join()));")
	p := newProject(t, map[string]string{"hello/index.ts": code.String()})
	if got := p.bodyAfterPrepare(); got != strings.Join(packages, ",") {
		t.Errorf("loaded %q", got)
	}
}

func TestNothingIsWrittenBesideTheFunction(t *testing.T) {
	p := newProject(t, map[string]string{"hello/index.ts": `import "npm:is-even@1.0.0"; Deno.serve(() => new Response("ok"));`})
	p.bodyAfterPrepare()
	entries, err := os.ReadDir(p.function.Dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the function's folder holds %v (%v)", entries, err)
	}
}
