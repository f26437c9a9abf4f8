package launch

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestEachWorkerHasADebuggerPortOfItsOwn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	busy := l.Addr().(*net.TCPAddr).Port
	p := &inspectPorts{first: busy}
	a, b := p.next(), p.next()
	if a == busy || b == busy || a == b {
		t.Errorf("got %d and %d, %d is in use", a, b, busy)
	}
}

func TestInspectModesBecomeEngineFlags(t *testing.T) {
	for mode, want := range map[string]string{"": "", "run": "--inspect=", "brk": "--inspect-brk=", "wait": "--inspect-wait="} {
		told := 0
		d := &Deno{o: DenoOptions{InspectMode: mode, Debugger: func(_ string, port int) { told = port }}, inspect: &inspectPorts{first: 20000}}
		args := d.inspectArgs("hello")
		if want == "" && len(args) == 0 {
			continue
		}
		if len(args) != 1 || len(args[0]) <= len(want) || args[0][:len(want)] != want {
			t.Errorf("%q: got %q", mode, args)
		}
		if told == 0 || !strings.HasSuffix(args[0], fmt.Sprint(":", told)) {
			t.Errorf("%q: told port %d, but it is %q", mode, told, args)
		}
	}
}
