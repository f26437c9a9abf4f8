package worker

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"brink/runtime/wire"
)

func TestWorkersDoNotReachAbstractSocketsOfOthersButKeepTheirOwnFiles(t *testing.T) {
	ln, err := net.Listen("unix", fmt.Sprintf("@brink-test-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dir := t.TempDir()
	for _, sub := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w, r := startWith(t, "looks around", func(s *Spec) {
		s.Env = map[string]string{"ADDRESS": ln.Addr().String(), "DIR": dir}
	})
	r.next(t, wire.TypeWaiting)
	w.Open()
	dialed := "operation not permitted"
	if landlockVersion() < scopesSince {
		dialed = "<nil>"
	}
	if got, want := r.next(t, wire.TypeLog).Text, "dial "+dialed+", rename <nil>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// Only the starting thread is confined.
	conn, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
