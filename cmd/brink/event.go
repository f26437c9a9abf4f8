package main

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Event kinds: the messages of the records that reach the user.
const (
	eventReady     = "ready"
	eventRequest   = "request"
	eventLog       = "log"
	eventWorker    = "worker"
	eventStale     = "stale"
	eventRestarted = "restarted"
	eventConfig    = "config"
	eventHint      = "hint"
	eventWarning   = "warning"
	eventError     = "error"
	eventProgress  = "progress"
	eventFault     = "fault"
)

// eventKinds are in the contract with scripts: they are written whatever their
// level is.
var eventKinds = []string{
	eventReady, eventRequest, eventLog, eventWorker, eventStale, eventRestarted,
	eventConfig, eventHint, eventWarning, eventError, eventProgress, eventFault,
}

// An event is a record with its attributes flattened: those of the handler
// first, then the record's. A later attribute replaces an earlier one.
type event struct {
	kind  string
	level slog.Level
	time  time.Time
	attrs []slog.Attr
}

// attrSet collects what WithAttrs and WithGroup said, for both handlers.
type attrSet struct {
	attrs  []slog.Attr
	groups string // "a.b.": prefix for what is added from here on
}

func (s attrSet) with(attrs []slog.Attr) attrSet {
	s.attrs = slices.Clone(s.attrs)
	for _, a := range attrs {
		s.attrs = appendAttr(s.attrs, s.groups, a)
	}
	return s
}

func (s attrSet) group(name string) attrSet {
	if name != "" {
		s.groups += name + "."
	}
	return s
}

// event merges the set and a record.
func (s attrSet) event(r slog.Record) event {
	e := event{kind: r.Message, level: r.Level, time: r.Time, attrs: make([]slog.Attr, len(s.attrs), len(s.attrs)+r.NumAttrs())}
	copy(e.attrs, s.attrs)
	r.Attrs(func(a slog.Attr) bool {
		e.attrs = appendAttr(e.attrs, s.groups, a)
		return true
	})
	return e
}

// appendAttr adds a to attrs; a group becomes its members with dotted names.
func appendAttr(attrs []slog.Attr, prefix string, a slog.Attr) []slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range a.Value.Group() {
			attrs = appendAttr(attrs, prefix, member)
		}
		return attrs
	}
	if a.Key == "" {
		return attrs
	}
	a.Key = prefix + a.Key
	for i := range attrs {
		if attrs[i].Key == a.Key {
			attrs[i] = a
			return attrs
		}
	}
	return append(attrs, a)
}

func (e *event) value(key string) (slog.Value, bool) {
	for _, a := range e.attrs {
		if a.Key == key {
			return a.Value, true
		}
	}
	return slog.Value{}, false
}

// text returns an attribute as a string, "" when it is not there.
func (e *event) text(key string) string {
	v, ok := e.value(key)
	if !ok || v.Kind() == slog.KindAny && v.Any() == nil {
		return ""
	}
	if s, ok := v.Any().(fmt.Stringer); ok { // before error: a policy.Reason is both
		return s.String()
	}
	return v.String()
}

// number returns an attribute as a number; durations are milliseconds.
func (e *event) number(key string) (float64, bool) {
	v, ok := e.value(key)
	if !ok {
		return 0, false
	}
	switch v.Kind() {
	case slog.KindInt64:
		return float64(v.Int64()), true
	case slog.KindUint64:
		return float64(v.Uint64()), true
	case slog.KindFloat64:
		return v.Float64(), true
	case slog.KindDuration:
		return float64(v.Duration()) / float64(time.Millisecond), true
	}
	return 0, false
}

// list returns an attribute as strings.
func (e *event) list(key string) []string {
	v, ok := e.value(key)
	if !ok {
		return nil
	}
	if l, ok := v.Any().([]string); ok {
		return l
	}
	if s := v.String(); s != "" {
		return []string{s}
	}
	return nil
}

func (e *event) flag(key string) bool {
	v, ok := e.value(key)
	return ok && v.Kind() == slog.KindBool && v.Bool()
}
