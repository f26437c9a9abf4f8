package launch

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"brink/runtime/wire"
)

func TestGoShapesThatAreAccepted(t *testing.T) {
	for name, text := range map[string]string{
		"any package":      "package x\nimport \"net/http\"\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\n",
		"renamed import":   "package x\nimport web \"net/http\"\nfunc Handler(web.ResponseWriter, *web.Request) {}\n",
		"dot import":       "package x\nimport . \"net/http\"\nfunc Handler(w ResponseWriter, r *Request) {}\n",
		"package main":     "package main\nimport \"net/http\"\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\n",
		"empty main":       "package main\nimport \"net/http\"\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\nfunc main() {\n\t// brink's runs\n}\n",
		"main elsewhere":   "package x\nimport \"net/http\"\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\nfunc main() { println() }\n",
		"alias":            "package x\nimport \"net/http\"\ntype W = http.ResponseWriter\nfunc Handler(w W, r *http.Request) {}\n",
		"with a Shutdown":  "package x\nimport (\"net/http\"; \"context\")\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\nfunc Shutdown(context.Context) {}\n",
		"Shutdown method":  "package x\nimport \"net/http\"\ntype s int\nfunc (s) Shutdown() {}\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\n",
		"excluded sibling": "package x\nimport \"net/http\"\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\n",
	} {
		dir := writeTree(t, map[string]string{"fn.go": text, "tool.go": "//go:build ignore\n\npackage main\n\nfunc main() { println() }\n", "fn_test.go": "package x_test\n"})
		if _, err := readShape(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGoShapesThatAreRefusedNameThePlaceAndTheShape(t *testing.T) {
	const imports = "package x\n\nimport \"net/http\"\n\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"nothing":       {map[string]string{"readme.md": ""}, []string{"there is no Go file", handlerShape}},
		"tests only":    {map[string]string{"a_test.go": "package x\n"}, []string{"only test files (a_test.go)", handlerShape}},
		"excluded only": {map[string]string{"a.go": "//go:build ignore\n\npackage x\n"}, []string{"build constraints exclude here (a.go)"}},
		"no Handler":    {map[string]string{"a.go": "package x\n"}, []string{"a.go:1:9: package x declares no Handler", "> 1 | package x", handlerShape}},
		"lower case":    {map[string]string{"a.go": imports + "func handler(w http.ResponseWriter, r *http.Request) {}\n"}, []string{"a.go:5:6: the func is called handler, not Handler"}},
		"method":        {map[string]string{"a.go": imports + "type T int\n\nfunc (T) Handler(w http.ResponseWriter, r *http.Request) {}\n"}, []string{"a.go:7:10: Handler is a method"}},
		"variable":      {map[string]string{"a.go": imports + "var Handler http.Handler\n"}, []string{"a.go:5:5: Handler is a var, not a func"}},
		"type":          {map[string]string{"a.go": imports + "type Handler struct{ http.Handler }\n"}, []string{"a.go:5:6: Handler is a type, not a func"}},
		"one parameter": {map[string]string{"a.go": imports + "func Handler(r *http.Request) {}\n"}, []string{"a.go:5:6: Handler has another signature.", "> 5 | func Handler", "    |      ^", handlerShape}},
		"a result":      {map[string]string{"a.go": imports + "func Handler(w http.ResponseWriter, r *http.Request) error { return nil }\n"}, []string{"a.go:5:6: Handler has another signature"}},
		"no pointer":    {map[string]string{"a.go": imports + "func Handler(w http.ResponseWriter, r http.Request) {}\n"}, []string{"a.go:5:6"}},
		"type params":   {map[string]string{"a.go": imports + "func Handler[T any](w http.ResponseWriter, r *http.Request) {}\n"}, []string{"a.go:5:6"}},
		"other package": {map[string]string{"a.go": "package x\n\nimport \"example.com/http\"\n\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\n"}, []string{"a.go:5:6"}},
		"busy main":     {map[string]string{"a.go": "package main\n\nimport \"net/http\"\n\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\n\nfunc main() { http.ListenAndServe(\":80\", nil) }\n"}, []string{"a.go:7:6: main does something", handlerShape}},
		"two packages":  {map[string]string{"a.go": "package x\n", "b.go": "package y\n"}, []string{"b.go:1:9: this file is package y, and a.go:1:9 is package x"}},
		"bad Shutdown":  {map[string]string{"a.go": imports + "func Handler(w http.ResponseWriter, r *http.Request) {}\n\nfunc Shutdown() {}\n"}, []string{"a.go:7:6: Shutdown has another signature", shutdownShape}},
		"syntax error":  {map[string]string{"a.go": "package x\n\nfunc Handler(\n"}, []string{"a.go:3:15: syntax error: expected ')'", "> 3 | func Handler("}},
	} {
		_, err := readShape(writeTree(t, test.files))
		fault, ok := errors.AsType[*Fault](err)
		if !ok || fault.Phase != wire.PhaseLoad {
			t.Errorf("%s: %v, want a fault of phase load", name, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(fault.Message, want) {
				t.Errorf("%s: message is\n%s\nwithout %q", name, fault.Message, want)
			}
		}
	}
}

func TestGoFaultsSayWhatToDo(t *testing.T) {
	const imports = "package x\n\nimport \"net/http\"\n\n"
	for name, test := range map[string]struct {
		text string
		want string
	}{
		"type error": {
			imports + "func Handler(w http.ResponseWriter, r *http.Request) {\n\tundefinedFunc()\n}\n",
			"main.go:6:2: undefined: undefinedFunc\n  5 | func Handler(w http.ResponseWriter, r *http.Request) {\n> 6 | \tundefinedFunc()\n    | \t^\n  7 | }",
		},
		"alias of another type": {
			"package x\n\nimport \"net/http\"\n\ntype W = http.Request\n\nfunc Handler(w W, r *http.Request) {}\n",
			"A Go function declares: " + handlerShape,
		},
		"missing module": {
			"package x\n\nimport (\n\t\"net/http\"\n\n\t_ \"example.com/missing\"\n)\n\nfunc Handler(w http.ResponseWriter, r *http.Request) {}\n",
			"has no go.mod, so it builds with the standard library alone: run `go mod init",
		},
	} {
		dir := writeTree(t, map[string]string{"main.go": test.text})
		err := NewGo(GoOptions{CacheDir: t.TempDir()}).Prepare(t.Context(), goFunction(dir), func(string) {})
		fault, ok := errors.AsType[*Fault](err)
		if !ok || !strings.Contains(fault.Message, test.want) || strings.Contains(fault.Message, goWorkerDir) {
			t.Errorf("%s: got\n%v\nwant\n%s", name, err, test.want)
		}
	}
}

func TestWithoutGoTheFaultSaysWhatToInstall(t *testing.T) {
	dir := writeTree(t, map[string]string{"main.go": helloGo})
	for name, o := range map[string]GoOptions{
		"not on PATH":  {Environ: []string{"PATH=" + t.TempDir()}},
		"not there":    {GoTool: filepath.Join(t.TempDir(), "go")},
		"no PATH":      {Environ: []string{}},
		"relative dir": {Environ: []string{"PATH=.:bin"}},
	} {
		o.CacheDir = t.TempDir()
		err := NewGo(o).Prepare(t.Context(), goFunction(dir), func(string) {})
		fault, ok := errors.AsType[*Fault](err)
		if !ok || fault.Name != "GoNotFound" || !strings.Contains(fault.Message, "Install Go 1.24 or later") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOldToolchainsAreRefused(t *testing.T) {
	for v, old := range map[string]bool{
		"go1.23.9": true, "go1.9": true, "go1.24": false, "go1.24rc1": false, "go1.26.1": false,
		"devel go1.27-abcdef": false, "go1.24.3-fips": false, "go1.23.1 X:nocoverage": true, "strange": false,
	} {
		if got := tooOld(v); got != old {
			t.Errorf("tooOld(%q) = %v", v, got)
		}
	}
}
