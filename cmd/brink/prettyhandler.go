package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// prettyOptions say what a terminal can do.
type prettyOptions struct {
	Color       bool
	TTY         bool       // a line can be overwritten
	Interactive bool       // keys are read: they are offered
	Verbose     bool       // every worker's boot and end
	Width       func() int // columns; nil or 0: not known
}

// prettyHandler writes records for people. Handle never blocks and may be
// called from many goroutines. Whatever comes from a function or a client is
// made safe for the terminal first (sanitize).
type prettyHandler struct {
	attrs attrSet
	p     *printer
}

// printer is what the copies of a prettyHandler share.
type printer struct {
	opts   prettyOptions
	colors *palette
	screen *screen

	mu        sync.Mutex        // guards the fields below, and the order of lines
	nameWidth int               // of the longest function seen
	faults    map[string]string // function -> its last fault, as printed
	progress  string            // the function whose progress the status line shows
}

// newPrettyHandler returns a handler that writes to w. Close it when everything
// that logs has ended.
func newPrettyHandler(w io.Writer, opts prettyOptions) *prettyHandler {
	return &prettyHandler{p: &printer{
		opts: opts, colors: newPalette(opts.Color), screen: newScreen(w, opts.TTY), faults: map[string]string{},
	}}
}

// Close writes out what is queued; see screen.Close.
func (h *prettyHandler) Close() error { return h.p.screen.Close() }

// Clear empties the terminal, for the key c. Faults shown before are shown in
// full again.
func (h *prettyHandler) Clear() {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	clear(h.p.faults)
	if h.p.opts.TTY {
		h.p.screen.print(clearAll, false)
	}
}

// Print writes a line of brink's own that is no event, such as the help for
// the keys.
func (h *prettyHandler) Print(text string) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	h.p.screen.print(strings.TrimRight(text, "\n")+"\n", false)
}

// Enabled implements slog.Handler.
func (h *prettyHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.p.opts.Verbose
}

// WithAttrs implements slog.Handler.
func (h *prettyHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &prettyHandler{attrs: h.attrs.with(attrs), p: h.p}
}

// WithGroup implements slog.Handler; members of a group get dotted names.
func (h *prettyHandler) WithGroup(name string) slog.Handler {
	return &prettyHandler{attrs: h.attrs.group(name), p: h.p}
}

// Handle queues the record's lines.
func (h *prettyHandler) Handle(ctx context.Context, r slog.Record) error {
	if !h.Enabled(ctx, r.Level) {
		return nil
	}
	e := h.attrs.event(r)
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	h.p.handle(&e)
	return nil
}

// handle prints one event; mu is held.
func (p *printer) handle(e *event) {
	if e.kind == eventProgress {
		p.printProgress(e)
		return
	}
	if function := e.text("function"); p.progress != "" && function == p.progress {
		p.progress = ""
		p.screen.setStatus("")
	}
	if text := p.render(e); text != "" {
		p.screen.print(text, e.kind == eventLog)
	}
}

// render returns the lines of an event, or "" for one that is not shown.
func (p *printer) render(e *event) string {
	switch e.kind {
	case eventReady:
		return p.banner(e)
	case eventRequest:
		return p.request(e)
	case eventLog:
		return p.log(e)
	case eventWorker:
		return p.worker(e)
	case eventStale:
		return p.stale(e)
	case eventRestarted:
		return p.restarted(e)
	case eventFault:
		return p.fault(e)
	case eventConfig:
		return p.notice(e, p.colors.dim.Sprint("config:"))
	case eventHint:
		return p.notice(e, p.colors.hint.Sprint("hint:"))
	case eventWarning:
		return p.notice(e, p.colors.yellow.Sprint("warning:"))
	case eventError:
		return p.notice(e, p.colors.badRed.Sprint("error:"))
	}
	return p.other(e)
}

// printProgress shows what is being fetched or built: on one line that is
// overwritten, or, without a terminal, line by line.
func (p *printer) printProgress(e *event) {
	if e.flag("done") {
		p.progress = ""
		p.screen.setStatus("")
		return
	}
	function, message := e.text("function"), sanitizeLine(e.text("message"))
	if message == "" {
		return
	}
	if function != "" {
		message = sanitizeLine(function) + ": " + message
	}
	if !p.opts.TTY {
		p.screen.print(message+"\n", true)
		return
	}
	width := 80
	if p.opts.Width != nil && p.opts.Width() > 0 {
		width = p.opts.Width()
	}
	if runes := []rune(message); len(runes) >= width { // a line that wraps cannot be cleared
		message = string(runes[:max(0, width-2)]) + "…"
	}
	p.progress = function
	p.screen.setStatus(p.colors.dim.Sprint(message))
}
