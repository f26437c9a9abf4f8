package gate

import (
	"encoding/json"
	"maps"
	"testing"
)

func TestGoMessageIsReadAsEncodingJSONWritesIt(t *testing.T) {
	want := map[string]string{
		"PLAIN": "x", "EMPTY": "", "QUOTES": `a"b\c/d`, "LINES": "a\nb\tc\r\b\f\x00",
		"HTML": "<a>&", "SMILE": "😀 ü \u2028", "JSON": `{"a":[1,2,{"b":null}]}`,
	}
	line, err := json.Marshal(map[string]any{
		"type": "go", "env": want, "options": map[string]any{"a": []any{1, -2.5e10, true, nil, "x", []any{}, map[string]any{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := parseGo(append(line, '\n'))
	if !ok || !maps.Equal(got, want) {
		t.Fatalf("parseGo(%s) = %q, %v", line, got, ok)
	}
}

func TestOtherLinesDoNotOpenTheGate(t *testing.T) {
	for _, line := range []string{
		``, `{}`, `null`, `"go"`, `{"type":"sample"}`, `{"type":"go"`, `{"type":"go","env":{"A":1}}`, `{"type":"go","env":{"A"}}`,
		`{"env":{"type":"go"}}`, `{"type":"go","env":{"A":"\x"}}`, `{"type":"go","env":{"A":"\u12"}}`, `{"type":"go",}`, `{"a":[1,]}`,
	} {
		if env, ok := parseGo([]byte(line)); ok {
			t.Errorf("parseGo(%q) = %q, true", line, env)
		}
	}
}

func TestGoWithoutVariablesOpensTheGate(t *testing.T) {
	for _, line := range []string{`{"type":"go"}`, ` { "type" : "go" , "env" : null } `, `{"env":{},"type":"go"}`} {
		if env, ok := parseGo([]byte(line)); !ok || len(env) != 0 {
			t.Errorf("parseGo(%q) = %q, %v", line, env, ok)
		}
	}
}

func TestHalfASurrogatePairIsReplaced(t *testing.T) {
	for in, want := range map[string]string{
		`"\ud83d\ude00"`: "😀", `"\ud83d"`: "\ufffd", `"\ud83dx"`: "\ufffdx", `"\ud83d\u0041"`: "\ufffdA", `"\ude00"`: "\ufffd",
	} {
		p := &parser{in: []byte(in)}
		if got, ok := p.text(); !ok || got != want {
			t.Errorf("text(%s) = %q, %v, want %q", in, got, ok, want)
		}
	}
}
