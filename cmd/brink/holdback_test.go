package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestReadyComesBeforeWhatWasLoggedEarlier(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(newHoldBack(newJSONHandler(&out, slog.LevelInfo)))
	log.With("function", "hello").Warn(eventWarning, "message", "too early")
	if out.Len() > 0 {
		t.Fatalf("written before ready: %s", out.String())
	}
	log.Info(eventReady)
	log.Info(eventConfig)
	var kinds []string
	for line := range strings.Lines(out.String()) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(line, `{"event":"`), `"`)
		kinds = append(kinds, kind)
	}
	if got := strings.Join(kinds, " "); got != "ready warning config" || !strings.Contains(out.String(), `"function":"hello"`) {
		t.Errorf("got %s", out.String())
	}
}
