package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// IO is what a command may touch of the world outside: its three streams and
// its environment. Nothing in this package reads os.Stdin, os.Getenv and the
// like directly, so that tests run commands in-process.
type IO struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string // KEY=value, as os.Environ gives it
}

// Getenv returns the value of key, or "". Of doubled keys the last one counts,
// as in os/exec.
func (o *IO) Getenv(key string) string {
	for i := len(o.Environ) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(o.Environ[i], "="); ok && k == key {
			return v
		}
	}
	return ""
}

// isTerminal says whether stream, one of the three of an IO, is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && f != nil && term.IsTerminal(int(f.Fd()))
}

// useColor says whether output to w is to be coloured. See no-color.org for
// the variable; a dumb terminal has no colours.
func (o *IO) useColor(w io.Writer, noColorFlag bool) bool {
	return !noColorFlag && o.Getenv("NO_COLOR") == "" && o.Getenv("TERM") != "dumb" && isTerminal(w)
}

// width returns how many columns stream has, 0 when it is no terminal.
func width(stream any) int {
	if !isTerminal(stream) {
		return 0
	}
	w, _, err := term.GetSize(int(stream.(*os.File).Fd()))
	if err != nil {
		return 0
	}
	return w
}
