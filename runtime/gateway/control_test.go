package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brink/policy"
	"brink/runtime/supervisor"
)

type fakeControls struct{ ended []string }

func (*fakeControls) Restart(_ context.Context, names []string) ([]string, error) {
	if slices.Contains(names, "nope") {
		return nil, fmt.Errorf("cannot restart %q: %w", "nope", supervisor.ErrNotFound)
	}
	if len(names) == 0 {
		names = []string{"a", "b"}
	}
	return names, nil
}

func (c *fakeControls) End(_ context.Context, name string, reason policy.Reason) (int, error) {
	if name == "broken" {
		return 0, errors.New("cannot end it")
	}
	c.ended = append(c.ended, name+" "+reason.String())
	return 2, nil
}

func (*fakeControls) Status() any { return map[string]int{"workers": 3} }

func TestControlOverAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	controls := &fakeControls{}
	srv := &http.Server{Handler: ControlHandler(controls)}
	go srv.Serve(ln)
	defer srv.Close()
	c := NewControlClient(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	})
	if names, err := c.Restart(t.Context(), nil); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("restart: %v, %v", names, err)
	}
	if names, err := c.Restart(t.Context(), []string{"a"}); err != nil || !slices.Equal(names, []string{"a"}) {
		t.Errorf("restart a: %v, %v", names, err)
	}
	if _, err := c.Restart(t.Context(), []string{"nope"}); err == nil || !strings.Contains(err.Error(), `cannot restart "nope": function not found`) {
		t.Errorf("restart nope: %v", err)
	}
	for _, reason := range EndReasons {
		if n, err := c.End(t.Context(), "a", reason); err != nil || n != 2 {
			t.Errorf("end %s: %d, %v", reason, n, err)
		}
	}
	if want := []string{"a wall_clock", "a cpu", "a memory", "a early_drop", "a termination", "a crashed"}; !slices.Equal(controls.ended, want) {
		t.Errorf("ended %v", controls.ended)
	}
	if _, err := c.End(t.Context(), "a", "boredom"); err == nil || !strings.Contains(err.Error(), "allowed are [wall_clock") {
		t.Errorf("end with an unknown reason: %v", err)
	}
	if _, err := c.End(t.Context(), "broken", "cpu"); err == nil || !strings.Contains(err.Error(), "cannot end it") {
		t.Errorf("end broken: %v", err)
	}
	var status map[string]int
	if err := c.Status(t.Context(), &status); err != nil || status["workers"] != 3 {
		t.Errorf("status: %v, %v", status, err)
	}
	srv.Close()
	if _, err := c.Restart(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "cannot reach brink") {
		t.Errorf("nobody there: %v", err)
	}
}
