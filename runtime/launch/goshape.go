package launch

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"brink/runtime/wire"
)

// The shapes that the worker's main calls.
const (
	handlerShape  = "func Handler(w http.ResponseWriter, r *http.Request)"
	shutdownShape = "func Shutdown(ctx context.Context)"
)

// goShape is what has to be known of a Go function to write its main.
type goShape struct {
	dir      string
	pkg      string // the package's name
	shutdown bool   // Shutdown is declared
	// emptyMain is the file that declares `func main() {}`, which the worker's
	// main replaces, and the offset of the name in it; "" when there is none.
	emptyMain   string
	emptyMainAt int
}

func (s goShape) isMain() bool { return s.pkg == "main" }

// goPackage is the parsed package of a function.
type goPackage struct {
	dir   string
	fset  *token.FileSet
	files []*ast.File
}

// readShape parses the Go files of dir that belong to a build on this system
// and checks the function's shape. What the user has to change is a *Fault;
// types are checked by the names they are written with, the rest is the
// compiler's.
func readShape(dir string) (goShape, error) {
	pkg, err := parseGo(dir)
	if err != nil {
		return goShape{}, err
	}
	shape := goShape{dir: dir, pkg: pkg.files[0].Name.Name}
	for _, f := range pkg.files {
		if f.Name.Name != shape.pkg {
			return goShape{}, pkg.fault(f.Name, "this file is package %s, and %s is package %s: a function is one package",
				f.Name.Name, pkg.place(pkg.files[0].Name), shape.pkg)
		}
	}
	handler, in := pkg.function("Handler")
	if handler == nil {
		return goShape{}, pkg.noHandler()
	}
	if !pkg.takes(handler, in, "net/http.ResponseWriter", "*net/http.Request") {
		return goShape{}, pkg.fault(handler.Name, "Handler has another signature.\nA Go function declares: %s", handlerShape)
	}
	if f, in := pkg.function("Shutdown"); f != nil {
		if !pkg.takes(f, in, "context.Context") {
			return goShape{}, pkg.fault(f.Name, "Shutdown has another signature.\nBrink calls it before the worker ends, so it has to be: %s", shutdownShape)
		}
		shape.shutdown = true
	}
	if shape.isMain() {
		return shape, pkg.checkMain(&shape)
	}
	return shape, nil
}

// parseGo reads the package in dir.
func parseGo(dir string) (*goPackage, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the function: %w", err)
	}
	pkg := &goPackage{dir: dir, fset: token.NewFileSet()}
	var tests, excluded []string
	for _, e := range entries {
		name := e.Name()
		switch match, err := build.Default.MatchFile(dir, name); {
		case filepath.Ext(name) != ".go" || e.IsDir() || errors.Is(err, fs.ErrNotExist):
		case strings.HasSuffix(name, "_test.go"):
			tests = append(tests, name)
		case err == nil && !match:
			excluded = append(excluded, name)
		default:
			f, err := parser.ParseFile(pkg.fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return nil, syntaxFault(dir, err)
			}
			pkg.files = append(pkg.files, f)
		}
	}
	if len(pkg.files) > 0 {
		return pkg, nil
	}
	why := "no Go file"
	switch {
	case len(tests) > 0:
		why = "only test files (" + strings.Join(tests, ", ") + ")"
	case len(excluded) > 0:
		why = "only files that build constraints exclude here (" + strings.Join(excluded, ", ") + ")"
	}
	return nil, shapeFault("%s: there is %s.\nA Go function declares, in a file like main.go: %s", filepath.Base(dir), why, handlerShape)
}

// function returns the top-level func of that name and the file it is in.
func (p *goPackage) function(name string) (*ast.FuncDecl, *ast.File) {
	for _, f := range p.files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == name {
				return fn, f
			}
		}
	}
	return nil, nil
}

// noHandler names what comes nearest to a Handler.
func (p *goPackage) noHandler() error {
	near := map[ast.Node]string{}
	var nodes []ast.Node
	add := func(n ast.Node, what string) { near[n] = what; nodes = append(nodes, n) }
	for _, f := range p.files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				switch {
				case d.Name.Name == "Handler":
					add(d.Name, "Handler is a method, not a func of the package")
				case strings.EqualFold(d.Name.Name, "handler") && d.Recv == nil:
					add(d.Name, fmt.Sprintf("the func is called %s, not Handler", d.Name.Name))
				}
			case *ast.GenDecl:
				for _, name := range declared(d) {
					if name.Name == "Handler" {
						add(name, fmt.Sprintf("Handler is a %s, not a func", d.Tok))
					}
				}
			}
		}
	}
	if len(nodes) == 0 {
		return p.fault(p.files[0].Name, "package %s declares no Handler.\nA Go function declares: %s", p.files[0].Name.Name, handlerShape)
	}
	return p.fault(nodes[0], "%s.\nA Go function declares: %s", near[nodes[0]], handlerShape)
}

func declared(d *ast.GenDecl) []*ast.Ident {
	var names []*ast.Ident
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			names = append(names, s.Names...)
		case *ast.TypeSpec:
			names = append(names, s.Name)
		}
	}
	return names
}

// checkMain allows package main without a main and with an empty one.
func (p *goPackage) checkMain(shape *goShape) error {
	fn, f := p.function("main")
	if fn == nil {
		return nil
	}
	if fn.Body == nil || len(fn.Body.List) > 0 {
		return p.fault(fn.Name, "main does something, and in a Go function brink's own main runs instead.\n"+
			"Leave main empty or out, and put the work into Handler, init or a variable: %s", handlerShape)
	}
	shape.emptyMain = p.fset.File(f.Pos()).Name()
	shape.emptyMainAt = p.fset.PositionFor(fn.Name.Pos(), false).Offset
	return nil
}

// takes says whether fn's parameters have these types, written "import/path.Name"
// with a * for a pointer, and nothing comes back. An alias of the package's own
// is let through: only the compiler knows what it stands for.
func (p *goPackage) takes(fn *ast.FuncDecl, in *ast.File, types ...string) bool {
	if fn.Type.Results.NumFields() > 0 || fn.Type.TypeParams.NumFields() > 0 || fn.Type.Params.NumFields() != len(types) {
		return false
	}
	var got []ast.Expr
	for _, field := range fn.Type.Params.List {
		got = append(got, slices.Repeat([]ast.Expr{field.Type}, max(len(field.Names), 1))...)
	}
	for i, want := range types {
		if !p.is(got[i], in, want) {
			return false
		}
	}
	return true
}

func (p *goPackage) is(e ast.Expr, in *ast.File, want string) bool {
	if name, ok := e.(*ast.Ident); ok && p.isAlias(name.Name) {
		return true
	}
	if star, ok := e.(*ast.StarExpr); ok {
		inner, pointer := strings.CutPrefix(want, "*")
		return pointer && p.is(star.X, in, inner)
	}
	dot := strings.LastIndexByte(want, '.')
	from, name := want[:dot], want[dot+1:]
	switch e := e.(type) {
	case *ast.SelectorExpr:
		qualifier, ok := e.X.(*ast.Ident)
		return ok && e.Sel.Name == name && imported(in, from) == qualifier.Name
	case *ast.Ident:
		return e.Name == name && imported(in, from) == "."
	}
	return false
}

func (p *goPackage) isAlias(name string) bool {
	for _, f := range p.files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok && s.Name.Name == name && s.Assign.IsValid() {
					return true
				}
			}
		}
	}
	return false
}

// imported returns the name under which f imports a package of the standard
// library, or "".
func imported(f *ast.File, path string) string {
	for _, i := range f.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err != nil || p != path {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return ""
}

func (p *goPackage) place(n ast.Node) string {
	at := p.fset.PositionFor(n.Pos(), false)
	return fmt.Sprintf("%s:%d:%d", filepath.Base(at.Filename), at.Line, at.Column)
}

func (p *goPackage) fault(n ast.Node, format string, args ...any) *Fault {
	at := p.fset.PositionFor(n.Pos(), false)
	text := fmt.Sprintf(format, args...)
	head, rest, _ := strings.Cut(text, "\n")
	message := p.place(n) + ": " + head + "\n" + goCodeFrame(at.Filename, at.Line, at.Column) + rest
	return shapeFault("%s", strings.TrimSuffix(message, "\n"))
}

func shapeFault(format string, args ...any) *Fault {
	return &Fault{Phase: wire.PhaseLoad, Name: "FunctionError", Message: fmt.Sprintf(format, args...)}
}

// syntaxFault shows the first of what the parser found, as the compiler would.
func syntaxFault(dir string, err error) error {
	list := scanner.ErrorList{}
	if !errors.As(err, &list) {
		return shapeFault("cannot read the function: %v", err)
	}
	list.RemoveMultiples()
	var b strings.Builder
	for _, e := range list[:min(len(list), maxCompileErrors)] {
		writeCompileError(&b, dir, e.Pos.Filename, e.Pos.Line, e.Pos.Column, "syntax error: "+e.Msg)
	}
	return &Fault{Phase: wire.PhaseLoad, Name: "SyntaxError", Message: strings.TrimRight(b.String(), "\n")}
}
