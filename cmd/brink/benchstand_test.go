package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"brink/runtime/engine"
)

// stand is where the benchmarks run: a built brink, the engine, folders.
type stand struct {
	*testing.B
	table table

	brink string // the binary
	deno  string
	cache string // brink's
}

func newStand(b *testing.B) *stand {
	s := &stand{B: b}
	o := &IO{Environ: os.Environ()}
	cache, err := engine.DefaultCacheDir(o.Environ)
	if err != nil {
		b.Fatal(err)
	}
	found, err := engine.Ensure(b.Context(), engineOptions("", cache, o))
	if err != nil {
		b.Fatalf("the benchmarks need the engine: %v", err)
	}
	s.deno = found.Path
	// Not b.TempDir: its path is too long for the control socket below it.
	if s.cache, err = os.MkdirTemp("", "brink-bench-"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(s.cache) })
	s.brink = filepath.Join(b.TempDir(), "brink")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", s.brink, ".").CombinedOutput(); err != nil {
		b.Fatalf("cannot build brink: %v\n%s", err, out)
	}
	return s
}

// project writes a project with these files below functions/.
func (s *stand) project(files map[string]string) string {
	s.Helper()
	dir := s.TempDir()
	s.write(filepath.Join(dir, "config.toml"), "project_id = \"bench\"\n")
	for name, text := range files {
		s.write(filepath.Join(dir, "functions", name), text)
	}
	return dir
}

func (s *stand) write(file, text string) {
	s.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
}

// freePort returns a port that nobody listens on at the moment.
func (s *stand) freePort() int {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// peer is one process that serves HTTP: brink or what it is compared with.
type peer struct {
	s       *stand
	cmd     *exec.Cmd
	address string
	path    string         // of the function
	events  *bufio.Scanner // brink's, when they were asked for
	started time.Time
	ended   bool
}

// start starts a process; it serves at address once url answers.
func (s *stand) start(port int, path string, cmd *exec.Cmd) *peer {
	s.Helper()
	cmd.WaitDelay = 5 * time.Second
	p := &peer{s: s, cmd: cmd, address: "127.0.0.1:" + strconv.Itoa(port), path: path, started: time.Now()}
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(p.stop)
	return p
}

// serve starts brink on a project. Its output is not read: what a terminal
// costs is not brink's.
func (s *stand) serve(dir, function string, args ...string) *peer {
	s.Helper()
	port := s.freePort()
	return s.start(port, functionsPath+"/"+function, s.brinkCommand(dir, port, args))
}

// serveEvents is serve for who wants the events.
func (s *stand) serveEvents(dir, function string, args ...string) *peer {
	s.Helper()
	port := s.freePort()
	cmd := s.brinkCommand(dir, port, append(args, "--log-format", "json"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	p := s.start(port, functionsPath+"/"+function, cmd)
	p.events = bufio.NewScanner(out)
	p.events.Buffer(nil, 1<<20)
	return p
}

func (s *stand) brinkCommand(dir string, port int, args []string) *exec.Cmd {
	args = append([]string{"functions", "serve", "--config", filepath.Join(dir, "config.toml"), "--no-verify-jwt",
		"--port", strconv.Itoa(port), "--deno", s.deno}, args...)
	cmd := exec.CommandContext(s.Context(), s.brink, args...)
	cmd.Env = append(os.Environ(), "BRINK_CACHE="+s.cache, "NO_COLOR=1")
	return cmd
}

// bare starts the engine on an unmodified function, without brink. flags come
// behind run.
func (s *stand) bare(file string, flags ...string) *peer {
	s.Helper()
	port := s.freePort()
	args := append(append([]string{"run"}, flags...), "--allow-net", "--allow-env", file)
	cmd := exec.CommandContext(s.Context(), s.deno, args...)
	cmd.Env = append(os.Environ(), "DENO_DIR="+filepath.Join(s.cache, "bare"), "NO_COLOR=1",
		fmt.Sprintf("DENO_SERVE_ADDRESS=tcp:127.0.0.1:%d", port))
	return s.start(port, "/", cmd)
}

// stop ends the process, politely first. It may be called more than once.
func (p *peer) stop() {
	if p.ended {
		return
	}
	p.ended = true
	if p.cmd.Process.Signal(os.Interrupt) != nil {
		p.cmd.Process.Kill()
	}
	if p.events != nil {
		for p.events.Scan() {
		}
	}
	late := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.cmd.Wait() // a signal is no failure here
}

// ready waits for the first 200 and returns how long that took from the start
// of the process.
func (p *peer) ready() time.Duration {
	p.s.Helper()
	return p.awaits(p.started, "")
}

// awaits asks until an answer is a 200 with text in it, and returns the time
// since from.
func (p *peer) awaits(from time.Time, text string) time.Duration {
	p.s.Helper()
	client := &http.Client{Timeout: 90 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	defer client.CloseIdleConnections()
	pause := time.NewTicker(500 * time.Microsecond)
	defer pause.Stop()
	for time.Since(from) < 2*time.Minute {
		resp, err := client.Get("http://" + p.address + p.path)
		if err == nil {
			body, err := io.ReadAll(resp.Body)
			took := time.Since(from)
			resp.Body.Close()
			if err == nil && resp.StatusCode == http.StatusOK && strings.Contains(string(body), text) {
				return took
			}
		}
		<-pause.C
	}
	p.s.Fatalf("no 200 with %q from %s", text, p.cmd.Path)
	return 0
}

// cpu returns the CPU time that the process alone has used.
func (p *peer) cpu() time.Duration {
	p.s.Helper()
	proc, err := process.NewProcessWithContext(context.Background(), int32(p.cmd.Process.Pid))
	if err != nil {
		p.s.Fatal(err)
	}
	t, err := proc.Times()
	if err != nil {
		p.s.Fatal(err)
	}
	return time.Duration((t.User + t.System) * float64(time.Second))
}

// happening is one of brink's events, as far as the benchmarks look at it.
type happening struct {
	Event   string  `json:"event"`
	Worker  string  `json:"worker"`
	State   string  `json:"state"`
	Reason  string  `json:"reason"`
	Message string  `json:"message"`
	Age     float64 `json:"age_ms"`
}

// next returns the next event.
func (p *peer) next() happening {
	p.s.Helper()
	var h happening
	if !p.events.Scan() {
		p.s.Fatal("brink ended")
	}
	if err := json.Unmarshal(p.events.Bytes(), &h); err != nil {
		p.s.Fatal(err)
	}
	return h
}
