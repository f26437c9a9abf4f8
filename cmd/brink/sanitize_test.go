package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSanitizeLeavesNothingThatDrivesATerminal(t *testing.T) {
	tests := []struct{ name, in, plain, colored string }{
		{"plain", "hello, wörld ✓\tx\ny", "hello, wörld ✓\tx\ny", ""},
		{"colour", "\x1b[31mred\x1b[0m", "red", "\x1b[31mred\x1b[0m\x1b[0m"},
		{"colour with colons", "\x1b[38:2::1:2:3mx", "x", "\x1b[38:2::1:2:3mx\x1b[0m"},
		{"cursor", "a\x1b[2J\x1b[Hb", "ab", ""},
		{"private mode", "a\x1b[?1049hb", "ab", ""},
		{"not SGR though it ends in m", "a\x1b[>4;2mb\x1b[1$mc", "abc", ""},
		{"title", "a\x1b]0;owned\ab", "ab", ""},
		{"title with ST", "a\x1b]0;owned\x1b\\b", "ab", ""},
		{"clipboard", "a\x1b]52;c;AAAA\x1b\\b", "ab", ""},
		{"unfinished title is shown", "a\x1b]0;rest", "a0;rest", ""},
		{"device control", "a\x1bP1;2|x\x1b\\b", "ab", ""},
		{"query", "a\x1b[6nb\x1bZc", "abc", ""},
		{"charset", "a\x1b(0b", "ab", ""},
		{"reset", "a\x1bcb", "ab", ""},
		{"C1", "a\u009b2Jb\u0085c", "a2Jbc", ""},
		{"raw C1 byte", "a\x9b2Jb", "a\ufffd2Jb", ""},
		{"bell and backspace", "a\a\b\x7f\x00b", "ab", ""},
		{"carriage return", "10%\r20%\r\nend\r", "10%\n20%\nend", ""},
		{"unfinished escape", "a\x1b", "a", ""},
		{"unfinished CSI is shown", "a\x1b[12", "a12", ""},
	}
	for _, tt := range tests {
		if tt.colored == "" {
			tt.colored = tt.plain
		}
		if got := sanitize(tt.in, false); got != tt.plain {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.plain)
		}
		if got := sanitize(tt.in, true); got != tt.colored {
			t.Errorf("%s, with colours: got %q, want %q", tt.name, got, tt.colored)
		}
	}
}

func FuzzSanitizeKeepsNoControlCharacters(f *testing.F) {
	f.Add("a\x1b[31mb\x1b]0;x\a\x9bc")
	f.Fuzz(func(t *testing.T, in string) {
		out := sanitize(in, false)
		if !utf8.ValidString(out) {
			t.Errorf("not UTF-8: %q", out)
		}
		if i := strings.IndexFunc(out, func(r rune) bool {
			return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0
		}); i >= 0 {
			t.Errorf("control character left at %d of %q", i, out)
		}
	})
}
