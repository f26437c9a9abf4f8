package launch

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed gonew/*.tmpl
var goTemplates embed.FS

// goNewFiles are what a new Go function consists of.
var goNewFiles = []string{"main.go", "main_test.go", "go.mod"}

// WriteGoFunction makes a folder name in dir, the project's functions folder,
// with a Go function that answers JSON, its go.mod and a test. It returns the
// paths of the files. A folder that has anything in it is left as it is, which
// is an error that wraps fs.ErrExist.
func WriteGoFunction(dir, name string) ([]string, error) {
	folder := filepath.Join(dir, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the function: %w", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot make the function: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("cannot make the function: %q is not empty: %w", folder, fs.ErrExist)
	}
	templates, err := template.ParseFS(goTemplates, "gonew/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("cannot read the templates: %w", err)
	}
	var written []string
	for _, file := range goNewFiles {
		var text bytes.Buffer
		if err := templates.ExecuteTemplate(&text, file+".tmpl", map[string]string{"Name": name, "Package": goPackageName(name)}); err != nil {
			return written, fmt.Errorf("cannot fill in %s: %w", file, err)
		}
		path := filepath.Join(folder, file)
		if err := writeNew(path, text.Bytes()); err != nil {
			return written, err
		}
		written = append(written, path)
	}
	return written, nil
}

func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("cannot make the function: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot make the function: %w", err)
	}
	return nil
}

// goPackageName is a function's name as Go likes packages to be called.
func goPackageName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	if name == "main" || !token.IsIdentifier(name) {
		return "fn" + name
	}
	return name
}
