package launch

import (
	"regexp"
	"strings"

	"brink/runtime/wire"
)

var (
	escapes   = regexp.MustCompile("\x1b\\[[0-9;]*m")
	errorHead = regexp.MustCompile(`^(?:\x1b\[[0-9;]*m)*error(?:\x1b\[[0-9;]*m)*: `)
	uncaught  = regexp.MustCompile(`^Uncaught (?:\(in promise\) )?`)
	errorName = regexp.MustCompile(`^([A-Z][A-Za-z]*(?:Error|Exception)): `)
)

// DenoFault makes a fault of what the engine printed on stderr when a module
// graph did not load: the text as the engine has it, with its code frame, its
// colours if it was started with them, without its headline.
func DenoFault(stderr string) *Fault {
	var kept []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, "\r\n")
		plain := strings.TrimSpace(stripColor(line))
		if plain == "Stack backtrace:" {
			break // the engine's own, printed under RUST_BACKTRACE
		}
		if isNoise(plain) || (len(kept) == 0 && plain == "") {
			continue
		}
		kept = append(kept, line)
	}
	text := strings.TrimRight(strings.Join(kept, "\n"), "\n ")
	text = uncaught.ReplaceAllString(errorHead.ReplaceAllString(text, ""), "")
	if text == "" {
		text = "the engine gave no reason"
	}
	return &Fault{Phase: wire.PhaseLoad, Name: faultName(stripColor(text)), Message: text}
}

func faultName(message string) string {
	if m := errorName.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return "LoadError"
}

// isNoise says whether a line is the engine's advice on how to use the engine.
func isNoise(line string) bool {
	return isProgress(line) || strings.HasPrefix(line, "warning: Detected export default")
}

func stripColor(text string) string { return escapes.ReplaceAllString(text, "") }
