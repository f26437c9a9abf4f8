package serve

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"brink/runtime/wire"
)

// requestKey is the context key of the request's id.
type requestKey struct{}

// Capture sends what goes through the default loggers of log and log/slog to
// brink, with level and request id, unless the function has set up its own. In
// a worker it runs in this package's init, ahead of the function's.
func Capture() { capture(host) }

func capture(c *wire.Conn) {
	output, flags := log.Writer(), log.Flags()
	if reflect.TypeOf(slog.Default().Handler()).String() == "*slog.defaultHandler" {
		slog.SetDefault(slog.New(&handler{host: c}))
	}
	if output == os.Stderr {
		log.SetOutput(&lineWriter{host: c, level: wire.LevelInfo})
		if flags == log.LstdFlags {
			flags = 0 // every line has its time already
		}
	} else {
		log.SetOutput(output)
	}
	log.SetFlags(flags)
}

// lineWriter sends each Write, which is how package log writes a line.
type lineWriter struct {
	host  *wire.Conn
	level wire.Level
}

// Write sends b as one line.
func (w *lineWriter) Write(b []byte) (int, error) {
	m := wire.Message{Type: wire.TypeLog, Level: w.level, Text: strings.TrimSuffix(string(b), "\n"), Time: time.Now()}
	return len(b), w.host.Send(m)
}

// handler sends records: the message, then attributes as slog.TextHandler
// writes them.
type handler struct {
	host *wire.Conn
	with []func(slog.Handler) slog.Handler // the calls of WithAttrs and WithGroup so far
}

// Enabled lets through what slog's own default handler does.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle sends one record.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	attrs, err := h.attrs(ctx, r)
	if err != nil {
		return err
	}
	id, _ := ctx.Value(requestKey{}).(string)
	m := wire.Message{Type: wire.TypeLog, Level: levelOf(r.Level), Text: r.Message, RequestID: id, Time: r.Time}
	if attrs != "" {
		m.Text += " " + attrs
	}
	return h.host.Send(m)
}

// attrs has a TextHandler write them. It makes one for each record, because a
// shared one needs a lock, and an attribute may log something itself while it
// is written (slog.LogValuer).
func (h *handler) attrs(ctx context.Context, r slog.Record) (string, error) {
	var out bytes.Buffer
	var text slog.Handler = slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: withoutHead})
	for _, with := range h.with {
		text = with(text)
	}
	err := text.Handle(ctx, r)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// withoutHead drops what has a field of its own in the protocol.
func withoutHead(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

// WithAttrs returns a handler that adds attrs.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.and(func(text slog.Handler) slog.Handler { return text.WithAttrs(attrs) })
}

// WithGroup returns a handler that puts what follows into a group.
func (h *handler) WithGroup(name string) slog.Handler {
	return h.and(func(text slog.Handler) slog.Handler { return text.WithGroup(name) })
}

func (h *handler) and(with func(slog.Handler) slog.Handler) *handler {
	return &handler{host: h.host, with: append(slices.Clip(h.with), with)}
}

func levelOf(l slog.Level) wire.Level {
	switch {
	case l >= slog.LevelError:
		return wire.LevelError
	case l >= slog.LevelWarn:
		return wire.LevelWarn
	case l >= slog.LevelInfo:
		return wire.LevelInfo
	}
	return wire.LevelDebug
}
