package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
)

// jsonHandler writes each record as one JSON object on one line: "event",
// "time" (RFC 3339 with nanoseconds, UTC), then "function", "worker" and
// "request_id" where they apply, then the other attributes in the order they
// were given. Durations are numbers of milliseconds. It is the contract with
// scripts: no event is dropped, so a reader that does not read blocks brink.
type jsonHandler struct {
	level slog.Level // for records that are no event of the contract
	attrs attrSet
	out   *lockedWriter
}

// lockedWriter lets the copies that WithAttrs makes share one writer.
type lockedWriter struct {
	mu sync.Mutex // guards w: lines are written whole
	w  io.Writer
}

func newJSONHandler(w io.Writer, level slog.Level) *jsonHandler {
	return &jsonHandler{level: level, out: &lockedWriter{w: w}}
}

// Enabled admits every level: Handle decides by kind.
func (h *jsonHandler) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (h *jsonHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = h.attrs.with(attrs)
	return &c
}

// WithGroup implements slog.Handler; members of a group get dotted names.
func (h *jsonHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.attrs = h.attrs.group(name)
	return &c
}

// Handle writes one line.
func (h *jsonHandler) Handle(_ context.Context, r slog.Record) error {
	e := h.attrs.event(r)
	if e.level < h.level && !slices.Contains(eventKinds, e.kind) {
		return nil
	}
	line := e.appendJSON(make([]byte, 0, lineRoom))
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := h.out.w.Write(append(line, '\n'))
	return err
}

// lineRoom is what most lines fit into; that of a request has 500 bytes.
const lineRoom = 640

// leading attributes come first, in this order.
var leading = []string{"function", "worker", "request_id"}

func (e *event) appendJSON(b []byte) []byte {
	b = append(b, `{"event":`...)
	b = appendJSONString(b, e.kind)
	b = append(b, `,"time":"`...)
	b = append(e.time.UTC().AppendFormat(b, time.RFC3339Nano), '"')
	field := func(key string, v slog.Value) {
		b = append(b, ',')
		b = appendJSONString(b, key)
		b = append(b, ':')
		b = appendSlogValue(b, v)
	}
	for _, key := range leading {
		if v, ok := e.value(key); ok && v.String() != "" {
			field(key, v)
		}
	}
	for _, a := range e.attrs {
		if !slices.Contains(leading, a.Key) && a.Key != "event" && a.Key != "time" {
			field(a.Key, a.Value)
		}
	}
	return append(b, '}')
}

// appendSlogValue appends v as encoding/json writes it. What most records are
// made of it does by itself: an encoder for each value took as long as relaying
// a request.
func appendSlogValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendJSONString(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindDuration:
		return appendJSONValue(b, float64(v.Duration())/float64(time.Millisecond))
	case slog.KindTime:
		return appendJSONValue(b, v.Time().UTC().Format(time.RFC3339Nano))
	case slog.KindFloat64:
		f := v.Float64()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(b, "null"...) // JSON has no such numbers
		}
		if size := math.Abs(f); size == 0 || size >= 1e-6 && size < 1e21 { // else it has an exponent
			return strconv.AppendFloat(b, f, 'f', -1, 64)
		}
	}
	return appendJSONValue(b, v.Any())
}

// appendJSONString appends a string that has nothing to escape as it is.
func appendJSONString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendJSONValue(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendJSONValue(b []byte, v any) []byte {
	switch known := v.(type) {
	case json.Marshaler:
	case fmt.Stringer: // before error: a policy.Reason is both, and its name is meant
		v = known.String()
	case error:
		v = known.Error()
	case []string:
		if known == nil {
			v = []string{} // a list is never null
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		if _, ok := errors.AsType[*json.UnsupportedTypeError](err); ok {
			return appendJSONValue(b, fmt.Sprint(v))
		}
		return append(b, "null"...)
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
