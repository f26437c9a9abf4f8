package launch

import (
	"net/http"
	"strings"
	"testing"

	"brink/runtime/wire"
)

// TestEveryWayToServeIsReached covers what functions do to answer requests.
func TestEveryWayToServeIsReached(t *testing.T) {
	for name, code := range map[string]string{
		"handler":             `Deno.serve((req) => new Response("ok " + new URL(req.url).pathname));`,
		"options and handler": `Deno.serve({ port: 1, hostname: "::" }, (req) => new Response("ok " + new URL(req.url).pathname));`,
		"handler in options":  `Deno.serve({ port: 80, handler: (req) => new Response("ok " + new URL(req.url).pathname) });`,
		"default export":      `export default { fetch: (req: Request) => new Response("ok " + new URL(req.url).pathname) };`,
		"served at top level": `await Deno.serve((req) => new Response("ok " + new URL(req.url).pathname)).finished;`,
		"node:http": `import http from "node:http";
			http.createServer((req, res) => res.end("ok " + req.url)).listen(8080, "0.0.0.0", () => {});`,
		"Deno.listen and Deno.serveHttp": `const listener = Deno.listen({ port: 8000 });
			(async () => { for await (const c of listener) (async () => {
				for await (const e of Deno.serveHttp(c)) e.respondWith(new Response("ok " + new URL(e.request.url).pathname));
			})(); })();`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newProject(t, map[string]string{"hello/index.ts": code}).serve()
			if got := h.body(); got != "ok /hello" {
				t.Errorf("body %q", got)
			}
		})
	}
}

func TestEveryKindOfFileIsAnEntrypoint(t *testing.T) {
	const serve = `Deno.serve(() => new Response("ok"));`
	for name, code := range map[string]string{
		"index.ts":  `const n: number = 1; ` + serve,
		"index.tsx": `/** @jsxImportSource npm:preact@10.27.2 */` + "\nconst page = <b>hi</b>; page; " + serve,
		"index.js":  serve,
		"index.jsx": `/** @jsxImportSource npm:preact@10.27.2 */` + "\nconst page = <b>hi</b>; page; " + serve,
		"index.mjs": serve,
		"index.cjs": `const http = require("node:http"); module.exports = {}; ` + serve,
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, map[string]string{"hello/" + name: code})
			p.prepare()
			if got := p.serve().body(); got != "ok" {
				t.Errorf("body %q", got)
			}
		})
	}
}

func TestServingHidesTheSocket(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		import { inspect } from "node:util";
		const seen: unknown[] = [];
		const server = Deno.serve({ port: 4000, onListen: (a) => seen.push(a) }, async (req, info) => {
			const copy = new Request(req);
			return Response.json([...seen, req.url, req.clone().url, copy.url, info, server.addr.port,
				req.headers.get("x-brink-request-id"), req.headers.has("X-Brink-Request-Id"),
				[...copy.headers.keys()].includes("x-brink-request-id"), inspect(req).includes("rink-request")]);
		});`}).serve()
	_, body := h.get("/hello/a?x=1", wire.HeaderRequestID, "r1")
	const url = `"http://127.0.0.1:54321/hello/a?x=1"`
	want := `[{"hostname":"0.0.0.0","port":9999},` + url + "," + url + "," + url +
		`,{"remoteAddr":{"transport":"tcp","hostname":"0.0.0.0","port":9999}},9999,null,false,false,false]`
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

func TestNodeServersSeeNothingOfTheSocket(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		import http from "node:http";
		const server = http.createServer((req, res) => res.end(JSON.stringify([req.headers, req.rawHeaders.length / 2,
			req.socket.remoteAddress, server.address()])));
		server.listen(3000);`}).serve()
	_, body := h.get("/hello", wire.HeaderRequestID, "r1", "Accept-Encoding", "identity", "User-Agent", "test")
	want := `[{"host":"127.0.0.1:54321","user-agent":"test","accept-encoding":"identity","connection":"close"},4,` +
		`"0.0.0.0",{"address":"0.0.0.0","family":"IPv4","port":3000}]`
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

func TestConsoleLinesKnowTheirRequest(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		console.log("outside");
		Deno.serve(async () => {
			console.debug("one %s", "a", { b: [1, 2] });
			await 0;
			console.info("two");
			setTimeout(() => console.warn("three"), 1);
			console.error(new TypeError("four"));
			console.log("x".repeat(10_001));
			return new Response("ok");
		});`}).serve()
	h.get("/hello", wire.HeaderRequestID, "r7")
	want := []struct {
		level wire.Level
		text  string
	}{
		{wire.LevelDebug, "one a { b: [ 1, 2 ] }"}, {wire.LevelInfo, "two"}, {wire.LevelError, "TypeError: four"},
		{wire.LevelInfo, "… (cut: 10001 characters)"}, {wire.LevelWarn, "three"},
	}
	for _, w := range want {
		m := h.await(wire.TypeLog)
		if m.Level != w.level || !strings.Contains(m.Text, w.text) || m.RequestID != "r7" || m.Time.IsZero() {
			t.Errorf("got %+v, want %s %q of r7", m, w.level, w.text)
		}
		if strings.Contains(m.Text, "\x1b") || strings.Contains(m.Text, "bootstrap") {
			t.Errorf("%q shows colours or brink's own files", m.Text)
		}
	}
	if first := h.seen[2]; first.Text != "outside" || first.RequestID != "" {
		t.Errorf("first line is %+v", first)
	}
}

func TestALineLoggedJustBeforeAnEndlessLoopArrives(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		Deno.serve(() => { console.log("still here"); for (;;); });`}).serve()
	go h.client().Get("http://127.0.0.1/hello")
	h.awaitLog("still here")
}

func TestHandlerFailuresAreAnswered(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		Deno.serve((req) => {
			if (req.url.endsWith("throw")) throw new TypeError("bad handler");
			return undefined as unknown as Response;
		});`}).serve()
	if status, body := h.get("/hello/throw"); status != http.StatusInternalServerError || body != "Internal Server Error" {
		t.Errorf("throw: %d %q", status, body)
	}
	if m := h.awaitLog("TypeError: bad handler"); m.Level != wire.LevelError {
		t.Errorf("level %q", m.Level)
	}
	if status, body := h.get("/hello/nothing"); status != http.StatusBadGateway || body != "Bad Gateway" {
		t.Errorf("nothing: %d %q", status, body)
	}
	h.awaitLog("First argument to 'respondWith' must be a Response or a promise resolving to a Response")
}

func TestOnErrorAnswersForTheHandler(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		Deno.serve({ onError: (e) => new Response("mended " + (e as Error).message, { status: 418 }) }, () => { throw new Error("x"); });`}).serve()
	if status, body := h.get("/hello"); status != http.StatusTeapot || body != "mended x" {
		t.Errorf("%d %q", status, body)
	}
}

// webSocketServers echo, each by another API.
var webSocketServers = map[string]string{
	"Deno.upgradeWebSocket": `Deno.serve((req) => {
		const { socket, response } = Deno.upgradeWebSocket(req);
		socket.onmessage = (e) => socket.send("echo " + e.data);
		return response;
	});`,
	"npm:ws": `import http from "node:http";
		import { WebSocketServer } from "npm:ws@8.18.3";
		const server = http.createServer();
		const wss = new WebSocketServer({ noServer: true });
		server.on("upgrade", (req, socket, head) => {
			if (req.headers["x-brink-request-id"]) throw new Error("header shows");
			wss.handleUpgrade(req, socket, head, (ws) => ws.on("message", (m) => ws.send("echo " + m)));
		});
		server.listen(8080);`,
}

func TestWebSocketsUpgrade(t *testing.T) {
	for name, code := range webSocketServers {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, map[string]string{"hello/index.ts": code})
			p.prepare()
			conn, r := p.serve().upgrade()
			if got := echo(t, conn, r, "hello"); got != "echo hello" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestWebSocketsStayOpenDuringADrain(t *testing.T) {
	for name, code := range webSocketServers {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, map[string]string{"hello/index.ts": code})
			p.prepare()
			h := p.serve()
			conn, r := h.upgrade()
			h.send(wire.Message{Type: wire.TypeDrain, Reason: "restarted"})
			h.await(wire.TypeDraining)
			for _, text := range []string{"one", "two"} {
				if got := echo(t, conn, r, text); got != "echo "+text {
					t.Errorf("got %q", got)
				}
			}
		})
	}
}

func TestASocketsCloseEventComesBeforeTheWorkersEnd(t *testing.T) {
	for name, code := range map[string]string{
		"Deno.upgradeWebSocket": `Deno.serve((req) => {
			const { socket, response } = Deno.upgradeWebSocket(req);
			socket.onclose = (e) => console.log("closed", e.code);
			return response;
		});`,
		"npm:ws": `import { WebSocketServer } from "npm:ws@8.18.3";
			new WebSocketServer({ port: 1 }).on("connection", (ws) => ws.on("close", (code) => console.log("closed", code)));`,
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, map[string]string{"hello/index.ts": code})
			p.prepare()
			h := p.serve()
			conn, r := h.upgrade()
			if _, err := conn.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9}); err != nil {
				t.Fatal(err)
			}
			if _, err := r.ReadByte(); err != nil { // it answers with a Close frame
				t.Fatal(err)
			}
			conn.Close()
			h.send(wire.Message{Type: wire.TypeBeforeUnload, Reason: "early_drop"})
			h.awaitLog("closed 1001")
			h.await(wire.TypeClosing)
		})
	}
}

func TestASecondServerIsNotReached(t *testing.T) {
	h := newProject(t, map[string]string{"hello/index.ts": `
		const first = Deno.serve(() => new Response("first"));
		Deno.serve(() => new Response("second"));
		setTimeout(async () => { await first.shutdown(); Deno.serve(() => new Response("third")); console.log("swapped"); }, 200);`}).serve()
	if got := h.body(); got != "first" {
		t.Errorf("body %q", got)
	}
	h.awaitLog("swapped")
	if got := h.body(); got != "third" {
		t.Errorf("body %q after the first server's shutdown", got)
	}
}
