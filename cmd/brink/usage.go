package main

import (
	"fmt"
	"strings"
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

// nearest returns the candidate that got was most likely meant to be, or "".
// A third of the letters may differ; an unambiguous beginning also counts.
func nearest(got string, candidates []string) string {
	best, bestDistance := "", len(got)/3+2
	for _, c := range candidates {
		if len(got) >= 2 && strings.HasPrefix(c, got) {
			return c
		}
		if d := editDistance(strings.ToLower(got), c); d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions and substitutions between two
// short words.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// didYouMean returns the tail of an error about an unknown name, or "".
func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", suggestion)
}
