package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"brink/policy"
)

// at gives every record of a test the same time.
var at = time.Date(2026, 3, 4, 12, 4, 5, 678900000, time.FixedZone("CET", 3600))

func record(level slog.Level, kind string, attrs ...any) slog.Record {
	r := slog.NewRecord(at, level, kind, 0)
	r.Add(attrs...)
	return r
}

func handleAll(t *testing.T, h slog.Handler, records ...slog.Record) {
	t.Helper()
	for _, r := range records {
		if err := h.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestJSONEventsAreGolden(t *testing.T) {
	var out bytes.Buffer
	h := newJSONHandler(&out, slog.LevelInfo)
	handleAll(t, h,
		record(slog.LevelInfo, "ready", "url", "http://127.0.0.1:54321", "host", "127.0.0.1", "port", 54321, "policy", policy.PerWorker, "functions", []string{"a", "b"}),
		record(slog.LevelInfo, "request", "method", "GET", "status", 200, "request_id", "r1", "duration_ms", 1.25, "function", "a", "worker", "w1", "cpu_share", math.NaN()),
		record(slog.LevelInfo, "log", "function", "a", "level", "info", "message", "<b>\x1b[31m\n\xff"),
		record(slog.LevelDebug, "worker", "function", "a", "state", "ended", "reason", policy.ReasonCPU, "age", 1500*time.Millisecond),
		record(slog.LevelError, "error", "message", errors.New("cannot do it"), "at", at, slog.Group("g", "x", 1, slog.Group("", "y", true))),
		record(slog.LevelInfo, "restarted", "functions", []string(nil), "duration_ms", int64(3)),
		record(slog.LevelInfo, "log", "message", "first", "message", "last", "time", "mine", "event", "mine", "function", ""),
		record(slog.LevelDebug, "something else", "x", 1),
		record(slog.LevelInfo, "something else", "x", func() {}),
	)
	golden(t, "events.jsonl", strings.ReplaceAll(out.String(), jsonFuncAddress(out.String()), "ADDRESS"))
	for line := range strings.Lines(out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// jsonFuncAddress finds the address that a func is printed with.
func jsonFuncAddress(s string) string {
	i := strings.LastIndex(s, `"0x`)
	if i < 0 {
		return "no address"
	}
	return strings.TrimRight(s[i+1:], "\"}\n")
}

func TestJSONHandlerKeepsAttributesOfWith(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(newJSONHandler(&out, slog.LevelInfo)).With("function", "a").WithGroup("g").With("x", 1)
	log.Info("log", "y", 2)
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["function"] != "a" || got["g.x"] != 1.0 || got["g.y"] != 2.0 || got["event"] != "log" {
		t.Errorf("got %v", got)
	}
}

func TestJSONLinesAreWholeUnderConcurrency(t *testing.T) {
	reader, writer := io.Pipe()
	h := newJSONHandler(writer, slog.LevelInfo)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := h.Handle(t.Context(), record(slog.LevelInfo, "log", "message", strings.Repeat("x", 100))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); writer.Close() }()
	all, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(all)) {
		if n++; !json.Valid([]byte(line)) {
			t.Fatalf("torn line: %s", line)
		}
	}
	if n != 400 {
		t.Errorf("%d of 400 events arrived", n)
	}
}

// What appendSlogValue writes by itself is what encoding/json writes.
func TestJSONValuesAreThoseOfTheStandardLibrary(t *testing.T) {
	for _, v := range []any{
		"", "plain ~!", `a "b"`, `a\b`, "tab\t", "é", "<&>", "\x7f", "\xff", int64(0), int64(-12), int64(math.MaxInt64), true, false,
		0.0, 1.5, -0.001, 1e-6, 9e-7, 1e20, 1e21, 123456789.125, math.Copysign(0, -1),
	} {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		if got := string(appendSlogValue(nil, slog.AnyValue(v))); got != strings.TrimSuffix(want.String(), "\n") {
			t.Errorf("%#v is written %s, want %s", v, got, want.String())
		}
	}
}
