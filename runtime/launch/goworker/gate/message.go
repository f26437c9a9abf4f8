package gate

import (
	"unicode/utf16"
	"unicode/utf8"
)

// parseGo returns the variables of a go message and true, or false for a line
// that is any other message or no JSON object.
func parseGo(line []byte) (env map[string]string, ok bool) {
	p := &parser{in: line}
	var kind string
	env = map[string]string{}
	good := p.object(func(key string) bool {
		switch key {
		case "type":
			var ok bool
			kind, ok = p.text()
			return ok
		case "env":
			if p.word("null") {
				return true
			}
			return p.object(func(name string) bool {
				value, ok := p.text()
				env[name] = value
				return ok
			})
		}
		return p.skip()
	})
	if !good || kind != "go" {
		return nil, false
	}
	return env, true
}

// parser reads JSON from in. Its methods return false at the first byte that
// does not fit; what follows is not defined then.
type parser struct {
	in []byte
	at int
}

func (p *parser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.in) && p.in[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) word(w string) bool {
	p.space()
	if len(p.in)-p.at < len(w) || string(p.in[p.at:p.at+len(w)]) != w {
		return false
	}
	p.at += len(w)
	return true
}

// object calls member at the value of each key.
func (p *parser) object(member func(key string) bool) bool {
	if !p.take('{') {
		return false
	}
	if p.take('}') {
		return true
	}
	for {
		key, ok := p.text()
		if !ok || !p.take(':') || !member(key) {
			return false
		}
		if p.take('}') {
			return true
		}
		if !p.take(',') {
			return false
		}
	}
}

// skip passes over one value of any kind.
func (p *parser) skip() bool {
	p.space()
	if p.at >= len(p.in) {
		return false
	}
	switch p.in[p.at] {
	case '"':
		_, ok := p.text()
		return ok
	case '{':
		return p.object(func(string) bool { return p.skip() })
	case '[':
		return p.array()
	}
	start := p.at
	for p.at < len(p.in) && isScalar(p.in[p.at]) {
		p.at++
	}
	return p.at > start
}

func (p *parser) array() bool {
	p.at++
	if p.take(']') {
		return true
	}
	for p.skip() {
		if p.take(']') {
			return true
		}
		if !p.take(',') {
			return false
		}
	}
	return false
}

// isScalar says whether c may stand in a number, true, false or null.
func isScalar(c byte) bool {
	return c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == 'E'
}

// text reads a string. Half a surrogate pair becomes U+FFFD, as in
// encoding/json.
func (p *parser) text() (string, bool) {
	if !p.take('"') {
		return "", false
	}
	var out []byte
	for p.at < len(p.in) {
		c := p.in[p.at]
		p.at++
		switch {
		case c == '"':
			return string(out), true
		case c < ' ':
			return "", false
		case c != '\\':
			out = append(out, c)
		default:
			var ok bool
			if out, ok = p.escape(out); !ok {
				return "", false
			}
		}
	}
	return "", false
}

func (p *parser) escape(out []byte) ([]byte, bool) {
	if p.at >= len(p.in) {
		return nil, false
	}
	c := p.in[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return append(out, c), true
	case 'b':
		return append(out, '\b'), true
	case 'f':
		return append(out, '\f'), true
	case 'n':
		return append(out, '\n'), true
	case 'r':
		return append(out, '\r'), true
	case 't':
		return append(out, '\t'), true
	case 'u':
		r, ok := p.hex()
		if !ok {
			return nil, false
		}
		return utf8.AppendRune(out, p.pair(r)), true
	}
	return nil, false
}

// pair completes a surrogate pair whose first half is r.
func (p *parser) pair(r rune) rune {
	if !utf16.IsSurrogate(r) {
		return r
	}
	before := p.at
	if p.at+1 < len(p.in) && p.in[p.at] == '\\' && p.in[p.at+1] == 'u' {
		p.at += 2
		if low, ok := p.hex(); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return both
			}
		}
	}
	p.at = before
	return utf8.RuneError
}

// hex reads four hexadecimal digits.
func (p *parser) hex() (rune, bool) {
	if len(p.in)-p.at < 4 {
		return 0, false
	}
	var r rune
	for _, c := range p.in[p.at : p.at+4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	p.at += 4
	return r, true
}
