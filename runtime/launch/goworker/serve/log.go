package serve

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"
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
		slog.SetDefault(slog.New(newHandler(c)))
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
	out  *sharedBuffer
	text slog.Handler // writes the attributes to out
}

type sharedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func newHandler(c *wire.Conn) *handler {
	out := &sharedBuffer{}
	text := slog.NewTextHandler(&out.b, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		},
	})
	return &handler{host: c, out: out, text: text}
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

func (h *handler) attrs(ctx context.Context, r slog.Record) (string, error) {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.b.Reset()
	err := h.text.Handle(ctx, r)
	return strings.TrimSuffix(h.out.b.String(), "\n"), err
}

// WithAttrs returns a handler that adds attrs.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{host: h.host, out: h.out, text: h.text.WithAttrs(attrs)}
}

// WithGroup returns a handler that puts what follows into a group.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{host: h.host, out: h.out, text: h.text.WithGroup(name)}
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
