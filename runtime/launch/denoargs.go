package launch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"brink/policy"
	"brink/runtime/config"
	"brink/runtime/worker"
)

// heapHeadroom is what V8's own limit leaves above the function's memory
// limit, in MiB: brink measures heap and external memory, says which limit was
// reached and ends the worker in order. V8's limit is for a loop that allocates
// faster than anybody measures; it ends the process with a trap.
const heapHeadroom = 64

// runArgs is the command line of a worker.
func (d *Deno) runArgs(f config.Function, p worker.Paths) []string {
	args := []string{
		"run",
		"--no-prompt",
		"--preload", d.bootstrap,
		// A request's signal must not abort when the answer was sent whole;
		// it does not when hosted, and the engine warns about it.
		"--unstable-no-legacy-abort",
	}
	args = append(args, d.graphArgs(f)...)
	args = append(args, d.permissionArgs(f, p)...)
	if f.Limits.Enforcement == policy.Enforce && f.Limits.Memory > 0 {
		args = append(args, fmt.Sprintf("--v8-flags=--max-heap-size=%d", f.Limits.Memory/policy.MiB+heapHeadroom))
	}
	args = append(args, d.inspectArgs(f.Name)...)
	return append(args, f.Entrypoint)
}

// graphArgs are the flags that decide what the module graph is. Prepare and
// the worker must have the same, or the worker would look for other modules
// than were fetched.
func (d *Deno) graphArgs(f config.Function) []string {
	args := []string{
		"--no-check",
		"--allow-import",
		"--lock=" + d.lockPath(f),
		"--node-modules-dir=" + nodeModules(f),
	}
	switch {
	case f.ImportMap == "":
	case isDenoConfig(f.ImportMap):
		args = append(args, "--config="+f.ImportMap)
	default:
		args = append(args, "--import-map="+f.ImportMap)
	}
	return args
}

// nodeModules says where npm packages come from. Without a package.json of its
// own a function uses the module cache, whatever stands above it; with one it
// uses its node_modules if the user installed any. brink never makes one.
func nodeModules(f config.Function) string {
	if f.UsePackageJSON {
		if info, err := os.Stat(filepath.Join(f.Dir, "node_modules")); err == nil && info.IsDir() {
			return "manual"
		}
	}
	return "none"
}

// permissionArgs are all that a worker may do. Whatever is not listed is
// denied: processes, native libraries, other files, other Unix sockets (which
// need read and write permission for their path).
//
// The environment is allowed because the bootstrap has made it the function's
// own by the time user code runs.
func (d *Deno) permissionArgs(f config.Function, p worker.Paths) []string {
	read := paths(append(staticRoots(f), f.Dir, d.o.FunctionsDir, d.denoDir, d.bootstrapDir(), p.Tmp, p.HTTP, p.Control)...)
	write := paths(p.Tmp, p.HTTP, p.Control)
	return []string{
		"--allow-env",
		"--allow-net",
		"--allow-sys=hostname,osRelease,osUptime,loadavg,systemMemoryInfo,cpus,homedir,uid,gid",
		"--allow-read=" + read,
		"--allow-write=" + write,
	}
}

// staticRoots are the folders that static_files can lie in: what stands before
// the first wildcard of each pattern. The bootstrap holds the function to the
// patterns themselves.
func staticRoots(f config.Function) []string {
	var roots []string
	for _, pattern := range f.StaticFiles {
		if i := strings.IndexAny(pattern, "*?[{"); i >= 0 {
			pattern = filepath.Dir(pattern[:i] + "x")
		}
		roots = append(roots, pattern)
	}
	return roots
}

// paths joins paths for a permission flag, each also as it is without symbolic
// links, since the engine checks some calls by the one and some by the other.
func paths(list ...string) string {
	var out []string
	for _, path := range list {
		if path == "" {
			continue
		}
		for _, form := range []string{path, resolved(path)} {
			if !slices.Contains(out, form) {
				out = append(out, form)
			}
		}
	}
	return strings.Join(out, ",")
}

// resolved returns path without symbolic links; its last element need not
// exist yet.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// isDenoConfig says whether an import map is really a deno.json(c).
func isDenoConfig(path string) bool {
	name := filepath.Base(path)
	return name == "deno.json" || name == "deno.jsonc"
}

// lockPath is the function's own lock file, in the cache. Which npm versions a
// graph resolves to depends on the order in which it is read, and that is
// another with a preloaded module: without a lock the worker may want versions
// that Prepare did not fetch.
func (d *Deno) lockPath(f config.Function) string {
	sum := sha256.Sum256([]byte(f.Entrypoint + "\x00" + f.ImportMap))
	return filepath.Join(d.denoDir, "locks", hex.EncodeToString(sum[:8])+".lock")
}

// userLock is the deno.lock that belongs to the function's configuration, or
// "". It is read, never written.
func userLock(f config.Function) string {
	for _, file := range []string{f.ImportMap, f.DenoConfig} {
		if file == "" || !isDenoConfig(file) {
			continue
		}
		lock := filepath.Join(filepath.Dir(file), "deno.lock")
		if info, err := os.Stat(lock); err == nil && info.Mode().IsRegular() {
			return lock
		}
	}
	return ""
}
