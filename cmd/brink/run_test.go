package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"brink/runtime/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update rewrites it); got:\n%s", path, got)
	}
}

// called runs a command line against recording handlers.
type called struct {
	code           int
	stdout, stderr string
	options        any
}

func call(t *testing.T, result error, args ...string) called {
	t.Helper()
	var got called
	var stdout, stderr bytes.Buffer
	h := handlers{
		serve:   func(_ context.Context, o ServeOptions, _ *IO) error { got.options = o; return result },
		restart: func(_ context.Context, o RestartOptions, _ *IO) error { got.options = o; return result },
		end:     func(_ context.Context, o EndOptions, _ *IO) error { got.options = o; return result },
		list:    func(_ context.Context, o ListOptions, _ *IO) error { got.options = o; return result },
		create:  func(_ context.Context, o NewOptions, _ *IO) error { got.options = o; return result },
		engine:  func(_ context.Context, o EngineOptions, _ *IO) error { got.options = o; return result },
		token:   func(_ context.Context, o TokenOptions, _ *IO) error { got.options = o; return result },
		ws:      func(_ context.Context, o WSOptions, _ *IO) error { got.options = o; return result },
	}
	got.code = run(t.Context(), h, args, &IO{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	got.stdout, got.stderr = stdout.String(), stderr.String()
	return got
}

func TestServeFlagsBecomeOptions(t *testing.T) {
	plain := func(change func(*ServeOptions)) ServeOptions {
		o := ServeOptions{LogFormat: "pretty"}
		o.Config.Names = []string{}
		change(&o)
		return o
	}
	tests := []struct {
		args string
		want ServeOptions
	}{
		{"", plain(func(*ServeOptions) {})},
		{"hello --port 0", plain(func(o *ServeOptions) {
			o.Config.Names, o.Config.Flags.Port = []string{"hello"}, new("0")
		})},
		{"--port=0 hello chat", plain(func(o *ServeOptions) {
			o.Config.Names, o.Config.Flags.Port = []string{"hello", "chat"}, new("0")
		})},
		{"hello --env-file a,b chat --env-file c", plain(func(o *ServeOptions) {
			o.Config.Names, o.Config.Flags.EnvFiles = []string{"hello", "chat"}, []string{"a,b", "c"}
		})},
		{"--no-verify-jwt", plain(func(o *ServeOptions) { o.Config.Flags.NoVerifyJWT = new(true) })},
		{"--no-verify-jwt hello", plain(func(o *ServeOptions) {
			o.Config.Names, o.Config.Flags.NoVerifyJWT = []string{"hello"}, new(true)
		})},
		{"--no-verify-jwt=false", plain(func(o *ServeOptions) { o.Config.Flags.NoVerifyJWT = new(false) })},
		{"--verbose --no-color --log-format json", plain(func(o *ServeOptions) {
			o.Verbose, o.NoColor, o.LogFormat = true, true, "json"
		})},
		{"--debug --all=false --race --faults", plain(func(o *ServeOptions) { o.Verbose, o.Race, o.Faults = true, true, true })},
		{"--inspect --inspect-main", plain(func(o *ServeOptions) { o.Inspect, o.InspectMain = "brk", true })},
		{"--inspect-mode wait", plain(func(o *ServeOptions) { o.Inspect = "wait" })},
		{"--config c.toml --workdir w --deno d", plain(func(o *ServeOptions) {
			o.Config.ConfigPath, o.Config.Workdir, o.Deno = "c.toml", "w", "d"
		})},
		{"-- --port help", plain(func(o *ServeOptions) { o.Config.Names = []string{"--port", "help"} })},
		{"help port", plain(func(o *ServeOptions) { o.Config.Names = []string{"help", "port"} })},
		{"--wall-clock 4s --cpu-soft 1s --cpu-hard 2s --memory 1GB --idle-timeout 3s --time-scale 20 --tmp-quota 1MB", plain(func(o *ServeOptions) {
			f := &o.Config.Flags
			f.WallClock, f.CPUSoft, f.CPUHard, f.Memory = new("4s"), new("1s"), new("2s"), new("1GB")
			f.IdleTimeout, f.TimeScale, f.TmpQuota = new("3s"), new("20"), new("1MB")
		})},
		{"--plan free --limits warn --parity strict --reload auto --policy per_worker --host ::1 --upstream u --import-map i --spare 0 --drain-timeout 1s", plain(func(o *ServeOptions) {
			f := &o.Config.Flags
			f.Plan, f.Limits, f.Parity, f.Reload, f.Policy = new("free"), new("warn"), new("strict"), new("auto"), new("per_worker")
			f.Host, f.Upstream, f.ImportMap, f.Spare, f.DrainTimeout = new("::1"), new("u"), new("i"), new("0"), new("1s")
		})},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			got := call(t, nil, append([]string{"functions", "serve"}, strings.Fields(tt.args)...)...)
			if got.code != exitOK || got.stderr != "" {
				t.Fatalf("exit %d, stderr %q", got.code, got.stderr)
			}
			if !reflect.DeepEqual(got.options, tt.want) {
				t.Errorf("got  %s\nwant %s", asJSON(t, got.options), asJSON(t, tt.want))
			}
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOtherCommandsBecomeOptions(t *testing.T) {
	tests := []struct {
		args []string
		want any
	}{
		{[]string{"functions", "restart", "a", "b"}, RestartOptions{Names: []string{"a", "b"}}},
		{[]string{"functions", "end", "chat", "--reason", "cpu"}, EndOptions{Name: "chat", Reason: "cpu"}},
		{[]string{"functions", "list", "--json"}, ListOptions{JSON: true}},
		{[]string{"functions", "new", "hello"}, NewOptions{Name: "hello", Lang: "ts"}},
		{[]string{"functions", "new", "hello", "--lang=go"}, NewOptions{Name: "hello", Lang: "go"}},
		{[]string{"engine", "clean"}, EngineOptions{Action: EngineClean}},
		{[]string{"engine", "path", "--deno", "x"}, EngineOptions{Action: EnginePath, Deno: "x"}},
		{[]string{"token"}, TokenOptions{Role: "anon", Expires: time.Hour}},
		{[]string{"token", "--exp", "-1m", "--email", "a@b"}, TokenOptions{Role: "authenticated", Email: "a@b", Expires: -time.Minute}},
		{[]string{"ws", "-H", "A: b, c", "localhost:1/x", "--protocol", "p"}, WSOptions{
			URL: "ws://localhost:1/x", Header: map[string][]string{"A": {"b, c"}}, Protocols: []string{"p"}, Wait: time.Second,
		}},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			got := call(t, nil, tt.args...)
			if got.code != exitOK || !reflect.DeepEqual(got.options, tt.want) {
				t.Errorf("exit %d %s\ngot  %+v\nwant %+v", got.code, got.stderr, got.options, tt.want)
			}
		})
	}
}

func TestWrongUseExitsWith2AndSaysWhatIsRight(t *testing.T) {
	tests := []struct{ args, want string }{
		{"serve", "did you mean brink functions serve?"},
		{"functions serv", "did you mean brink functions serve?"},
		{"engin path", "did you mean brink engine?"},
		{"xyzzy", `unknown command "brink xyzzy"`},
		{"functions serve --prot 1", "unknown flag --prot; did you mean --port?"},
		{"functions serve hello --no-such-thing-at-all", "unknown flag --no-such-thing-at-all\n"},
		{"functions serve --port", "--port needs a value"},
		{"functions serve hello --port", "--port needs a value"},
		{"--port 1 functions serve", "unknown flag --port; it belongs behind functions serve"},
		{"functions serve --no-verify-jwt=maybe", "--no-verify-jwt: it takes true or false"},
		{"functions serve --log-format xml", `--log-format is "xml": allowed are pretty, json`},
		{"functions serve --inspect --inspect-mode run", "exclude each other"},
		{"functions serve --inspect-main", "--inspect-main needs"},
		{"functions end", "takes one function's name"},
		{"functions end x", "--reason is missing"},
		{"functions end x --reason memry", "did you mean memory?"},
		{"functions new 1x", "cannot be a function's name"},
		{"token --exp soon", "--exp: it takes a duration"},
		{"token x", `takes no argument, but got "x"`},
		{"ws", "takes one URL"},
		{"ws -H nocolon url", "has no colon"},
		{"engine path extra", "takes no argument"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			got := call(t, nil, strings.Fields(tt.args)...)
			if got.code != exitUsage || got.options != nil {
				t.Errorf("exit %d, called with %v", got.code, got.options)
			}
			if !strings.Contains(got.stderr, tt.want) || !strings.Contains(got.stderr, "--help for what it takes") || got.stdout != "" {
				t.Errorf("stderr %q, stdout %q; want %q", got.stderr, got.stdout, tt.want)
			}
		})
	}
}

func TestErrorsGoToStderrAndExitWith1(t *testing.T) {
	got := call(t, errors.New("cannot do it: too late"), "functions", "serve")
	if got.code != exitError || got.stderr != "brink: cannot do it: too late\n" || got.stdout != "" {
		t.Errorf("got %+v", got)
	}
}

func TestFaultsOfFlagsAloneAreWrongUse(t *testing.T) {
	inFlag := config.Fault{Key: "--policy", Message: "no"}
	inFile := config.Fault{File: "/x/config.toml", Key: "edge_runtime.policy", Message: "no"}
	if got := call(t, &config.Faults{List: []config.Fault{inFlag}}, "functions", "serve"); got.code != exitUsage {
		t.Errorf("a bad flag exits with %d", got.code)
	}
	if got := call(t, &config.Faults{List: []config.Fault{inFlag, inFile}}, "functions", "serve"); got.code != exitError {
		t.Errorf("a bad file exits with %d", got.code)
	}
}

func TestHelpIsGolden(t *testing.T) {
	for name, args := range map[string]string{
		"help.txt": "", "help_functions.txt": "functions", "help_serve.txt": "functions serve x --help",
		"help_end.txt": "help functions end", "help_engine.txt": "engine -h", "help_token.txt": "token -h", "help_ws.txt": "ws -h",
	} {
		got := call(t, nil, strings.Fields(args)...)
		if got.code != exitOK || got.stderr != "" {
			t.Errorf("%q: exit %d, stderr %q", args, got.code, got.stderr)
		}
		golden(t, name, got.stdout)
		for line := range strings.Lines(got.stdout) {
			if len([]rune(line)) > 101 {
				t.Errorf("%s: a line is wider than 100: %s", name, line)
			}
		}
	}
}

func TestVersionFlagAndCommandAgree(t *testing.T) {
	flag, command := call(t, nil, "--version"), call(t, nil, "version")
	if flag.stdout != command.stdout || !strings.HasPrefix(flag.stdout, "brink ") || flag.code != exitOK {
		t.Errorf("--version %q, version %q", flag.stdout, command.stdout)
	}
}
