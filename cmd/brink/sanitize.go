package main

import (
	"strings"
	"unicode/utf8"
)

// sanitize makes text that came from a function, a client or a file safe for a
// terminal: it must not move the cursor, set the title, answer queries or fake
// brink's own lines. Escape sequences go, but for colours (SGR) when keepColor
// is set, and then the colours end with the text. Other control characters go,
// but for tab and newline; a carriage return becomes a newline, so that what
// was to be overwritten can be read.
//
// The sequences are those of ECMA-48 (5.3, 5.4) and xterm's ctlseqs.
func sanitize(s string, keepColor bool) string {
	if !needsSanitizing(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	colored := false
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\x1b':
			n, sgr := escapeLength(s[i:])
			if sgr && keepColor {
				b.WriteString(s[i : i+n])
				colored = true
			}
			i += n
			continue
		case r == '\r':
			if !strings.HasPrefix(s[i+1:], "\n") && i+1 < len(s) {
				b.WriteByte('\n')
			}
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r < 0x20 || r >= 0x7f && r < 0xa0: // C0, DEL, C1
		default:
			b.WriteRune(r) // an invalid byte becomes U+FFFD
		}
		i += size
	}
	if colored {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

// sanitizeLine is sanitize for what has to stay on one line.
func sanitizeLine(s string) string {
	return strings.Join(strings.Fields(sanitize(s, false)), " ")
}

func needsSanitizing(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\n' && c != '\t' || c >= 0x7f {
			return true // bytes from 0x80 on: perhaps C1 or invalid
		}
	}
	return false
}

// escapeLength returns how long the escape sequence is that s begins with, and
// whether it is SGR, which only sets colours. Of a sequence that does not end,
// only the introducer counts, so that the rest is seen.
func escapeLength(s string) (n int, sgr bool) {
	if len(s) < 2 {
		return len(s), false
	}
	switch s[1] {
	case '[': // CSI: parameters, intermediates, a final byte
		i := 2
		for i < len(s) && s[i] >= 0x30 && s[i] <= 0x3f {
			i++
		}
		plain := !strings.ContainsAny(s[2:i], "<=>?")
		final := i
		for i < len(s) && s[i] >= 0x20 && s[i] <= 0x2f {
			i++
		}
		if i < len(s) && s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1, plain && i == final && s[i] == 'm'
		}
		return 2, false
	case ']', 'P', 'X', '^', '_': // OSC, DCS, SOS, PM, APC: up to BEL or ST
		for i := 2; i < len(s); i++ {
			if s[i] == '\a' {
				return i + 1, false
			}
			if strings.HasPrefix(s[i:], "\x1b\\") {
				return i + 2, false
			}
		}
		return 2, false
	}
	i := 1
	for i < len(s) && s[i] >= 0x20 && s[i] <= 0x2f {
		i++
	}
	if i < len(s) && s[i] >= 0x30 && s[i] <= 0x7e {
		return i + 1, false
	}
	return i, false
}
