package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// build returns the function's executable, from the cache when it is there. It
// returns errChanged when the files changed between hashing and building.
func (g *Go) build(ctx context.Context, name, dir string, progress func(string)) (goBuild, error) {
	shape, err := readShape(dir)
	if err != nil {
		return goBuild{}, err
	}
	tool, err := newGoTool(ctx, g.options.GoTool, g.options.Environ, dir)
	if err != nil {
		return goBuild{}, err
	}
	cache := goCache{dir: filepath.Join(g.options.CacheDir, "go")}
	tmp, err := cache.temporary()
	if err != nil {
		return goBuild{}, err
	}
	layout, err := newGoLayout(ctx, tool, shape, tmp)
	if err != nil {
		return goBuild{}, err
	}
	defer layout.remove()
	job := &goJob{name: name, dir: dir, race: g.options.Race, tool: tool, layout: layout}
	inputs, err := job.list(ctx)
	if err != nil {
		return goBuild{}, job.explain(ctx, err)
	}
	key, err := job.key(inputs)
	if err != nil {
		return goBuild{}, err
	}
	if path, ok := cache.find(name, dir, key); ok {
		return goBuild{key: key, path: path, dir: dir}, nil
	}
	out, err := job.compile(ctx, progress)
	if err != nil {
		return goBuild{}, job.explain(ctx, err)
	}
	if after, err := job.key(inputs); err != nil || after != key {
		return goBuild{}, errChanged
	}
	path, err := cache.keep(name, dir, key, out)
	return goBuild{key: key, path: path, dir: dir}, err
}

// goJob is one look at a function with its toolchain.
type goJob struct {
	name, dir string
	race      bool
	cgo       string // CGO_ENABLED for the build; set by list
	tool      *goTool
	layout    *goLayout
}

// goPackageFiles is one package as `go list -json` prints it.
type goPackageFiles struct {
	Dir        string
	ImportPath string
	Standard   bool
	Module     *struct {
		Path, Version, GoMod string
	}
	GoFiles, CgoFiles, CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles, SwigFiles, SwigCXXFiles, SysoFiles, EmbedFiles, IgnoredGoFiles []string
}

// goListFields asks `go list` for what goPackageFiles has, and for no more, which
// takes half the time.
const goListFields = "Dir,ImportPath,Standard,Module,GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles," +
	"SwigFiles,SwigCXXFiles,SysoFiles,EmbedFiles,IgnoredGoFiles"

// goInputs are what a build reads: files by path, and packages of the module
// cache by version.
type goInputs struct {
	files    []string
	packages []string
}

// flags are those that list and build share. With a -mod=mod in GOFLAGS go
// would write to go.mod.
func (j *goJob) flags() []string {
	flags := []string{"-overlay=" + j.layout.overlay}
	if strings.Contains(j.tool.vars["GOFLAGS"], "-mod=mod") {
		flags = append(flags, "-mod=readonly")
	}
	if j.race {
		flags = append(flags, "-race")
	}
	return flags
}

// list finds what the build depends on. Of the standard library and the
// module cache the versions are enough, since those files do not change.
func (j *goJob) list(ctx context.Context) (goInputs, error) {
	args := append([]string{"list", "-deps", "-json=" + goListFields}, j.flags()...)
	out, err := j.tool.run(ctx, j.dir, append(args, j.layout.target)...)
	if err != nil {
		return goInputs{}, err
	}
	var in goInputs
	usesCgo := false
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackageFiles
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return goInputs{}, fmt.Errorf("cannot read what go list printed: %w", err)
		}
		if p.Standard {
			continue
		}
		usesCgo = usesCgo || len(p.CgoFiles) > 0
		if p.Module != nil && p.Module.Version != "" && j.tool.inModCache(p.Dir) {
			in.packages = append(in.packages, p.ImportPath+"@"+p.Module.Version)
			continue
		}
		in.add(p)
	}
	j.setCgo(usesCgo)
	slices.Sort(in.files)
	in.files = slices.Compact(in.files)
	slices.Sort(in.packages)
	return in, nil
}

func (in *goInputs) add(p goPackageFiles) {
	for _, names := range [][]string{
		p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.MFiles, p.HFiles, p.FFiles, p.SFiles,
		p.SwigFiles, p.SwigCXXFiles, p.SysoFiles, p.EmbedFiles, p.IgnoredGoFiles,
	} {
		for _, name := range names {
			in.files = append(in.files, filepath.Join(p.Dir, name))
		}
	}
	if p.Module != nil && p.Module.GoMod != "" {
		in.files = append(in.files, p.Module.GoMod, strings.TrimSuffix(p.Module.GoMod, ".mod")+".sum")
	}
}

// setCgo makes a static executable unless the function needs C, or the user
// has said what they want. The race detector needs cgo on most systems.
func (j *goJob) setCgo(used bool) {
	j.cgo = j.tool.vars["CGO_ENABLED"]
	said := slices.ContainsFunc(j.tool.env, func(v string) bool { return strings.HasPrefix(v, "CGO_ENABLED=") })
	if !used && !said && !j.race {
		j.cgo = "0"
	}
}

// key hashes all that the executable depends on.
func (j *goJob) key(in goInputs) (string, error) {
	parts := []string{j.dir, j.tool.settings(), j.cgo, fmt.Sprint(j.race), j.layout.added, strings.Join(in.packages, "\n")}
	source, err := goWorkerSource()
	if err != nil {
		return "", err
	}
	for _, name := range sortedKeys(source) {
		parts = append(parts, name, source[name])
	}
	for _, file := range in.files {
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("cannot read the function: %w", err)
		}
		parts = append(parts, file, fmt.Sprint(err == nil), string(text))
	}
	return goHash(parts...), nil
}

// compile builds the executable in the layout's folder.
func (j *goJob) compile(ctx context.Context, progress func(string)) (string, error) {
	progress("building " + j.name + " …")
	start := time.Now()
	out := filepath.Join(j.layout.dir, "worker")
	args := append([]string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", out}, j.flags()...)
	j.tool.set("CGO_ENABLED", j.cgo)
	if _, err := j.tool.run(ctx, j.dir, append(args, j.layout.target)...); err != nil {
		return "", err
	}
	progress(fmt.Sprintf("built %s in %d ms", j.name, time.Since(start).Milliseconds()))
	return out, nil
}

// explain makes a fault of a failed go command.
func (j *goJob) explain(ctx context.Context, err error) error {
	err = goFailure(ctx, j.dir, err)
	fault, ok := errors.AsType[*Fault](err)
	if ok && j.tool.noMod() && strings.Contains(fault.Message, "no required module provides") {
		fault.Message += fmt.Sprintf("\n%s has no go.mod, so it builds with the standard library alone: run `go mod init example.com/%s` there first.", j.name, j.name)
	}
	return err
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
