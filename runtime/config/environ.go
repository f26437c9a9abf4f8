package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/joho/godotenv"
)

// variable is one environment variable and the .env file it came from; file is
// "" for the environment of the process.
type variable struct {
	value string
	file  string
}

// environment is what env(X) and the SUPABASE_ and BRINK_ overrides see: the
// process's variables, and behind them the project's .env files.
type environment map[string]variable

// newEnvironment reads "NAME=value" entries.
func newEnvironment(environ []string) environment {
	env := environment{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			env[name] = variable{value: value}
		}
	}
	return env
}

// add defines the variables of a file that are not defined yet.
func (e environment) add(file string, values map[string]string) {
	for name, value := range values {
		if _, ok := e[name]; !ok {
			e[name] = variable{value: value, file: file}
		}
	}
}

// get returns a variable that is set and not empty; an empty one counts as
// unset, as in both generations of the Supabase CLI.
func (e environment) get(name string) (variable, bool) {
	v, ok := e[name]
	return v, ok && v.value != ""
}

var envCall = regexp.MustCompile(`^env\((.*)\)$`)

// expand replaces "env(X)" by the variable's value. When X is not set, s stays
// as it is and unset names X.
func (e environment) expand(s string) (value, unset string) {
	m := envCall.FindStringSubmatch(s)
	if m == nil {
		return s, ""
	}
	if v, ok := e.get(m[1]); ok {
		return v.value, ""
	}
	return s, m[1]
}

// dotenvFiles lists the .env files of a project, the strongest first: the
// folder of config.toml, then its parents up to the root of the project.
func dotenvFiles(dir, root, name string) []string {
	names := []string{".env." + name + ".local", ".env.local", ".env." + name, ".env"}
	if name == "test" {
		names = []string{".env.test.local", ".env.test", ".env"}
	}
	var files []string
	for {
		for _, n := range names {
			files = append(files, filepath.Join(dir, n))
		}
		parent := filepath.Dir(dir)
		if dir == root || parent == dir || relative(root, parent) == parent {
			return files
		}
		dir = parent
	}
}

// readDotenv reads an env file. A missing one has no variables and no fault. A
// fault never repeats what the file holds.
func readDotenv(path string) (map[string]string, *Fault) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			return nil, nil // a Python environment may be a folder named .env
		}
		return nil, &Fault{File: path, Message: "cannot read it: " + bare(err)}
	}
	content := strings.TrimPrefix(string(text), "\ufeff")
	values, err := godotenv.Unmarshal(content)
	if err != nil {
		return nil, &Fault{File: path, Line: brokenLine(content), Message: fmt.Sprintf(
			"failed to parse environment file: %s (%s); allowed are lines of NAME=value", filepath.Base(path), dotenvCause(err))}
	}
	return values, nil
}

var unexpectedCharacter = regexp.MustCompile(`^unexpected character "((?:\\.|[^"\\])+)" in variable name`)

// dotenvCause rewrites an error of godotenv, which quotes the file's content.
func dotenvCause(err error) string {
	if m := unexpectedCharacter.FindStringSubmatch(err.Error()); m != nil {
		return "unexpected character '" + m[1] + "' in variable name"
	}
	if strings.HasPrefix(err.Error(), "unterminated quoted value") {
		return "unterminated quoted value"
	}
	return "syntax error"
}

// brokenLine finds the line at which an env file stops being valid: the one
// after the longest run of lines that parses.
func brokenLine(content string) int {
	lines := strings.SplitAfter(content, "\n")
	for n := len(lines) - 1; n > 0; n-- {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:n], "")); err == nil {
			// Blank lines and comments in between are not to blame.
			for n < len(lines)-1 && isBlankLine(lines[n]) {
				n++
			}
			return n + 1
		}
	}
	return 1
}

func isBlankLine(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#")
}
