package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"brink/runtime/launch"

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
	functions := filepath.Join(project.Dir, "functions")
	dir := filepath.Join(functions, opts.Name)
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("cannot create %s: %s exists; remove it or take another name", opts.Name, dir)
	}
	if opts.Lang == "go" {
		_, err = launch.WriteGoFunction(functions, opts.Name)
	} else {
		err = writeTypeScript(dir)
	}
	if err != nil {
		return fmt.Errorf("cannot create %s: %w", opts.Name, err)
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

// writeTypeScript writes a function that greets by name.
func writeTypeScript(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"index.ts": typescriptSource, "deno.json": "{\n  \"imports\": {}\n}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const typescriptSource = `Deno.serve(async (req) => {
  const { name = "world" } = await req.json().catch(() => ({}));
  return Response.json({ message: ` + "`Hello, ${name}!`" + ` });
});
`
