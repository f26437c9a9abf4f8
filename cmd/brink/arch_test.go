package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows point down: a package may import what it points at, and what those
// point at in turn. What is not here may import none of ours. cmd/brink may
// import all.
var arrows = map[string][]string{
	"brink/runtime/gateway":    {"brink/runtime/supervisor", "brink/runtime/auth", "brink/policy"},
	"brink/runtime/supervisor": {"brink/runtime/worker", "brink/policy"},
	"brink/runtime/launch":     {"brink/runtime/worker", "brink/runtime/wire", "brink/runtime/config", "brink/runtime/engine"},
	"brink/runtime/worker":     {"brink/runtime/wire", "brink/policy"},
	"brink/runtime/config":     {"brink/policy"},
	// What launch compiles into Go functions: it is the worker's side.
	"brink/runtime/launch/goworker/serve": {"brink/runtime/launch/goworker/gate", "brink/runtime/wire"},
}

// mayImport follows the arrows.
func mayImport(from, to string) bool {
	return from == "brink/cmd/brink" || slices.ContainsFunc(arrows[from], func(next string) bool {
		return next == to || mayImport(next, to)
	})
}

// packageDirs is the layout: a package elsewhere needs a decision.
var packageDirs = []string{
	"brink/cmd/brink", "brink/policy", "brink/runtime", "brink/runtime/config", "brink/runtime/wire", "brink/runtime/engine",
	"brink/runtime/launch", "brink/runtime/worker", "brink/runtime/supervisor", "brink/runtime/gateway", "brink/runtime/auth", "brink/runtime/watch",
	"brink/runtime/launch/goworker/gate", "brink/runtime/launch/goworker/serve",
}

// vagueNames say nothing about what a package owns.
var vagueNames = []string{"util", "utils", "common", "types", "helpers", "helper", "misc", "internal", "pkg", "base", "shared", "manager"}

const (
	maxFileLines     = 450
	maxTestFileLines = 600
	maxFuncLines     = 80
)

// listedPackage is what the tests use of go list's answer.
type listedPackage struct {
	ImportPath, Name, Dir, Doc                     string
	GoFiles, IgnoredGoFiles, TestGoFiles, CgoFiles []string
	XTestGoFiles, Imports                          []string
}

// listPackages asks the go command for every package of this module, as built
// for one system.
func listPackages(t *testing.T, goos string) []listedPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Dir,Doc,GoFiles,IgnoredGoFiles,TestGoFiles,CgoFiles,XTestGoFiles,Imports", "./...")
	cmd.Dir = moduleRoot(t)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listedPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// requiredModules reads the modules of go.mod.
func requiredModules(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = moduleRoot(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, r := range mod.Require {
		paths = append(paths, r.Path)
	}
	return paths
}

// moduleOf returns the module that an import belongs to, or "".
func moduleOf(modules []string, path string) string {
	best := ""
	for _, m := range modules {
		if (path == m || strings.HasPrefix(path, m+"/")) && len(m) > len(best) {
			best = m
		}
	}
	return best
}

func isOurs(path string) bool { return path == "brink" || strings.HasPrefix(path, "brink/") }

// isStandard follows the go command: no dot in the first element.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && !isOurs(path)
}

func TestImportsFollowTheDesign(t *testing.T) {
	modules := requiredModules(t)
	for _, goos := range []string{"linux", "darwin", "windows"} {
		users := map[string][]string{}
		for _, p := range listPackages(t, goos) {
			for _, path := range p.Imports {
				if isOurs(path) && !mayImport(p.ImportPath, path) {
					t.Errorf("%s: %s must not import %s", goos, p.ImportPath, path)
				}
				if p.ImportPath == "brink/policy" && !isStandard(path) {
					t.Errorf("%s: policy must import the standard library only, not %s", goos, path)
				}
				if isOurs(path) || isStandard(path) {
					continue
				}
				module := moduleOf(modules, path)
				if module == "" {
					t.Errorf("%s: %s imports %s, of no module in go.mod", goos, p.ImportPath, path)
				} else if !slices.Contains(users[module], p.ImportPath) {
					users[module] = append(users[module], p.ImportPath)
				}
			}
		}
		for module, packages := range users {
			if len(packages) > 1 {
				t.Errorf("%s: %s is imported by %s: one package has to own it", goos, module, strings.Join(packages, " and "))
			}
		}
	}
}

// impure are standard packages that policy must not use: it is values in,
// values out.
var impure = []string{"context", "net", "net/http", "os", "os/exec", "os/signal", "sync", "sync/atomic", "log/slog", "log", "io", "syscall"}

func TestPolicyIsPure(t *testing.T) {
	for _, p := range listPackages(t, "linux") {
		if p.ImportPath != "brink/policy" {
			continue
		}
		for _, path := range p.Imports {
			if slices.Contains(impure, path) {
				t.Errorf("policy imports %s", path)
			}
		}
		for _, name := range p.GoFiles {
			file, _ := parseFile(t, filepath.Join(p.Dir, name))
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("policy/%s starts a goroutine", name)
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}, n.Sel.Name) {
						t.Errorf("policy/%s reads the clock: time.%s", name, n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestEveryPackageIsPlannedNamedAndDocumented(t *testing.T) {
	for _, p := range listPackages(t, "linux") {
		if !slices.Contains(packageDirs, p.ImportPath) {
			t.Errorf("%s is not in the layout; extend packageDirs if it is to be", p.ImportPath)
		}
		if slices.Contains(vagueNames, p.Name) || slices.Contains(vagueNames, filepath.Base(p.ImportPath)) {
			t.Errorf("%s: name a package after what it owns", p.ImportPath)
		}
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package doc", p.ImportPath)
		}
	}
	atRoot, err := filepath.Glob(filepath.Join(moduleRoot(t), "*.go"))
	if err != nil || len(atRoot) > 0 {
		t.Errorf("Go files at the root: %v %v", atRoot, err)
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	eachFile(t, func(t *testing.T, path string, file *ast.File, fset *gotoken.FileSet) {
		for _, name := range undocumented(file, fset) {
			t.Errorf("%s: %s has no doc comment", path, name)
		}
	})
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, p := range listPackages(t, "linux") {
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles) {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			limit := maxFileLines
			if strings.HasSuffix(name, "_test.go") {
				limit = maxTestFileLines
			}
			if n := bytes.Count(text, []byte("\n")); n > limit {
				t.Errorf("%s/%s has %d lines: at most %d", p.ImportPath, name, n, limit)
			}
		}
	}
	eachFile(t, func(t *testing.T, path string, file *ast.File, fset *gotoken.FileSet) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if n := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; n > maxFuncLines {
					t.Errorf("%s: %s has %d lines: at most %d", path, f.Name.Name, n, maxFuncLines)
				}
			}
		}
	})
}

// eachFile calls check for every file of ours that is no test, whatever system
// it is for.
func eachFile(t *testing.T, check func(*testing.T, string, *ast.File, *gotoken.FileSet)) {
	for _, p := range listPackages(t, "linux") {
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			path := filepath.Join(p.Dir, name)
			file, fset := parseFile(t, path)
			check(t, p.ImportPath+"/"+name, file, fset)
		}
	}
}

func parseFile(t *testing.T, path string) (*ast.File, *gotoken.FileSet) {
	t.Helper()
	fset := gotoken.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file, fset
}

// undocumented lists the exported names of a file without a doc comment. A
// comment over constants or variables counts for all of them up to a blank
// line; methods that only satisfy error or fmt.Stringer need none.
func undocumented(file *ast.File, fset *gotoken.FileSet) []string {
	var names []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			wellKnown := d.Recv != nil && slices.Contains([]string{"Error", "Unwrap", "String"}, d.Name.Name)
			if d.Doc == nil && d.Name.IsExported() && !wellKnown && hasExportedReceiver(d) {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			names = append(names, undocumentedSpecs(d, fset)...)
		}
	}
	return names
}

func undocumentedSpecs(d *ast.GenDecl, fset *gotoken.FileSet) []string {
	var names []string
	lastCovered := -1 // the line on which the last documented value ended
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
				names = append(names, spec.Name.Name)
			}
		case *ast.ValueSpec:
			if d.Doc != nil || spec.Doc != nil || spec.Comment != nil || fset.Position(spec.Pos()).Line == lastCovered+1 {
				lastCovered = fset.Position(spec.End()).Line
				continue
			}
			for _, n := range spec.Names {
				if n.IsExported() {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}

// hasExportedReceiver is true of functions, and of methods that a user of the
// package can call.
func hasExportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return r.IsExported()
		default:
			panic(fmt.Sprintf("a receiver of type %T", r))
		}
	}
}

func TestUndocumentedFindsWhatHasNoComment(t *testing.T) {
	const source = `package x

type A struct{}
// B is documented.
type B struct{}
func (A) M() {}
func (a) N() {}
func F() {}
const C, d = 1, 2
// Group.
const (
	E = 1
)
var (
	G = 1 // documented

	H = 2
	// I and J are documented.
	I = 3
	J = 4
)
`
	fset := gotoken.NewFileSet()
	file, err := parser.ParseFile(fset, "x.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := undocumented(file, fset), []string{"A", "M", "F", "C", "H"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
