package launch

import (
	"regexp"
	"strings"
)

// goCrashHeads begin what the Go runtime prints when it ends a process: for a
// panic that nobody recovered, a deadlock, a stack that grew too large, a
// fault in memory.
var goCrashHeads = []string{"panic: ", "fatal error: ", "runtime: goroutine stack exceeds", "unexpected fault address ", "SIGSEGV: ", "SIGBUS: "}

// GoCrashBegins says whether a line of a worker's stderr is the first of the
// Go runtime's report on why it ends the process.
func GoCrashBegins(line string) bool {
	for _, head := range goCrashHeads {
		if strings.HasPrefix(line, head) {
			return true
		}
	}
	return false
}

var (
	goroutineHead = regexp.MustCompile(`^goroutine \d+ .*\[.*\]:$`)
	goFrameArgs   = regexp.MustCompile(`\([^()]*\)$`)
	goFrameOffset = regexp.MustCompile(` \+0x[0-9a-f]+$`)
	goCreatedIn   = regexp.MustCompile(` in goroutine \d+$`)
)

// GoCrash reads such a report: its first line, and the user's frames of the
// goroutine that failed, in the form that a panic in a handler has.
func GoCrash(report string) (name, message, stack string) {
	head, rest, _ := strings.Cut(report, "\n\n")
	name = "panic"
	if first, _, _ := strings.Cut(head, ": "); first != name {
		name = "crash"
	}
	message = strings.TrimPrefix(head, "panic: ")
	if i := strings.Index(message, "\n[signal "); i >= 0 {
		message = message[:i]
	}
	return name, strings.TrimSpace(message), goCrashStack(rest)
}

// goCrashStack returns the frames of the first goroutine of a report.
func goCrashStack(text string) string {
	var b strings.Builder
	lines := strings.Split(text, "\n")
	i := 0
	for i < len(lines) && !goroutineHead.MatchString(lines[i]) {
		i++
	}
	for i++; i+1 < len(lines) && lines[i] != ""; i++ {
		place, isPlace := strings.CutPrefix(lines[i+1], "\t")
		if !isPlace {
			continue // "...additional frames elided..."
		}
		function := goFrameArgs.ReplaceAllString(lines[i], "")
		if created, ok := strings.CutPrefix(function, "created by "); ok {
			function = "created by " + goCreatedIn.ReplaceAllString(created, "")
		}
		if !isOwnGoFrame(strings.TrimPrefix(function, "created by "), place) {
			b.WriteString(function + "\n\t" + goFrameOffset.ReplaceAllString(place, "") + "\n")
		}
		i++
	}
	return b.String()
}

// isOwnGoFrame says whether a frame is the Go runtime's or brink's.
func isOwnGoFrame(function, place string) bool {
	return function == "panic" || strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "runtime/") ||
		strings.HasPrefix(function, "internal/") || strings.HasPrefix(function, goStd+"/") || strings.Contains(place, goWorkerDir)
}
