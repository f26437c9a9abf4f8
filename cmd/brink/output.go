package main

import (
	"context"
	"log/slog"
)

// output is where a serving brink tells what happens: lines for people on
// stdout, or one JSON object per event.
type output struct {
	logger *slog.Logger
	pretty *prettyHandler // nil for JSON
	tty    bool
	color  bool
}

func newOutput(opts ServeOptions, o *IO) *output {
	if opts.LogFormat == "json" {
		level := slog.LevelInfo
		if opts.Verbose {
			level = slog.LevelDebug
		}
		return &output{logger: slog.New(newHoldBack(newJSONHandler(o.Stdout, level)))}
	}
	tty := isTerminal(o.Stdout)
	color := o.useColor(o.Stdout, opts.NoColor)
	h := newPrettyHandler(o.Stdout, prettyOptions{
		Color: color, TTY: tty,
		Interactive: tty && isTerminal(o.Stdin), Verbose: opts.Verbose, Width: func() int { return width(o.Stdout) },
	})
	return &output{logger: slog.New(newHoldBack(h)), pretty: h, tty: tty, color: color}
}

// early writes an event that may come before ready; it is then held back.
func (t *output) early(kind, message string) {
	t.logger.LogAttrs(context.Background(), slog.LevelWarn, kind, slog.String("message", message))
}

// ready writes the first event, then those that were held back.
func (t *output) ready(attrs ...slog.Attr) {
	t.logger.LogAttrs(context.Background(), slog.LevelInfo, eventReady, attrs...)
}

// startKeys reads keys where people read the output; else it returns nil.
func (t *output) startKeys(ctx context.Context, stdin any) (*Keys, error) {
	if !t.tty {
		return nil, nil
	}
	return StartKeys(ctx, stdin)
}

func (t *output) clear() {
	if t.pretty != nil {
		t.pretty.Clear()
	}
}

func (t *output) print(text string) {
	if t.pretty != nil {
		t.pretty.Print(text)
	}
}

// Close writes out what is queued.
func (t *output) Close() {
	if t.pretty != nil {
		t.pretty.Close()
	}
}
