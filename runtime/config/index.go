package config

import (
	"strings"

	"github.com/BurntSushi/toml"
)

// spot is where a key stands in a TOML text, and its value as written there.
type spot struct {
	line int
	text string
}

// keyIndex finds the line of a key. The TOML library gives lines for syntax
// errors only, so the text, already known to be valid, is scanned once more
// for nothing but keys. The first place of a key counts.
type keyIndex map[string]spot

// at returns the place of the key path, or of the nearest table around it: a
// key inside an array of tables has no place of its own.
func (x keyIndex) at(path []string) spot {
	for n := len(path); n > 0; n-- {
		if s, ok := x[joinPath(path[:n])]; ok {
			if n < len(path) {
				s.text = ""
			}
			return s
		}
	}
	return spot{}
}

// joinPath makes a map key of a path; a TOML key cannot hold a NUL.
func joinPath(path []string) string { return strings.Join(path, "\x00") }

// indexKeys scans valid TOML. On anything else it returns what it found so far.
func indexKeys(src string) keyIndex {
	s := scanner{src: src, line: 1, index: keyIndex{}}
	var table []string
	for {
		s.blank()
		switch {
		case s.pos >= len(s.src):
			return s.index
		case s.peek() == '[':
			line := s.line
			for s.peek() == '[' {
				s.pos++
			}
			table = s.key()
			s.note(table, spot{line: line})
			for s.peek() == ']' {
				s.pos++
			}
		default:
			before := s.pos
			s.pair(table)
			if s.pos == before {
				return s.index
			}
		}
	}
}

// scanner walks over a TOML text. It never goes backwards and every loop in it
// ends at the end of the text.
type scanner struct {
	src   string
	pos   int
	line  int
	index keyIndex
}

func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// advance moves n bytes on and counts the lines passed.
func (s *scanner) advance(n int) {
	end := min(s.pos+n, len(s.src))
	s.line += strings.Count(s.src[s.pos:end], "\n")
	s.pos = end
}

// blank passes white space, line ends, comments and a byte order mark.
func (s *scanner) blank() {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '#':
			s.comment()
		case strings.IndexByte(" \t\r\n", c) >= 0:
			s.advance(1)
		case s.pos == 0 && strings.HasPrefix(s.src, "\ufeff"):
			s.advance(len("\ufeff"))
		default:
			return
		}
	}
}

func (s *scanner) comment() {
	for s.pos < len(s.src) && s.src[s.pos] != '\n' {
		s.pos++
	}
}

func (s *scanner) spaces() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.pos++
	}
}

func (s *scanner) note(path []string, at spot) {
	if k := joinPath(path); len(path) > 0 {
		if _, seen := s.index[k]; !seen {
			s.index[k] = at
		}
	}
}

// pair reads `key = value` and notes the key and those inside the value.
func (s *scanner) pair(table []string) {
	line := s.line
	path := append(table[:len(table):len(table)], s.key()...)
	if s.peek() != '=' {
		return
	}
	s.pos++
	s.spaces()
	start := s.pos
	// Noted before the value is read, so that a key comes before those inside.
	s.note(path, spot{line: line})
	s.value(path)
	if k := joinPath(path); s.index[k].line == line && s.index[k].text == "" {
		s.index[k] = spot{line: line, text: oneLine(s.src[start:s.pos])}
	}
}

// key reads a dotted key and the spaces behind it.
func (s *scanner) key() []string {
	var path []string
	for {
		s.spaces()
		start := s.pos
		if c := s.peek(); c == '"' || c == '\'' {
			s.quoted()
			path = append(path, unquote(s.src[start:s.pos]))
		} else {
			for s.pos < len(s.src) && strings.IndexByte(" \t\r\n.=]", s.src[s.pos]) < 0 {
				s.pos++
			}
			path = append(path, s.src[start:s.pos])
		}
		s.spaces()
		if s.peek() != '.' {
			return path
		}
		s.pos++
	}
}

// value passes one value; path is the key it belongs to.
func (s *scanner) value(path []string) {
	switch s.peek() {
	case '"', '\'':
		s.quoted()
	case '[':
		s.list(']', func() { s.value(path) })
	case '{':
		s.list('}', func() { s.pair(path) })
	default:
		for s.pos < len(s.src) && strings.IndexByte(",]}#\r\n", s.src[s.pos]) < 0 {
			s.pos++
		}
	}
}

// list passes an array or an inline table, item by item.
func (s *scanner) list(end byte, item func()) {
	s.pos++
	for {
		s.blank()
		switch before := s.pos; s.peek() {
		case 0:
			return
		case end:
			s.pos++
			return
		case ',':
			s.pos++
		default:
			item()
			if s.pos == before {
				return
			}
		}
	}
}

// quoted passes a string of any of the four kinds.
func (s *scanner) quoted() {
	mark := s.src[s.pos : s.pos+1]
	if triple := strings.Repeat(mark, 3); strings.HasPrefix(s.src[s.pos:], triple) {
		s.advance(3)
		for s.pos < len(s.src) && !strings.HasPrefix(s.src[s.pos:], triple) {
			s.character(mark)
		}
		s.advance(3)
		// Up to two quotation marks may stand right before the closing ones.
		for n := 0; n < 2 && strings.HasPrefix(s.src[s.pos:], mark); n++ {
			s.pos++
		}
		return
	}
	s.pos++
	for s.pos < len(s.src) && s.src[s.pos:s.pos+1] != mark && s.src[s.pos] != '\n' {
		s.character(mark)
	}
	s.advance(1)
}

// character passes one character of a string, with its backslash in a basic one.
func (s *scanner) character(mark string) {
	if mark == `"` && s.src[s.pos] == '\\' {
		s.advance(1)
	}
	s.advance(1)
}

// unquote reads a quoted key the way the TOML library does.
func unquote(quoted string) string {
	var v struct{ Key string }
	if _, err := toml.Decode("Key = "+quoted, &v); err != nil {
		return strings.Trim(quoted, `"'`)
	}
	return v.Key
}

// oneLine shortens a value for a message.
func oneLine(value string) string {
	value, _, more := strings.Cut(strings.TrimSpace(value), "\n")
	if runes := []rune(value); len(runes) > 60 {
		value, more = string(runes[:60]), true
	}
	if more {
		value = strings.TrimSpace(value) + "…"
	}
	return value
}
