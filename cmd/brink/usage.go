package main

import (
	"fmt"
	"strings"

	"brink/runtime/config"
)

// usageError is a fault in how brink was called; Run turns it into exit code 2
// and points at the help of Command.
type usageError struct {
	Command string // "brink functions serve"
	Text    string
}

func (e *usageError) Error() string { return e.Text }

func usagef(command, format string, args ...any) error {
	return &usageError{Command: command, Text: fmt.Sprintf(format, args...)}
}

// nearest returns the candidate that got was most likely meant to be, or "": one
// that begins with it, else one that it is a slip of.
func nearest(got string, candidates []string) string {
	for _, c := range candidates {
		if len(got) >= 2 && strings.HasPrefix(c, got) {
			return c
		}
	}
	return config.Nearest(got, candidates)
}

// didYouMean returns the tail of an error about an unknown name, or "".
func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", suggestion)
}
