package launch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brink/policy"
	"brink/runtime/config"
	"brink/runtime/wire"
	"brink/runtime/worker"
)

// patience bounds every wait of these tests; nothing is expected to take it.
const patience = 30 * time.Second

// findDeno returns the engine to test with.
func findDeno(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("BRINK_DENO"); path != "" {
		return path
	}
	path, err := exec.LookPath("deno")
	if err != nil {
		t.Fatal("these tests run the real engine: set BRINK_DENO to a deno 2.9 program, or put one on PATH")
	}
	return path
}

// testCache is shared by all runs, so that packages are downloaded once.
func testCache(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "brink-test")
}

// project is a functions folder with one function, hello, in it.
type project struct {
	t        *testing.T
	dir      string // the functions folder
	function config.Function
	options  DenoOptions
	env      map[string]string
}

// newProject writes files, by path below the functions folder, and returns a
// function whose entrypoint is the first of hello/index.*.
func newProject(t *testing.T, files map[string]string) *project {
	t.Helper()
	dir := filepath.Join(shortTempDir(t), "functions")
	p := &project{t: t, dir: dir, env: map[string]string{"GREETING": "hi"}}
	for path, text := range files {
		p.write(path, text)
	}
	p.function = config.Function{Name: "hello", Dir: filepath.Join(dir, "hello"), Limits: policy.DefaultLimits(policy.PlanPro)}
	for _, name := range []string{"index.ts", "index.tsx", "index.js", "index.jsx", "index.mjs", "index.cjs"} {
		if path := filepath.Join(p.function.Dir, name); fileExists(path) {
			p.function.Entrypoint = path
			break
		}
	}
	p.options = DenoOptions{Engine: findDeno(t), CacheDir: testCache(t), FunctionsDir: dir, Environ: os.Environ()}
	return p
}

func (p *project) write(path, text string) {
	p.t.Helper()
	path = filepath.Join(p.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) launcher() *Deno {
	p.t.Helper()
	d, err := NewDeno(p.options)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

func (p *project) prepare() {
	p.t.Helper()
	if err := p.launcher().Prepare(p.t.Context(), p.function, nil); err != nil {
		p.t.Fatal(err)
	}
}

// host is the supervisor's end of one worker.
type host struct {
	t        *testing.T
	paths    worker.Paths
	spec     worker.Spec
	wire     *wire.Conn
	hangUp   func()            // ends the control connection
	messages chan wire.Message // closed when the control connection ends
	seen     []wire.Message
	stderr   *lockedBuffer
	exited   chan error
}

// spare starts a worker and leaves it at the gate.
func (p *project) spare() *host {
	p.t.Helper()
	return p.spareOf(p.launcher())
}

// spareOf is spare with a launcher that has a memory.
func (p *project) spareOf(d *Deno) *host {
	t := p.t
	t.Helper()
	dir := shortTempDir(t)
	paths := worker.Paths{Dir: dir, HTTP: filepath.Join(dir, "h"), Control: filepath.Join(dir, "c"), Tmp: filepath.Join(dir, "tmp")}
	if err := os.Mkdir(paths.Tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	spec, err := d.Spec(p.function, "00000000-0000-4000-8000-000000000000", p.env)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", paths.Control)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := spec.Command(paths)
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append(c.Env, wire.EnvProtocol+"=1", wire.EnvHTTPSocket+"="+paths.HTTP, wire.EnvControlSocket+"="+paths.Control)
	h := &host{t: t, paths: paths, spec: spec, messages: make(chan wire.Message, 100), stderr: &lockedBuffer{}, exited: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = h.stderr, h.stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		h.exited <- cmd.Wait()
		close(exited)
		listener.Close()
	}()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatalf("the worker did not connect: %v\n%s", err, h.stderr)
	}
	t.Cleanup(func() {
		conn.Close()
		cmd.Process.Kill()
		<-exited
	})
	h.wire = wire.NewConn(conn)
	h.hangUp = func() { conn.Close() }
	go func() {
		defer close(h.messages)
		for {
			m, err := h.wire.Receive()
			if err != nil {
				return
			}
			h.messages <- m
		}
	}()
	hello := h.await(wire.TypeHello)
	if err := wire.CheckHello(hello); err != nil {
		t.Fatal(err)
	}
	h.await(wire.TypeWaiting)
	return h
}

// start starts a worker and opens the gate.
func (p *project) start() *host {
	p.t.Helper()
	h := p.spare()
	h.open()
	return h
}

// serve starts a worker and waits until it accepts requests.
func (p *project) serve() *host {
	p.t.Helper()
	h := p.start()
	h.await(wire.TypeReady)
	return h
}

func (h *host) open() {
	h.t.Helper()
	h.send(wire.Message{Type: wire.TypeGo, Env: h.spec.Env, Options: h.spec.Options(h.paths)})
}

func (h *host) send(m wire.Message) {
	h.t.Helper()
	if err := h.wire.Send(m); err != nil {
		h.t.Fatal(err)
	}
}

// next returns the next message, or false when the worker hung up.
func (h *host) next() (wire.Message, bool) {
	h.t.Helper()
	select {
	case m, ok := <-h.messages:
		if ok {
			h.seen = append(h.seen, m)
		}
		return m, ok
	case <-time.After(patience):
		h.t.Fatalf("no message came; so far %s\n%s", h.log(), h.stderr)
		panic("unreachable")
	}
}

// await returns the next message of a type, skipping others.
func (h *host) await(want wire.Type) wire.Message {
	h.t.Helper()
	return h.awaitFunc(string(want), func(m wire.Message) bool { return m.Type == want })
}

// awaitLog returns the next log message that contains text.
func (h *host) awaitLog(text string) wire.Message {
	h.t.Helper()
	return h.awaitFunc("log "+text, func(m wire.Message) bool {
		return m.Type == wire.TypeLog && strings.Contains(m.Text, text)
	})
}

func (h *host) awaitFunc(what string, is func(wire.Message) bool) wire.Message {
	h.t.Helper()
	for {
		m, ok := h.next()
		if !ok {
			h.t.Fatalf("the worker hung up before %q, %v; it sent %s and printed\n%s", what, <-h.exited, h.log(), h.stderr)
		}
		if is(m) {
			return m
		}
	}
}

// log is what the worker sent so far, one message a line.
func (h *host) log() string {
	var b strings.Builder
	for _, m := range h.seen {
		line, _ := json.Marshal(m)
		b.WriteString("\n\t" + string(line))
	}
	return b.String()
}

// awaitExit returns the exit code.
func (h *host) awaitExit() int {
	h.t.Helper()
	for {
		if _, ok := h.next(); !ok {
			break
		}
	}
	select {
	case err := <-h.exited:
		h.exited <- err
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		return 0
	case <-time.After(patience):
		h.t.Fatal("the worker did not exit")
		return 0
	}
}

func (h *host) client() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", h.paths.HTTP)
		},
	}}
}

// get asks for a path below the outer address and returns status and body.
func (h *host) get(path string, header ...string) (int, string) {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, "http://127.0.0.1:54321"+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := h.client().Do(request)
	if err != nil {
		h.t.Fatalf("%v\n%s", err, h.stderr)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// body asks for /hello and returns what a handler with status 200 said.
func (h *host) body() string {
	h.t.Helper()
	status, body := h.get("/hello")
	if status != http.StatusOK {
		h.t.Fatalf("status %d: %s\n%s%s", status, body, h.stderr, h.log())
	}
	return body
}

// upgrade does a WebSocket handshake by hand and returns the connection.
func (h *host) upgrade() (net.Conn, *bufio.Reader) {
	h.t.Helper()
	conn, err := net.Dial("unix", h.paths.HTTP)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:54321\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+wire.HeaderRequestID+": ws-1\r\n\r\n")
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		h.t.Fatalf("status %d instead of 101", response.StatusCode)
	}
	return conn, r
}

// echo sends one short text frame and returns the text of the frame that comes.
func echo(t *testing.T, conn net.Conn, r *bufio.Reader, text string) string {
	t.Helper()
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	if _, err := conn.Write(frame); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// shortTempDir is a temporary folder whose path leaves room for a socket's.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
