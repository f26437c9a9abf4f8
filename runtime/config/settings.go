package config

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// key says where one setting may stand, strongest first: its flag, its
// environment variables, then its paths in brink.toml and config.toml.
type key struct {
	flag   string
	given  *string
	env    []string
	paths  [][]string
	secret bool // its value is never repeated in a message
}

// setting is a value found for a key, and the place it was found at.
type setting struct {
	value any
	at    Fault  // without a message
	dir   string // what a relative path in the value is relative to
	unset string // the variable of an env(X) that is not set
}

// find looks a key up. Of several paths an earlier one wins, in whichever
// file it stands: what is said for one function beats what is said for all.
func (l *loader) find(k key) (setting, bool) {
	if k.given != nil {
		return setting{value: *k.given, dir: l.cwd, at: Fault{Key: k.flag, Value: k.show(strconv.Quote(*k.given))}}, true
	}
	for _, name := range k.env {
		if v, ok := l.env.get(name); ok {
			at := Fault{File: v.file, Key: name}
			if v.file == "" {
				at.Value = k.show(strconv.Quote(v.value))
			}
			return setting{value: v.value, dir: l.dir, at: at}, true
		}
	}
	for _, path := range k.paths {
		for _, doc := range l.docs {
			v, ok := doc.get(path...)
			if !ok {
				continue
			}
			s := setting{value: v, dir: l.dir, at: doc.place(k, path)}
			if text, isText := v.(string); isText {
				s.value, s.unset = l.env.expand(text)
			}
			return s, true
		}
	}
	return setting{}, false
}

func (k key) show(value string) string {
	if k.secret {
		return ""
	}
	return value
}

// place returns where a path stands in the document, as a fault to be filled.
func (d *document) place(k key, path []string) Fault {
	at := d.index.at(path)
	return Fault{File: d.path, Line: at.line, Key: strings.Join(path, "."), Value: k.show(at.text)}
}

// read looks a key up and decodes it over dst. A value of the wrong form is a
// fault and leaves dst alone. It reports whether dst was set.
func read[T any](l *loader, k key, dst *T, parse func(any) (T, error)) (setting, bool) {
	s, ok := l.find(k)
	if !ok {
		return s, false
	}
	if s.unset != "" {
		l.fault(s.at, fmt.Sprintf("environment variable is unset: %s; set it, or write the value here", s.unset))
		return s, false
	}
	v, err := parse(s.value)
	if err != nil {
		l.fault(s.at, err.Error())
		return s, false
	}
	*dst = v
	return s, true
}

// asString takes a string.
func asString(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", fmt.Errorf("%s is not a string; put it in quotation marks", kindOf(v))
}

// asBool takes true, false, and what the Supabase CLI's older generation takes
// for them: the strings of strconv.ParseBool, and numbers.
func asBool(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case int64:
		return v != 0, nil
	case string:
		if v == "" {
			return false, nil
		}
		if b, err := strconv.ParseBool(v); err == nil {
			return b, nil
		}
	}
	return false, fmt.Errorf("not a boolean; allowed are true and false")
}

// asInt takes a whole number from least to most, also as a string.
func asInt(what string, least, most int) func(any) (int, error) {
	return func(v any) (int, error) {
		n, err := asNumber(v)
		if err != nil || n != math.Trunc(n) || n < float64(least) || n > float64(most) {
			if most == math.MaxInt32 {
				return 0, fmt.Errorf("not %s; allowed are whole numbers from %d", what, least)
			}
			return 0, fmt.Errorf("not %s; allowed are %d to %d", what, least, most)
		}
		return int(n), nil
	}
}

// asPort takes a port to listen on; least is 0 where "any free port" is meant.
func asPort(least int) func(any) (int, error) { return asInt("a port", least, 65535) }

// asNumber takes a number, also as a string.
func asNumber(v any) (float64, error) {
	switch v := v.(type) {
	case int64:
		return float64(v), nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v, nil
		}
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("not a number")
}

// asChoice takes one of the names that parse knows.
func asChoice[T any](names []string, parse func(string) (T, error)) func(any) (T, error) {
	return func(v any) (T, error) {
		name, _ := v.(string)
		choice, err := parse(name)
		if err != nil {
			hint := ""
			if near := Nearest(name, names); near != "" {
				hint = fmt.Sprintf(" (did you mean %q?)", near)
			}
			return choice, fmt.Errorf("not a known value%s; allowed are %s", hint, strings.Join(names, ", "))
		}
		return choice, nil
	}
}

// asStrings takes an array of strings, or one string alone.
func asStrings(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case []any:
		out := make([]string, len(v))
		for i, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("item %d is %s; allowed is an array of strings", i+1, kindOf(item))
			}
			out[i] = s
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s is not a list; allowed is an array of strings", kindOf(v))
}

// kindOf names a TOML value's type in a user's words.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case []any:
		return "an array"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "an array of tables"
	}
	return "a date"
}

// path makes a setting's path absolute.
func (s setting) path(value string) string {
	if filepath.IsAbs(value) {
		return filepath.Clean(value)
	}
	return filepath.Join(s.dir, filepath.FromSlash(value))
}
