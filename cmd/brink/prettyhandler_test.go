package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"brink/policy"
)

// pretty renders records and returns what a terminal would get.
func pretty(t *testing.T, opts prettyOptions, records ...slog.Record) string {
	t.Helper()
	var out bytes.Buffer
	h := newPrettyHandler(&out, opts)
	handleAll(t, h, records...)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const requestID, workerID = "3f2a91c0-1111-4222-8333-444455556666", "aa00bb11-1111-4222-8333-444455556666"

// session is a bit of everything.
func session() []slog.Record {
	info, warn, fail, debug := slog.LevelInfo, slog.LevelWarn, slog.LevelError, slog.LevelDebug
	var many []string
	for i := range 12 {
		many = append(many, fmt.Sprintf("fn-%d", i))
	}
	request := func(attrs ...any) slog.Record {
		return record(info, "request", append([]any{"method", "POST", "path", "/functions/v1/hello/x", "function", "hello", "request_id", requestID}, attrs...)...)
	}
	frame := "Expected ',', got 'x' at file:///p/index.ts:1:9\n\n  \x1b[31m1 |\x1b[0m let a = x x\n            ~"
	return []slog.Record{
		record(info, "ready", "url", "http://127.0.0.1:54321", "policy", "per_worker", "engine", "Deno 2.9.6", "limits", limitsText(policy.DefaultLimits(policy.PlanPro)), "functions", many),
		record(debug, "worker", "function", "hello", "worker", workerID, "state", "spare"),
		record(info, "worker", "function", "hello", "worker", workerID, "state", "booted", "boot_ms", 4.6),
		request("status", 200, "duration_ms", 37.2, "cpu_ms", 12.0, "peak_bytes", 41<<20, "memory_bytes", 30<<20, "cpu_share", 0.006, "memory_share", 0.16, "wall_ms", 5000.0, "wall_share", 0.01),
		request("status", 204, "duration_ms", 0.2, "cpu_ms", 1200.0, "memory_bytes", 250<<20, "cpu_share", 0.6, "memory_share", 0.9766, "wall_ms", 240000.0, "wall_share", 0.6),
		request("status", 546, "duration_ms", 2100.0, "cause", "worker ended: cpu"),
		request("status", 401, "duration_ms", 1.0, "cause", "the token expired 4 minutes ago"),
		request("status", 101, "duration_ms", 61000.0, "socket", true, "close_code", 1000),
		request("status", 200, "duration_ms", 5.0, "would", "this would have been 546 when hosted (CPU 2.4 s of 2 s)"),
		record(info, "log", "function", "hello", "request_id", requestID, "level", "info", "message", "one line\n"),
		record(info, "log", "function", "hello", "request_id", requestID, "level", "error", "message", "three\n  lines\nof it"),
		record(info, "log", "function", "hello", "level", "warning", "message", "\x1b[32mgreen\x1b[0m and \x1b[2Jnot cleared\x1b]0;title\a"),
		record(debug, "log", "function", "a-function-with-a-very-long-name", "level", "debug", "message", "debug"),
		record(info, "worker", "function", "hello", "worker", workerID, "state", "ended", "reason", policy.ReasonCPU.String(), "age_ms", 182000.0, "cpu_ms", 2010.0, "memory_bytes", 41<<20, "requests", 12, "sockets", 1),
		record(info, "worker", "function", "hello", "worker", workerID, "state", "ended", "reason", policy.ReasonRequestEnded.String()),
		record(warn, "stale", "function", "hello", "files", []string{"/p/functions/hello/index.ts"}),
		record(warn, "stale", "function", "chat", "files", []string{"/p/a.ts", "/p/b.ts", "/p/c.ts", "/p/d.ts", "/p/e.ts"}),
		record(info, "restarted", "functions", []string{"hello", "chat"}, "duration_ms", 12.0),
		record(info, "config", "message", "policy is now per_request"),
		record(warn, "hint", "function", "chat", "message", "WebSocket to chat closed at once: set policy = \"per_worker\""),
		record(warn, "warning", "message", "two\nlines"),
		record(fail, "error", "function", "chat", "message", "it does not work"),
		record(fail, "fault", "function", "hello", "phase", "load", "name", "SyntaxError", "message", frame),
		record(fail, "fault", "function", "hello", "phase", "load", "name", "SyntaxError", "message", frame),
		record(fail, "fault", "function", "hello", "phase", "run", "name", "TypeError", "message", "x is not a function", "stack", "TypeError: x is not a function\n    at file:///p/index.ts:3:1"),
		record(info, "something else", "x", 1, "y", "two\nlines"),
	}
}

func TestPrettyOutputIsGolden(t *testing.T) {
	golden(t, "session_plain.txt", pretty(t, prettyOptions{}, session()...))
	golden(t, "session_color.txt", pretty(t, prettyOptions{Color: true, Interactive: true, TTY: true}, session()...))
	golden(t, "session_verbose.txt", pretty(t, prettyOptions{Verbose: true}, session()...))
}

func TestPrettyOutputWithoutColorHasNoEscapes(t *testing.T) {
	if out := pretty(t, prettyOptions{}, session()...); strings.ContainsAny(out, "\x1b\a\r") {
		t.Errorf("escape in %q", out)
	}
}

func TestLedgerIsYellowFromHalfAndRedFrom90Percent(t *testing.T) {
	const red, yellow = "\x1b[31;1m", "\x1b[33m"
	for share, want := range map[float64]string{0.49: "", 0.5: yellow, 0.899: yellow, 0.9: red, 1.4: red} {
		out := pretty(t, prettyOptions{Color: true}, record(slog.LevelInfo, "request", "method", "GET", "path", "/x", "status", 200, "cpu_ms", 1.0, "cpu_share", share))
		if (want == "" && (strings.Contains(out, red) || strings.Contains(out, yellow))) || !strings.Contains(out, want+"cpu 1ms") && want != "" {
			t.Errorf("share %v: %q", share, out)
		}
	}
}

func TestARepeatedFaultIsOneLineUntilTheFunctionIsRestarted(t *testing.T) {
	fault := record(slog.LevelError, "fault", "function", "f", "phase", "load", "message", "FRAME")
	restarted := record(slog.LevelInfo, "restarted", "functions", []string{"f"})
	if out := pretty(t, prettyOptions{}, fault, fault, fault); strings.Count(out, "FRAME") != 1 || strings.Count(out, "as before") != 2 {
		t.Errorf("got %s", out)
	}
	if out := pretty(t, prettyOptions{}, fault, restarted, fault); strings.Count(out, "FRAME") != 2 {
		t.Errorf("got %s", out)
	}
}

func TestClientsCannotDriveTheTerminal(t *testing.T) {
	evil := "x\x1b[2J\x1b]0;t\a\n12:00:00 GET fake 200"
	for _, kind := range eventKinds {
		out := pretty(t, prettyOptions{Color: true, Verbose: true}, record(slog.LevelError, kind,
			"path", evil, "method", evil, "cause", evil, "would", evil, "message", evil, "function", evil, "worker", evil, "request_id", evil,
			"state", evil, "reason", evil, "phase", evil, "name", evil, "stack", evil, "url", evil, "policy", evil, "engine", evil, "level", evil,
			"files", []string{evil}, "functions", []string{evil}))
		if strings.Contains(out, "\x1b[2J") || strings.Contains(out, "\x1b]") || strings.Contains(out, "\a") {
			t.Errorf("%s lets an escape through: %q", kind, out)
		}
	}
	if out := pretty(t, prettyOptions{}, record(slog.LevelInfo, "request", "method", "GET", "path", evil, "status", 404)); strings.Count(out, "\n") != 1 {
		t.Errorf("a path makes a line of its own: %q", out)
	}
}

func TestProgressIsOneLineOnATerminal(t *testing.T) {
	progress := func(message string) slog.Record {
		return record(slog.LevelInfo, "progress", "function", "f", "message", message)
	}
	records := []slog.Record{progress("download a"), progress("download b\n"), record(slog.LevelInfo, "worker", "function", "f", "state", "booted")}
	if got, want := pretty(t, prettyOptions{}, records...), "f: download a\nf: download b\n"; got != want {
		t.Errorf("without a terminal: got %q, want %q", got, want)
	}
	out := pretty(t, prettyOptions{TTY: true}, records...)
	if strings.Contains(out, "\n") || strings.Contains(out, "download") && !strings.HasSuffix(out, clearLine) {
		t.Errorf("on a terminal: got %q", out)
	}
	long := pretty(t, prettyOptions{TTY: true, Width: func() int { return 20 }}, progress(strings.Repeat("é", 100)))
	if shown, _, _ := strings.Cut(long, clearLine); len([]rune(shown)) >= 20 {
		t.Errorf("a long line would wrap: %q", shown)
	}
}
