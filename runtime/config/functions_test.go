package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brink/runtime/config"
)

func sameEnv(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDiscoveryFindsEachKindOfFunction(t *testing.T) {
	f := files{
		"supabase/config.toml": "", "supabase/functions/README.md": "",
		"supabase/functions/a-ts/index.ts": "", "supabase/functions/a-ts/index.js": "", "supabase/functions/a-ts/main.go": "",
		"supabase/functions/b_tsx/index.tsx": "", "supabase/functions/C-js/index.js": "", "supabase/functions/C-js/index.mjs": "",
		"supabase/functions/d/index.mjs": "", "supabase/functions/e/index.jsx": "", "supabase/functions/f/index.cjs": "",
		"supabase/functions/go1/handler.go": "package x\nfunc Handler() {}", "supabase/functions/go2/only_test.go": "package x",
		"supabase/functions/html/index.html": "", "supabase/functions/deep/sub/index.ts": "", "supabase/functions/_shared/index.ts": "",
		"supabase/functions/.git/index.ts": "", "supabase/functions/dir/index.ts/x": "",
	}
	c := f.load(t, config.Options{})
	want := []string{"C-js/index.js", "a-ts/index.ts", "b_tsx/index.tsx", "d/index.mjs", "e/index.jsx", "f/index.cjs", "go1", "go2"}
	var got []string
	for _, fn := range c.Functions {
		rel, _ := filepath.Rel(c.FunctionsDir, fn.Entrypoint)
		got = append(got, filepath.ToSlash(rel))
		isGo := strings.HasPrefix(fn.Name, "go")
		if (fn.Language == config.Go) != isGo || fn.Dir != filepath.Join(c.FunctionsDir, fn.Name) {
			t.Errorf("%s is %v in %s", fn.Name, fn.Language, fn.Dir)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSymlinkedFunctionFoldersAreResolved(t *testing.T) {
	f := hello("").with(files{"elsewhere/real/index.ts": "", "elsewhere/real/.env": "A=1"})
	root := f.write(t)
	dir := filepath.Join(root, "supabase", "functions")
	for link, target := range map[string]string{"linked": "../../elsewhere/real", "broken": "../nowhere", "file": "hello/index.ts"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(config.Options{WorkDir: root})
	if err != nil {
		t.Fatal(err)
	}
	if names(c) != "hello linked" {
		t.Errorf("functions %s", names(c))
	}
	fn, real := function(t, c, "linked"), filepath.Join(root, "elsewhere", "real")
	if fn.Dir != real || fn.Entrypoint != filepath.Join(real, "index.ts") {
		t.Errorf("got %+v", fn)
	}
	sameEnv(t, fn.Env, map[string]string{"A": "1"})
}

func TestEntrypointsFromConfig(t *testing.T) {
	const base = "supabase/"
	f := files{
		base + "functions/hello/index.ts": "", base + "functions/hello/other.ts": "", base + "src/x.mjs": "", "outside/main.ts": "",
		base + "functions/g/main.go": "", base + "src/gofn/a.go": "", base + "src/jsfn/index.js": "", base + "functions/mixed/index.ts": "", base + "functions/mixed/m.go": "",
	}
	for name, tt := range map[string]struct {
		toml, function, entry string
		language              config.Language
	}{
		"same folder":        {"[functions.hello]\nentrypoint = \"./functions/hello/other.ts\"", "hello", base + "functions/hello/other.ts", config.JavaScript},
		"empty":              {"[functions.hello]\nentrypoint = \"\"", "hello", base + "functions/hello/index.ts", config.JavaScript},
		"config only":        {"[functions.new]\nentrypoint = \"src/x.mjs\"", "new", base + "src/x.mjs", config.JavaScript},
		"outside":            {"[functions.new]\nentrypoint = \"../outside/main.ts\"", "new", "outside/main.ts", config.JavaScript},
		"by variable":        {"[functions.new]\nentrypoint = \"env(ENTRY)\"", "new", base + "src/x.mjs", config.JavaScript},
		"go file":            {"[functions.new]\nentrypoint = \"./functions/g/main.go\"", "new", base + "functions/g", config.Go},
		"go folder":          {"[functions.new]\nentrypoint = \"./src/gofn\"", "new", base + "src/gofn", config.Go},
		"script folder":      {"[functions.new]\nentrypoint = \"./src/jsfn/\"", "new", base + "src/jsfn/index.js", config.JavaScript},
		"go beside index.ts": {"[functions.mixed]\nentrypoint = \"./functions/mixed/m.go\"", "mixed", base + "functions/mixed", config.Go},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.with(files{base + "config.toml": tt.toml}).load(t, config.Options{Environ: []string{"ENTRY=./src/x.mjs"}})
			fn := function(t, c, tt.function)
			if want := filepath.Join(c.Root, filepath.FromSlash(tt.entry)); fn.Entrypoint != want || fn.Language != tt.language {
				t.Errorf("got %s (%v), want %s", fn.Entrypoint, fn.Language, want)
			}
			if w := warnings(c); w != "" {
				t.Errorf("warnings: %s", w)
			}
		})
	}
}

func TestOrderIsFoldersThenConfigOnlyFunctions(t *testing.T) {
	c := hello("[functions.b]\nentrypoint = \"x.ts\"\n[functions.a]\nentrypoint = \"x.ts\"").
		with(files{"supabase/functions/z/index.ts": "", "supabase/x.ts": ""}).load(t, config.Options{})
	if names(c) != "hello z a b" {
		t.Errorf("got %s", names(c))
	}
	c = hello("").with(files{"supabase/functions/z/index.ts": "", "supabase/functions/y/index.ts": ""}).load(t, config.Options{Names: []string{"z", "hello"}})
	if names(c) != "hello z" {
		t.Errorf("got %s", names(c))
	}
	c = hello("").with(files{"supabase/brink.toml": "[functions.own]\nentrypoint = \"x.ts\"", "supabase/x.ts": ""}).load(t, config.Options{})
	if names(c) != "hello own" {
		t.Errorf("got %s", names(c))
	}
}

func TestImportMapPrecedence(t *testing.T) {
	const fn = "supabase/functions/hello/"
	all := files{
		"flag.json": "{}", "supabase/map.json": "// JSONC\n{\"imports\": {},}", fn + "deno.json": "{}", fn + "deno.jsonc": "{}",
		fn + "import_map.json": "{}", "supabase/functions/import_map.json": "{}", fn + "package.json": "{}",
	}
	without := func(names ...string) files {
		f := maps.Clone(all)
		for _, n := range names {
			delete(f, n)
		}
		return f
	}
	flag := config.Options{Flags: config.Flags{ImportMap: new("flag.json")}}
	const key = "[functions.hello]\nimport_map = \"./map.json\""
	for name, tt := range map[string]struct {
		toml            string
		f               files
		o               config.Options
		importMap, deno string
		packageJSON     bool
	}{
		"flag":        {toml: key, f: all, o: flag, importMap: "flag.json", deno: fn + "deno.json"},
		"key":         {toml: key, f: all, importMap: "supabase/map.json", deno: fn + "deno.json"},
		"key is own":  {toml: "[functions.hello]\nimport_map = \"./functions/hello/deno.json\"", f: all, deno: fn + "deno.json"},
		"deno.json":   {f: all, deno: fn + "deno.json"},
		"empty key":   {toml: "[functions.hello]\nimport_map = \"\"", f: all, deno: fn + "deno.json"},
		"deno.jsonc":  {f: without(fn + "deno.json"), deno: fn + "deno.jsonc"},
		"old":         {f: without(fn+"deno.json", fn+"deno.jsonc"), importMap: fn + "import_map.json"},
		"fallback":    {f: without(fn+"deno.json", fn+"deno.jsonc", fn+"import_map.json"), importMap: "supabase/functions/import_map.json"},
		"package":     {f: without(fn+"deno.json", fn+"deno.jsonc", fn+"import_map.json", "supabase/functions/import_map.json"), packageJSON: true},
		"none":        {f: files{}},
		"broken deno": {f: files{fn + "deno.json": "{"}, deno: fn + "deno.json"},
		"key follows": {toml: key, f: files{"supabase/map.json": `{"importMap":"./x/real.json"}`, "supabase/x/real.json": "{}"}, importMap: "supabase/x/real.json"},
		"one step":    {f: files{fn + "deno.json": `{"importMap":"../../map.json"}`, "supabase/map.json": "{}"}, deno: fn + "deno.json"},
		"two steps": {f: files{fn + "deno.json": `{"importMap":"../../map.json"}`, "supabase/map.json": `{"importMap":"last.json"}`, "supabase/last.json": "{}"},
			importMap: "supabase/last.json", deno: fn + "deno.json"},
		"circle":      {f: files{fn + "deno.json": `{"importMap":"./deno.json"}`}, deno: fn + "deno.json"},
		"imports win": {toml: key, f: files{"supabase/map.json": `{"importMap":"./x.json","imports":{}}`}, importMap: "supabase/map.json"},
	} {
		t.Run(name, func(t *testing.T) {
			c := hello(tt.toml).with(tt.f).load(t, tt.o)
			abs := func(path string) string {
				if path == "" {
					return ""
				}
				return filepath.Join(c.Root, filepath.FromSlash(path))
			}
			f := function(t, c, "hello")
			if f.ImportMap != abs(tt.importMap) || f.DenoConfig != abs(tt.deno) || f.UsePackageJSON != tt.packageJSON {
				t.Errorf("import map %q, deno %q, package.json %v", f.ImportMap, f.DenoConfig, f.UsePackageJSON)
			}
			if f.ImportMap != "" && !strings.HasPrefix(f.ImportMap, f.Dir) && !slices.Contains(f.Watch, f.ImportMap) {
				t.Errorf("%s is not watched: %q", f.ImportMap, f.Watch)
			}
		})
	}
}

func TestWatchNamesWhatLiesOutside(t *testing.T) {
	f := hello("").with(files{
		"deno.json": "{}", "go.mod": "module x", "supabase/map.json": "{}", "supabase/functions/hello/deno.json": `{"importMap":"../../map.json"}`,
		"supabase/functions/g/g.go": "package g",
	})
	c := f.load(t, config.Options{})
	for name, want := range map[string][]string{
		"hello": {"deno.json", "supabase/functions/.env", "supabase/map.json"},
		"g":     {"go.mod", "supabase/functions/.env"},
	} {
		var got []string
		for _, path := range function(t, c, name).Watch {
			rel, _ := filepath.Rel(c.Root, path)
			got = append(got, filepath.ToSlash(rel))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestFunctionEnvironmentIsMergedFromItsSources(t *testing.T) {
	f := hello(`
[edge_runtime.secrets]
secret = "s"
over = "s"
empty = ""
from = "env(HOST_VALUE)"
[functions.hello.env]
C = "env(HOST_VALUE)"
OWN = "env(HOST_VALUE)"
NOPE = "env(NOPE)"
SUPABASE_X = "env(HOST_VALUE)"
`).with(files{
		"supabase/functions/.env":       "OVER=f\nA=f\nB=f\nC=f\nEMPTY_LINE=\nMULTI=\"a\nb\"\n",
		"supabase/functions/hello/.env": "B=h\nC=h\n",
		"supabase/functions/b/index.ts": "",
		"supabase/brink.toml":           "[functions.hello.env]\nPLAIN = \"brink\"\n[edge_runtime.secrets]\nBRINK_ONE = \"1\"\n",
		"one.env":                       "A=1\nB=1\n", "two.env": "B=2\n",
	})
	host := []string{"HOST_VALUE=v", "PATH=/bin"}
	secrets := map[string]string{"SECRET": "s", "FROM": "v", "BRINK_ONE": "1"}
	merged := func(more map[string]string) map[string]string {
		out := maps.Clone(secrets)
		maps.Copy(out, more)
		return out
	}
	c := f.load(t, config.Options{Environ: host})
	sameEnv(t, function(t, c, "hello").Env, merged(map[string]string{"OVER": "f", "A": "f", "B": "h", "C": "v", "OWN": "v", "EMPTY_LINE": "", "MULTI": "a\nb", "PLAIN": "brink"}))
	sameEnv(t, function(t, c, "b").Env, merged(map[string]string{"OVER": "f", "A": "f", "B": "f", "C": "f", "EMPTY_LINE": "", "MULTI": "a\nb"}))
	c = f.load(t, config.Options{Environ: host, Flags: config.Flags{EnvFiles: []string{"one.env", "two.env"}}})
	sameEnv(t, function(t, c, "hello").Env, merged(map[string]string{"OVER": "s", "A": "1", "B": "2", "C": "v", "OWN": "v", "PLAIN": "brink"}))
}

func TestEnvFilesAreRelativeToTheCurrentFolder(t *testing.T) {
	root := hello("").with(files{"sub/my.env": "A=1"}).write(t)
	c, err := config.Load(config.Options{WorkDir: filepath.Join(root, "sub"), Flags: config.Flags{EnvFiles: []string{"my.env"}}})
	if err != nil {
		t.Fatal(err)
	}
	sameEnv(t, function(t, c, "hello").Env, map[string]string{"A": "1"})
	if !slices.Contains(c.Sources, filepath.Join(root, "sub", "my.env")) {
		t.Errorf("sources %q", c.Sources)
	}
}

func TestStaticPathsAreWhatThePatternsMatch(t *testing.T) {
	f := hello("[functions.hello]\nstatic_files = [\"./functions/hello/*.html\", \"../assets/**\", \"./nothing/*\"]").
		with(files{"supabase/functions/hello/a.html": "", "supabase/functions/hello/a.txt": "", "assets/x/y.bin": "", "assets/z": ""})
	root := filepath.Join(f.write(t))
	odd := filepath.Join(filepath.Dir(root), filepath.Base(root)+" [x]{y}")
	if err := os.Rename(root, odd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(odd) })
	c, err := config.Load(config.Options{WorkDir: odd})
	if err != nil {
		t.Fatal(err)
	}
	paths, err := function(t, c, "hello").StaticPaths()
	want := []string{filepath.Join(odd, "assets/x/y.bin"), filepath.Join(odd, "assets/z"), filepath.Join(odd, "supabase/functions/hello/a.html")}
	if err != nil || !slices.Equal(paths, want) {
		t.Errorf("got  %q, %v\nwant %q", paths, err, want)
	}
}
