package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const goHello = `package hello

import (
	"io"
	"net/http"
)

func Handler(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, "{\"message\":\"Hello, world!\"}\n")
}
`

// goMain serves the same handler without brink.
const goMain = `package main

import (
	"net/http"
	"os"
)

func main() { http.ListenAndServe(os.Args[1], http.HandlerFunc(Handler)) }
`

const goModule = "module hello\n\ngo 1.25\n"

// goBuild builds the bare server and returns its path.
func (s *stand) goBuild(dir string, env ...string) string {
	s.Helper()
	bin := filepath.Join(dir, "hello-server")
	cmd := exec.CommandContext(s.Context(), "go", "build", "-o", bin, ".")
	cmd.Dir = dir
	// As brink builds: no C compiler, nothing but the folder.
	cmd.Env = append(os.Environ(), append(env, "GOWORK=off", "CGO_ENABLED=0")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("cannot build the bare server: %v\n%s", err, out)
	}
	return bin
}

func (s *stand) goBare(bin string) *peer {
	s.Helper()
	port := s.freePort()
	return s.start(port, "/", exec.CommandContext(s.Context(), bin, fmt.Sprintf("127.0.0.1:%d", port)))
}

// goProjects writes the function for brink, and the bare server's folder.
func (s *stand) goProjects() (project, bare string) {
	s.Helper()
	bare = s.TempDir()
	s.write(filepath.Join(bare, "hello.go"), strings.Replace(goHello, "package hello", "package main", 1))
	s.write(filepath.Join(bare, "main.go"), goMain)
	s.write(filepath.Join(bare, "go.mod"), goModule)
	return s.project(map[string]string{"hello/hello.go": goHello, "hello/go.mod": goModule}), bare
}

// benchGo compares a Go function with its handler on a bare http.Server.
func (s *stand) benchGo(*testing.B) {
	dir, bareDir := s.goProjects()
	bin := s.goBuild(bareDir)
	var bareStarts []time.Duration
	for range starts {
		p := s.goBare(bin)
		bareStarts = append(bareStarts, p.ready())
		p.stop()
	}
	bare := s.goBare(bin)
	bare.ready()
	bareMany := bare.warmLoad(loadConns)
	bare.stop()

	const which = "http.Server"
	s.table.title("Serve hello, Go")
	p := s.serve(dir, "hello", "--policy", "per_worker")
	p.ready()
	many := p.warmLoad(loadConns)
	p.stop()
	s.table.rates(fmt.Sprintf("per_worker, %d connections", loadConns), many.rate, bareMany.rate, which)
	s.table.times("  p50", many.p50(), bareMany.p50(), which)
	s.table.times("  p99", many.p99(), bareMany.p99(), which)
	for _, spare := range []string{"1", "0"} {
		s.perRequest(dir, "hello", spare, median(bareStarts), which)
	}
}

// benchBuild measures an edit of a Go function until the new code is served,
// against building and starting the bare server.
func (s *stand) benchBuild(*testing.B) {
	s.table.title("Edit of a Go function to new code served")
	for i, kind := range []string{"cold build cache", "warm build cache"} {
		var env []string
		runs := 3
		if i == 0 {
			runs = 1 // the standard library is built, which takes long
		}
		var ours, theirs []time.Duration
		for run := range runs {
			if i == 0 {
				env = []string{"GOCACHE=" + s.TempDir()}
			}
			theirs = append(theirs, s.bareBuild(run, env))
			if i == 0 {
				env = []string{"GOCACHE=" + s.TempDir()}
			}
			ours = append(ours, s.brinkBuild(fmt.Sprintf("%s %d", kind, run), env))
		}
		s.table.times(kind, median(ours), median(theirs), "go build, start")
	}
	s.table.times("undo (built before)", s.undo(), s.bareBuild(9, nil), "go build, start")
}

func (s *stand) bareBuild(run int, env []string) time.Duration {
	s.Helper()
	_, dir := s.goProjects()
	greeting := fmt.Sprintf("Bare %d", run)
	s.edit(filepath.Join(dir, "hello.go"), "Hello", greeting)
	from := time.Now()
	p := s.goBare(s.goBuild(dir, env...))
	took := p.awaits(from, greeting)
	p.stop()
	return took
}

func (s *stand) brinkBuild(greeting string, env []string) time.Duration {
	s.Helper()
	p, file := s.serveGo(env)
	defer p.stop()
	from := time.Now()
	s.edit(file, "Hello", greeting)
	return p.awaits(from, greeting)
}

// undo returns the time of an edit that gives the code from before.
func (s *stand) undo() time.Duration {
	s.Helper()
	p, file := s.serveGo(nil)
	defer p.stop()
	p.ready()
	s.edit(file, "Hello", "Undone")
	p.awaits(time.Now(), "Undone")
	from := time.Now()
	s.edit(file, "Undone", "Hello")
	return p.awaits(from, "Hello")
}

// serveGo starts brink on a Go function; it answers nothing yet.
func (s *stand) serveGo(env []string) (p *peer, file string) {
	s.Helper()
	dir, _ := s.goProjects()
	port := s.freePort()
	cmd := s.brinkCommand(dir, port, nil)
	cmd.Env = append(cmd.Env, env...)
	p = s.start(port, functionsPath+"/_internal/health", cmd)
	p.ready()
	p.path = functionsPath + "/hello"
	return p, filepath.Join(dir, "functions", "hello", "hello.go")
}

// edit replaces text in a file.
func (s *stand) edit(file, before, after string) {
	s.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	s.write(file, strings.Replace(string(text), before, after, 1))
}
