package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brink/policy"
	"brink/runtime/config"
	"brink/runtime/gateway"
	"brink/runtime/supervisor"
)

// fakeBrink answers control calls.
type fakeBrink struct{}

func (fakeBrink) Restart(_ context.Context, names []string) ([]string, error) {
	if len(names) == 0 {
		return []string{"chat", "hello"}, nil
	}
	if names[0] == "nobody" {
		return nil, errors.Join(supervisor.ErrNotFound)
	}
	return names, nil
}

func (fakeBrink) End(_ context.Context, name string, reason policy.Reason) (int, error) {
	if name == "idle" {
		return 0, nil
	}
	return 2, nil
}

func (fakeBrink) Status() any {
	return statusReply{URL: "http://127.0.0.1:1", Policy: "per_worker", Functions: []statusFunction{
		{Name: "chat", Language: "go", VerifyJWT: true, Limits: "memory 256MB", Stale: true, Workers: []statusWorker{{Sockets: 2, Requests: 1, AgeMS: 61000}}},
		{Name: "hello", Language: "javascript", Limits: "off"},
	}}
}

// projectFolder makes a project, and an IO whose cache is short enough for
// sockets.
func projectFolder(t *testing.T) (config.Options, *IO, *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "supabase", "functions"), 0o755); err != nil {
		t.Fatal(err)
	}
	cache, err := os.MkdirTemp("", "bk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(cache) })
	var out bytes.Buffer
	o := &IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Environ: []string{"BRINK_CACHE=" + cache}}
	return config.Options{Workdir: root, Environ: o.Environ}, o, &out
}

// serveControl plays the brink that serves the project.
func serveControl(t *testing.T, p config.Options, o *IO) {
	t.Helper()
	l, err := listenControl(controlPath(o.Getenv("BRINK_CACHE"), p.Workdir))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: gateway.ControlHandler(fakeBrink{})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
}

func TestOrdersReachTheBrinkThatServesTheProject(t *testing.T) {
	p, o, out := projectFolder(t)
	serveControl(t, p, o)
	if err := restart(t.Context(), RestartOptions{Project: p}, o); err != nil {
		t.Fatal(err)
	}
	if err := end(t.Context(), EndOptions{Project: p, Name: "chat", Reason: "cpu"}, o); err != nil {
		t.Fatal(err)
	}
	if err := end(t.Context(), EndOptions{Project: p, Name: "idle", Reason: "cpu"}, o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"restarted chat, hello in ", "ended 2 workers of chat (cpu)\n", "idle has no worker to end"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in %s", want, out)
		}
	}
	if err := restart(t.Context(), RestartOptions{Project: p, Names: []string{"nobody"}}, o); err == nil || !strings.Contains(err.Error(), "function not found") {
		t.Errorf("got %v", err)
	}
	out.Reset()
	if err := list(t.Context(), ListOptions{Project: p}, o); err != nil {
		t.Fatal(err)
	}
	golden(t, "list.txt", out.String())
}

func TestOrdersWithoutABrinkSayHowToStartOne(t *testing.T) {
	p, o, _ := projectFolder(t)
	want := "no brink is serving " + p.Workdir + "; start it with brink functions serve"
	for _, err := range []error{
		restart(t.Context(), RestartOptions{Project: p}, o),
		end(t.Context(), EndOptions{Project: p, Name: "x", Reason: "cpu"}, o),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestListWithoutABrinkReadsTheProject(t *testing.T) {
	p, o, out := projectFolder(t)
	if err := list(t.Context(), ListOptions{Project: p}, o); err != nil || !strings.HasPrefix(out.String(), "no functions") {
		t.Errorf("%v: %s", err, out)
	}
	if err := create(t.Context(), NewOptions{Project: p, Name: "hello", Lang: "ts"}, o); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := list(t.Context(), ListOptions{Project: p}, o); err != nil {
		t.Fatal(err)
	}
	golden(t, "list_configured.txt", out.String())
}

func TestAControlSocketLeftBehindIsReplacedAndALiveOneIsNot(t *testing.T) {
	_, o, _ := projectFolder(t)
	path := controlPath(o.Getenv("BRINK_CACHE"), t.TempDir())
	first, err := listenControl(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listenControl(path); !errors.Is(err, errControlBusy) {
		t.Errorf("a second brink gets %v", err)
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false)
	first.Close()
	second, err := listenControl(path)
	if err != nil {
		t.Fatalf("a killed brink's socket is in the way: %v", err)
	}
	second.Close()
}

func TestControlPathIsShortAndTheSameForLinks(t *testing.T) {
	if got := controlPath("/"+strings.Repeat("x", 200), "/p"); len(got) > maxSocketPath {
		t.Errorf("%s has %d bytes", got, len(got))
	}
	root := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	if controlPath("/c", root) != controlPath("/c", link) {
		t.Error("a link to the project has another socket")
	}
	if controlPath("/c", root) == controlPath("/c", "/other") {
		t.Error("two projects share a socket")
	}
}
