package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"brink/policy"
	"brink/runtime/config"
	"brink/runtime/gateway"
	"brink/runtime/supervisor"
)

// startControl lets `brink functions restart` and its siblings reach this
// brink. Without it everything else works.
func (s *server) startControl() {
	cfg := s.current()
	l, err := listenControl(controlPath(s.cache, cfg.Root))
	if errors.Is(err, errControlBusy) {
		s.out.early("warning", "another brink is serving "+cfg.Root+": brink functions restart, end and list talk to that one")
		return
	}
	if err != nil {
		s.out.early("warning", err.Error())
		return
	}
	s.control = &http.Server{Handler: gateway.ControlHandler(controls{s})}
	s.serving.Go(func() {
		if err := s.control.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Warn("warning", slog.String("message", "brink functions restart cannot reach this brink any more: "+err.Error()))
		}
	})
}

// errEmptyName guards the control API against a request for nothing.
var errEmptyName = errors.New("name a function")

// controls are what the control API may ask of a server.
type controls struct{ s *server }

// Restart implements gateway.Controls.
func (c controls) Restart(ctx context.Context, names []string) ([]string, error) {
	done, err := c.s.restart(ctx, names)
	return done, c.known(err)
}

// End implements gateway.Controls.
func (c controls) End(_ context.Context, name string, reason policy.Reason) (int, error) {
	if name == "" {
		return 0, errEmptyName
	}
	n, err := c.s.workers.End(name, reason)
	return n, c.known(err)
}

// known adds the names there are to an error about one there is not.
func (c controls) known(err error) error {
	if !errors.Is(err, supervisor.ErrNotFound) {
		return err
	}
	var names []string
	for _, f := range c.s.current().Functions {
		names = append(names, f.Name)
	}
	return fmt.Errorf("%w; served are %v", err, names)
}

// Status implements gateway.Controls.
func (c controls) Status() any {
	cfg := c.s.current()
	status := configuredStatus(cfg, c.s.limitsOf)
	status.URL = c.s.baseURL() + functionsPath
	byName := map[string]supervisor.Status{}
	for _, f := range c.s.workers.Status() {
		byName[f.Function] = f
	}
	for i := range status.Functions {
		f := &status.Functions[i]
		f.Stale = byName[f.Name].Stale
		for _, w := range byName[f.Name].Workers {
			f.Workers = append(f.Workers, statusWorker{
				ID: w.ID, State: w.Phase.String(), AgeMS: float64(w.Usage.Wall.Milliseconds()),
				CPUMS: float64(w.Usage.CPU.Microseconds()) / 1000, MemoryBytes: w.Usage.Memory,
				Requests: w.InFlight, Sockets: w.Sockets,
			})
		}
	}
	return status
}

// limitsSummary is the banner's line about limits: those of all functions when
// they agree, else of most with a word about the rest.
func (s *server) limitsSummary(cfg *config.Config) string {
	if len(cfg.Functions) == 0 {
		return ""
	}
	text := limitsText(s.limitsOf(cfg, cfg.Functions[0]))
	for _, f := range cfg.Functions[1:] {
		if limitsText(s.limitsOf(cfg, f)) != text {
			return text + "; others differ: brink functions list"
		}
	}
	return text
}
