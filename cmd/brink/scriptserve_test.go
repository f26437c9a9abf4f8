package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/shirou/gopsutil/v4/process"
)

// served is one `brink functions serve` of a script.
type served struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited and all its output is read

	mu      sync.Mutex // guards the fields below
	events  []occurred
	output  bytes.Buffer  // everything printed, in order of arrival
	changed chan struct{} // closed and replaced at each change of the above
	exit    error
	halted  bool
}

// occurred is an event, and whether a command has asked for it.
type occurred struct {
	kind   string
	fields map[string]string
	taken  bool
}

func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	s := stateOf(ts)
	name, pretty := "", false
	env := slices.Clone(s.environ)
	args = flagArgs(ts, args, "pretty", map[string]func(string){
		"name":   func(v string) { name = v },
		"e":      func(v string) { env = append(env, v) },
		"pretty": func(string) { pretty = true },
	})
	if old := s.servers[name]; old != nil && !old.halted {
		ts.Fatalf("server %q is still running", name)
	}
	all := []string{"functions", "serve", "--port", "0"}
	if !pretty {
		all = append(all, "--log-format", "json")
	}
	brink, err := exec.LookPath("brink")
	ts.Check(err)
	v := &served{name: name, done: make(chan struct{}), changed: make(chan struct{})}
	v.cmd = exec.Command(brink, append(all, args...)...)
	v.cmd.Dir, v.cmd.Env = ts.MkAbs("."), env
	ts.Check(v.start(pretty))
	s.servers[name], s.current = v, v
	v.announce(ts, s, pretty)
	for _, dir := range s.orphans {
		if _, err := os.Stat(dir); err == nil {
			ts.Fatalf("%s, of a brink that was killed, is still there", dir)
		}
	}
}

// start starts the process, and reads its output.
func (v *served) start(pretty bool) error {
	stdout, err := v.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := v.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := v.cmd.Start(); err != nil {
		return err
	}
	var readers sync.WaitGroup
	readers.Go(func() { v.read(stdout, !pretty) })
	readers.Go(func() { v.read(stderr, false) })
	go func() {
		readers.Wait()
		err := v.cmd.Wait()
		v.change(func() { v.exit = err })
		close(v.done)
	}()
	return nil
}

// read takes lines until the stream ends.
func (v *served) read(r io.Reader, isJSON bool) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			v.change(func() {
				v.output.WriteString(line)
				if isJSON {
					v.events = append(v.events, parseEvent(line))
				}
			})
		}
		if err != nil {
			return
		}
	}
}

// parseEvent flattens an event to text. A line that is none becomes an event
// of kind "" that no script expects.
func parseEvent(line string) occurred {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &raw); err != nil {
		return occurred{fields: map[string]string{"line": line}}
	}
	o := occurred{fields: map[string]string{}}
	for key, value := range raw {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		o.fields[key] = text
	}
	o.kind = o.fields["event"]
	return o
}

func (v *served) change(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
	close(v.changed)
	v.changed = make(chan struct{})
}

// wait waits until holds, called under mu, says yes.
func (v *served) wait(ctx context.Context, holds func() bool) error {
	for {
		v.mu.Lock()
		ok, changed := holds(), v.changed
		v.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
			continue
		case <-v.done:
		case <-ctx.Done():
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		if holds() {
			return nil
		}
		if ctx.Err() != nil {
			return errors.New("waited in vain")
		}
		return errors.New("brink has exited")
	}
}

var servedURL = regexp.MustCompile(`http://[^\s"]+/functions/v1`)

// announce waits for the address and exports it.
func (v *served) announce(ts *testscript.TestScript, s *script, pretty bool) {
	ctx, cancel := s.within()
	defer cancel()
	address := ""
	err := v.wait(ctx, func() bool {
		if pretty {
			address = servedURL.FindString(v.output.String())
			return address != ""
		}
		if len(v.events) > 0 {
			address = v.events[0].fields["url"]
			v.events[0].taken = v.events[0].kind == eventReady && address != ""
			return true
		}
		return false
	})
	if err != nil || address == "" {
		ts.Fatalf("brink is not ready: %v", err)
	}
	u, err := url.Parse(address)
	ts.Check(err)
	suffix := ""
	if v.name != "" {
		suffix = "_" + v.name
	}
	for _, suffix := range []string{"", suffix} {
		ts.Setenv("URL"+suffix, address)
		ts.Setenv("BASE"+suffix, "http://"+u.Host)
		ts.Setenv("PORT"+suffix, u.Port())
	}
}

func (s *script) serving(ts *testscript.TestScript) *served {
	if s.current == nil {
		ts.Fatalf("nothing is served: the command serve comes first")
	}
	return s.current
}

func cmdUse(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "use name")
	s := stateOf(ts)
	if s.current = s.servers[args[0]]; s.current == nil {
		ts.Fatalf("no server is called %q", args[0])
	}
	for _, v := range []string{"URL", "BASE", "PORT"} {
		ts.Setenv(v, ts.Getenv(v+"_"+args[0]))
	}
}

func cmdHalt(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	s := stateOf(ts)
	signal, code := "INT", 0
	args = flagArgs(ts, args, "", map[string]func(string){
		"signal": func(v string) { signal = v },
		"code":   func(v string) { code = number(ts, v) },
	})
	v := s.serving(ts)
	if len(args) > 0 {
		v = s.servers[args[0]]
	}
	pid := v.cmd.Process.Pid
	children := descendants(ts, int32(pid))
	ts.Check(v.cmd.Process.Signal(signalNamed(ts, signal)))
	v.halted = true
	ctx, cancel := s.within()
	defer cancel()
	select {
	case <-v.done:
	case <-ctx.Done():
		ts.Fatalf("brink goes on after SIG%s", signal)
	}
	if signal == "KILL" || code < 0 {
		s.waitGone(ts, ctx, children)
		s.orphans = append(s.orphans, runDirs(pid)...)
		return
	}
	if got := v.cmd.ProcessState.ExitCode(); got != code {
		ts.Fatalf("exit code %d (%v), want %d", got, v.exit, code)
	}
	for _, p := range children {
		if running, _ := p.IsRunning(); running {
			line, _ := p.Cmdline()
			ts.Fatalf("brink left process %d: %s", p.Pid, line)
		}
	}
	if left := runDirs(pid); len(left) > 0 {
		ts.Fatalf("brink left %v", left)
	}
}

// runDirs lists the folders of a brink's workers.
func runDirs(pid int) []string {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-*", runDirPrefix, pid))) // the pattern is well formed
	return found
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "signal INT|TERM|KILL")
	ts.Check(stateOf(ts).serving(ts).cmd.Process.Signal(signalNamed(ts, args[0])))
}

func signalNamed(ts *testscript.TestScript, name string) os.Signal {
	switch name {
	case "INT":
		return os.Interrupt
	case "TERM":
		return syscall.SIGTERM
	case "KILL":
		return os.Kill
	}
	ts.Fatalf("no signal %q", name)
	return nil
}

// waitGone waits until no process of ps runs: their host was killed, so that
// they have to find out by themselves.
func (s *script) waitGone(ts *testscript.TestScript, ctx context.Context, ps []*process.Process) {
	for {
		i := slices.IndexFunc(ps, func(p *process.Process) bool {
			running, _ := p.IsRunning()
			status, _ := p.Status()
			return running && !slices.Contains(status, process.Zombie)
		})
		if i < 0 {
			return
		}
		if ctx.Err() != nil {
			line, _ := ps[i].Cmdline()
			ts.Fatalf("worker %d lives on: %s", ps[i].Pid, line)
		}
	}
}

// descendants lists the processes that pid started, and theirs.
func descendants(ts *testscript.TestScript, pid int32) []*process.Process {
	all, err := process.Processes()
	ts.Check(err)
	wanted := map[int32]bool{pid: true}
	var found []*process.Process
	for {
		before := len(found)
		for _, p := range all {
			if parent, err := p.Ppid(); err == nil && wanted[parent] && !wanted[p.Pid] {
				wanted[p.Pid] = true
				found = append(found, p)
			}
		}
		if len(found) == before {
			return found
		}
	}
}

// kill ends a server that a script did not halt.
func (v *served) kill() {
	_ = v.cmd.Process.Kill() // gone already: fine
	<-v.done
}

func (v *served) transcript() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return fmt.Sprintf("[server %q printed]\n%s", v.name, v.output.String())
}

func cmdOutput(ts *testscript.TestScript, neg bool, args []string) {
	only(ts, args, 1, 1, "output regexp")
	s := stateOf(ts)
	v, re := s.serving(ts), compile(ts, args[0])
	if neg {
		v.mu.Lock()
		defer v.mu.Unlock()
		if m := re.FindString(v.output.String()); m != "" {
			ts.Fatalf("brink printed %q", m)
		}
		return
	}
	ctx, cancel := s.within()
	defer cancel()
	if err := v.wait(ctx, func() bool { return re.MatchString(v.output.String()) }); err != nil {
		ts.Fatalf("no output matches %s: %v", args[0], err)
	}
}

// condition is field=regexp or field!=regexp of a script.
type condition struct {
	field string
	not   bool
	re    *regexp.Regexp
}

func parseConditions(ts *testscript.TestScript, args []string) []condition {
	var all []condition
	for _, arg := range args {
		field, expr, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%q is no condition: write field=regexp", arg)
		}
		field, not := strings.CutSuffix(field, "!")
		all = append(all, condition{field, not, compile(ts, expr)})
	}
	return all
}

func (o occurred) satisfies(kind string, all []condition) bool {
	return !o.taken && o.kind == kind && !slices.ContainsFunc(all, func(c condition) bool {
		return c.re.MatchString(o.fields[c.field]) == c.not
	})
}

func cmdEvent(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	exports := map[string]string{}
	args = flagArgs(ts, args, "", map[string]func(string){"set": func(v string) {
		name, field, _ := strings.Cut(v, "=")
		exports[name] = field
	}})
	if len(args) == 0 || !slices.Contains(eventKinds, args[0]) {
		ts.Fatalf("usage: event [-set VAR=field]... kind [field=regexp]...; kinds are %v", eventKinds)
	}
	v, conditions := s.serving(ts), parseConditions(ts, args[1:])
	var found occurred
	find := func() bool {
		i := slices.IndexFunc(v.events, func(o occurred) bool { return o.satisfies(args[0], conditions) })
		if i >= 0 {
			v.events[i].taken = true
			found = v.events[i]
		}
		return i >= 0
	}
	if neg {
		v.mu.Lock()
		defer v.mu.Unlock()
		if find() {
			ts.Fatalf("unexpected: %v", found.fields)
		}
		return
	}
	ctx, cancel := s.within()
	defer cancel()
	if err := v.wait(ctx, find); err != nil {
		ts.Fatalf("no such event: %v", err)
	}
	for name, field := range exports {
		ts.Setenv(name, found.fields[field])
	}
}

func cmdMark(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 0, 0, "mark")
	v := stateOf(ts).serving(ts)
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.events {
		v.events[i].taken = true
	}
}
