package launch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func (p *project) bodyAfterPrepare() string {
	p.t.Helper()
	p.prepare()
	return p.serve().body()
}

func TestModulesOfEveryKindLoad(t *testing.T) {
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/typescript")
		fmt.Fprint(w, `export const remote: string = "remote";`)
	}))
	defer remote.Close()
	p := newProject(t, map[string]string{
		"_shared/cors.ts": `export const shared = "shared";`,
		"hello/data.json": `{"json": "json"}`,
		"hello/old.cjs":   `exports.old = "cjs";`,
		"hello/add.wasm":  "\x00asm\x01\x00\x00\x00\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\x00\x07\x07\x01\x03add\x00\x00\x0a\x09\x01\x07\x00\x20\x00\x20\x01\x6a\x0b",
		"hello/lazy.ts":   `export default "lazy";`,
		"hello/index.ts": `import { shared } from "../_shared/cors.ts";
			import data from "./data.json" with { type: "json" };
			import { old } from "./old.cjs";
			import { add } from "./add.wasm";
			import { join } from "node:path";
			import isEven from "npm:is-even@1.0.0";
			import { remote } from "` + remote.URL + `/mod.ts";
			Deno.serve(async () => new Response([shared, data.json, old, add(1, 2), join("a", "b"), isEven(2), remote,
				(await import("./lazy.ts")).default].join(" ")));`,
	})
	if got, want := p.bodyAfterPrepare(), "shared json cjs 3 a/b true remote lazy"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCodeFromElsewhereMayNotImportFilesOfThisMachine(t *testing.T) {
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/javascript")
		fmt.Fprint(w, `export default () => import("file:///etc/passwd", { with: { type: "text" } });`)
	}))
	defer remote.Close()
	p := newProject(t, map[string]string{
		"hello/index.ts": `import peek from "` + remote.URL + `/peek.js"; Deno.serve(async () => new Response((await peek()).default));`,
	})
	err := p.launcher().Prepare(t.Context(), p.function, nil)
	fault, ok := errors.AsType[*Fault](err)
	if !ok || !strings.Contains(fault.Message, remote.URL+"/peek.js imports file:///etc/passwd") {
		t.Errorf("got %v", err)
	}
}

func TestPrepareReportsDownloads(t *testing.T) {
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/javascript")
		fmt.Fprint(w, `export default 1;`)
	}))
	defer remote.Close()
	p := newProject(t, map[string]string{"hello/index.ts": `import "` + remote.URL + `/mod.js";`})
	var lines []string
	if err := p.launcher().Prepare(t.Context(), p.function, func(line string) { lines = append(lines, line) }); err != nil {
		t.Fatal(err)
	}
	if want := "Download " + remote.URL + "/mod.js"; len(lines) != 1 || lines[0] != want {
		t.Errorf("progress %q, want %q", lines, want)
	}
}

func TestPrepareEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	remote := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	}))
	defer remote.Close()
	defer close(release)
	p := newProject(t, map[string]string{"hello/index.ts": `import "` + remote.URL + `/mod.js";`})
	err := p.launcher().Prepare(ctx, p.function, nil)
	if _, isFault := err.(*Fault); err == nil || isFault {
		t.Errorf("Prepare returned %v", err)
	}
}

func TestImportMapsAndConfigsApply(t *testing.T) {
	const code = `import { word } from "words"; Deno.serve(() => new Response(word));`
	words := map[string]string{"hello/index.ts": code, "_shared/words.ts": `export const word = "mapped";`}
	with := func(path, text string) map[string]string {
		files := map[string]string{path: text}
		maps.Copy(files, words)
		return files
	}
	t.Run("deno.json beside the entrypoint", func(t *testing.T) {
		p := newProject(t, with("hello/deno.json", `{"imports": {"words": "../_shared/words.ts"}}`))
		p.function.DenoConfig = filepath.Join(p.function.Dir, "deno.json")
		if got := p.bodyAfterPrepare(); got != "mapped" {
			t.Errorf("body %q", got)
		}
	})
	t.Run("import map elsewhere", func(t *testing.T) {
		p := newProject(t, with("import_map.json", `{"imports": {"words": "./_shared/words.ts"}}`))
		p.function.ImportMap = filepath.Join(p.dir, "import_map.json")
		if got := p.bodyAfterPrepare(); got != "mapped" {
			t.Errorf("body %q", got)
		}
	})
	t.Run("deno.jsonc elsewhere", func(t *testing.T) {
		p := newProject(t, with("_shared/deno.jsonc", `{ /* yes */ "imports": {"words": "./words.ts"}}`))
		p.function.ImportMap = filepath.Join(p.dir, "_shared", "deno.jsonc")
		if got := p.bodyAfterPrepare(); got != "mapped" {
			t.Errorf("body %q", got)
		}
	})
	t.Run("workspace", func(t *testing.T) {
		files := with("deno.json", `{"workspace": ["./hello", "./_shared"]}`)
		files["hello/deno.json"] = `{"imports": {}}`
		files["_shared/deno.json"] = `{"name": "@my/words", "version": "1.0.0", "exports": "./words.ts"}`
		files["hello/index.ts"] = strings.Replace(code, `"words"`, `"@my/words"`, 1)
		p := newProject(t, files)
		p.function.DenoConfig = filepath.Join(p.function.Dir, "deno.json")
		if got := p.bodyAfterPrepare(); got != "mapped" {
			t.Errorf("body %q", got)
		}
	})
}

func TestAPackageJSONAboveChangesNothing(t *testing.T) {
	p := newProject(t, map[string]string{
		"package.json":   `{"name": "web", "dependencies": {"react": "19"}}`,
		"hello/index.ts": `import isEven from "npm:is-even@1.0.0"; Deno.serve(() => new Response(String(isEven(4))));`,
	})
	if got := p.bodyAfterPrepare(); got != "true" {
		t.Errorf("body %q", got)
	}
	for _, name := range []string{"node_modules", "deno.lock", "hello/deno.lock", "hello/node_modules"} {
		if fileExists(filepath.Join(p.dir, name)) {
			t.Errorf("%s was written into the user's folder", name)
		}
	}
}

func TestAPackageJSONBesideIsUsed(t *testing.T) {
	p := newProject(t, map[string]string{
		"hello/package.json": `{"dependencies": {"is-even": "1.0.0"}}`,
		"hello/index.ts":     `import isEven from "is-even"; Deno.serve(() => new Response(String(isEven(4))));`,
	})
	p.function.UsePackageJSON = true
	if got := p.bodyAfterPrepare(); got != "true" {
		t.Errorf("body %q", got)
	}
	if fileExists(filepath.Join(p.function.Dir, "node_modules")) || fileExists(filepath.Join(p.function.Dir, "deno.lock")) {
		t.Error("something was written into the user's folder")
	}
}

func TestAnNpmrcBesideTheFunctionIsRead(t *testing.T) {
	asked := make(chan string, 10)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path + " " + r.Header.Get("Authorization")
		http.NotFound(w, r)
	}))
	defer registry.Close()
	host := strings.TrimPrefix(registry.URL, "http:")
	p := newProject(t, map[string]string{
		"hello/.npmrc":   "@acme:registry=" + registry.URL + "\n" + host + "/:_authToken=t0ken\n",
		"hello/index.ts": `import "npm:@acme/secret@1.0.0";`,
	})
	if err := p.launcher().Prepare(t.Context(), p.function, nil); err == nil {
		t.Fatal("the package was found")
	}
	registry.Close()
	close(asked)
	if got := <-asked; got != "/@acme/secret Bearer t0ken" && got != "/@acme%2fsecret Bearer t0ken" {
		t.Errorf("the registry was asked for %q", got)
	}
}

func TestJSRPackagesLoadFromAStandInRegistry(t *testing.T) {
	const module = `export function word(): string { return "from jsr"; }`
	sum := sha256.Sum256([]byte(module))
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/@acme/words/meta.json":
			fmt.Fprint(w, `{"scope": "acme", "name": "words", "latest": "1.0.0", "versions": {"1.0.0": {}}}`)
		case "/@acme/words/1.0.0_meta.json":
			fmt.Fprintf(w, `{"manifest": {"/mod.ts": {"size": %d, "checksum": "sha256-%s"}}, "exports": {".": "./mod.ts"}}`, len(module), hex.EncodeToString(sum[:]))
		case "/@acme/words/1.0.0/mod.ts":
			w.Header().Set("Content-Type", "application/typescript")
			fmt.Fprint(w, module)
		default:
			http.NotFound(w, r)
		}
	}))
	defer registry.Close()
	p := newProject(t, map[string]string{"hello/index.ts": `import { word } from "jsr:@acme/words@1"; Deno.serve(() => new Response(word()));`})
	p.options.Environ = append(p.options.Environ, "JSR_URL="+registry.URL)
	if got := p.bodyAfterPrepare(); got != "from jsr" {
		t.Errorf("body %q", got)
	}
}

func TestTheUsersLockFileIsReadAndNotWritten(t *testing.T) {
	const lock = `{"version": "5", "specifiers": {"npm:is-even@1": "1.0.0", "npm:left-pad@1": "1.1.3"}, "npm": {}}`
	p := newProject(t, map[string]string{
		"hello/deno.json": `{}`,
		"hello/deno.lock": lock,
		"hello/index.ts":  `import pkg from "npm:left-pad@1/package.json" with { type: "json" }; Deno.serve(() => new Response(pkg.version));`,
	})
	p.function.DenoConfig = filepath.Join(p.function.Dir, "deno.json")
	_ = p.launcher().Prepare(t.Context(), p.function, nil)
	if got := readFile(t, filepath.Join(p.function.Dir, "deno.lock")); got != lock {
		t.Errorf("deno.lock became %q", got)
	}
}
