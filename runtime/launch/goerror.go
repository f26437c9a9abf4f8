package launch

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"brink/runtime/wire"
)

// maxCompileErrors is how many errors a fault shows, as many as the compiler
// reports for a package.
const maxCompileErrors = 10

// compileError matches a line of the compiler's: file:line:col: message.
var compileError = regexp.MustCompile(`^(.+?\.(?:go|s|c|h|mod|sum|work)):(\d+)(?::(\d+))?: (.*)$`)

// buildFault turns what the go command printed, run in dir, into a fault whose
// places are relative to dir and come with their lines of code.
func buildFault(dir, output string) *Fault {
	var b strings.Builder
	shown := 0
	// The advice belongs on the line of the error, above its code.
	output = strings.ReplaceAll(output, "; to add it:\n\t", "; to add it: ")
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		m := compileError.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "# "), line == "":
		case m != nil && strings.Contains(m[1], goWorkerDir):
			// Brink's own main; only an alias gets past readShape.
			fmt.Fprintf(&b, "Handler or Shutdown has another signature: %s\nA Go function declares: %s\n", m[4], handlerShape)
		case m != nil && shown < maxCompileErrors:
			shown++
			at, _ := strconv.Atoi(m[2])
			column, _ := strconv.Atoi(m[3])
			file := m[1]
			if !filepath.IsAbs(file) {
				file = filepath.Join(dir, file)
			}
			writeCompileError(&b, dir, file, at, column, m[4])
		case m == nil:
			b.WriteString(line + "\n")
		}
	}
	return &Fault{Phase: wire.PhaseLoad, Name: "BuildError", Message: strings.TrimRight(b.String(), "\n")}
}

func writeCompileError(b *strings.Builder, dir, file string, line, column int, message string) {
	shown := file
	if rel, err := filepath.Rel(dir, file); err == nil && len(rel) < len(file) {
		shown = rel
	}
	fmt.Fprintf(b, "%s:%d", shown, line)
	if column > 0 {
		fmt.Fprintf(b, ":%d", column)
	}
	fmt.Fprintf(b, ": %s\n%s", message, goCodeFrame(file, line, column))
}

// goCodeFrame returns the line with its neighbours and a mark below the column
// (1-based, in bytes; 0 when it is not known), each ending in a newline, or ""
// when the file cannot be read.
func goCodeFrame(file string, line, column int) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	var b strings.Builder
	width := len(strconv.Itoa(line + 1))
	in := bufio.NewScanner(f)
	for n := 1; n <= line+1 && in.Scan(); n++ {
		if n < line-1 {
			continue
		}
		mark := " "
		if n == line {
			mark = ">"
		}
		fmt.Fprintf(&b, "%s %*d | %s\n", mark, width, n, in.Text())
		if n == line && column > 0 {
			fmt.Fprintf(&b, "  %*s | %s^\n", width, "", padding(in.Text(), column-1))
		}
	}
	return b.String()
}

// padding is blank and as wide as the first n bytes of line; tabs stay tabs.
func padding(line string, n int) string {
	if n > len(line) {
		n = len(line)
	}
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, line[:n])
}
