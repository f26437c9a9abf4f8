package config

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the candidate that word is most likely a slip of, or "": at
// most a third of its letters, and at least two, may be wrong. Case does not
// count.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c))
		if d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	return best
}
