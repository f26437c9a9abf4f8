package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"brink/runtime/config"
)

// NewOptions are the arguments of `brink functions new`.
type NewOptions struct {
	Project config.Options
	Name    string
	Lang    string // ts or go
}

const newExamples = `Examples:
  brink functions new hello
  brink functions new chat --lang go`

func newCommand(h handlers, o *IO) *cli.Command {
	const path = "brink functions new"
	return &cli.Command{
		Name: "new", ArgsUsage: "name", Usage: "Write a new function.", Description: newExamples,
		Flags: append([]cli.Flag{stringFlag("", "lang", "`L`ts (default) or go")}, projectFlags()...),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef(path, "%s takes one name, but got %d", path, c.NArg())
			}
			if err := oneOf(path, c, "lang", []string{"ts", "go"}); err != nil {
				return err
			}
			opts := NewOptions{Project: projectOptions(c, o), Name: c.Args().First(), Lang: c.String("lang")}
			if opts.Lang == "" {
				opts.Lang = "ts"
			}
			if !functionName.MatchString(opts.Name) {
				return usagef(path, "%q cannot be a function's name: it begins with a letter and goes on with letters, digits, _ and -", opts.Name)
			}
			return h.create(c.Context, opts, o)
		},
	}
}

// functionName is the Supabase CLI's rule for names.
var functionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// create writes the files of a new function into a folder that must not exist.
func create(_ context.Context, opts NewOptions, o *IO) error {
	project, err := findProject(opts.Project, o)
	if err != nil {
		return err
	}
	dir := filepath.Join(project.Dir, "functions", opts.Name)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("cannot create %s: %w", opts.Name, err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("cannot create %s: %s exists; remove it or take another name", opts.Name, dir)
		}
		return fmt.Errorf("cannot create %s: %w", opts.Name, err)
	}
	files := typescriptFiles()
	if opts.Lang == "go" {
		files = goFiles(opts.Name)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), 0o644); err != nil {
			return fmt.Errorf("cannot create %s: %w", opts.Name, err)
		}
	}
	shown := dir
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, dir); err == nil && !strings.HasPrefix(rel, "..") {
			shown = rel
		}
	}
	fmt.Fprintf(o.Stdout, "Created %s. Try it:\n\n  brink functions serve --no-verify-jwt %s\n", shown, opts.Name)
	fmt.Fprintf(o.Stdout, "  curl -d '{\"name\":\"you\"}' http://127.0.0.1:54321/functions/v1/%s\n", opts.Name)
	return nil
}

type newFile struct{ name, text string }

func typescriptFiles() []newFile {
	return []newFile{
		{"index.ts", typescriptSource},
		{"deno.json", "{\n  \"imports\": {}\n}\n"},
	}
}

const typescriptSource = `Deno.serve(async (req) => {
  const { name = "world" } = await req.json().catch(() => ({}));
  return Response.json({ message: ` + "`Hello, ${name}!`" + ` });
});
`

func goFiles(name string) []newFile {
	pkg := packageName(name)
	return []newFile{
		{"go.mod", "module " + pkg + "\n\ngo 1.24\n"},
		{pkg + ".go", strings.ReplaceAll(goSource, "PACKAGE", pkg)},
		{pkg + "_test.go", strings.ReplaceAll(goTestSource, "PACKAGE", pkg)},
	}
}

// packageName makes a Go package's name of a function's. A file that ended in
// _test or in the name of a system would mean something else to the go tool,
// so nothing but letters and digits stays.
func packageName(function string) string {
	name := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(function))
	if goWords[name] {
		return name + "func"
	}
	return name
}

// goWords cannot name a package: Go's keywords, main, and what Go's own
// packages in the source below are called.
var goWords = map[string]bool{
	"break": true, "case": true, "chan": true, "const": true, "continue": true, "default": true, "defer": true,
	"else": true, "fallthrough": true, "for": true, "func": true, "go": true, "goto": true, "if": true,
	"import": true, "interface": true, "map": true, "package": true, "range": true, "return": true,
	"select": true, "struct": true, "switch": true, "type": true, "var": true, "main": true, "init": true,
	"http": true, "json": true, "testing": true, "httptest": true, "strings": true, "vendor": true, "internal": true,
}

const goSource = `// Package PACKAGE is an Edge Function written in Go.
package PACKAGE

import (
	"encoding/json"
	"net/http"
)

// Handler answers every request to this function.
func Handler(w http.ResponseWriter, r *http.Request) {
	request := struct{ Name string }{Name: "world"}
	_ = json.NewDecoder(r.Body).Decode(&request) // no body, or another one: greet the world
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"message": "Hello, " + request.Name + "!"})
}
`

const goTestSource = `package PACKAGE

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandlerGreetsByName(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(w, httptest.NewRequest("POST", "/", strings.NewReader(` + "`{\"name\":\"Ada\"}`" + `)))
	if got, want := strings.TrimSpace(w.Body.String()), ` + "`{\"message\":\"Hello, Ada!\"}`" + `; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
`
