package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// install puts the pinned Deno into the cache, under the cache's lock.
func install(ctx context.Context, o Options, h host) (Engine, error) {
	if o.CacheDir == "" {
		return Engine{}, errors.New("cannot install Deno: no cache folder given")
	}
	if e, ok := cached(o.CacheDir, h.platform); ok {
		return e, nil
	}
	name, pin, npm, err := requirements(o, h)
	if err != nil {
		return Engine{}, err
	}
	root, err := filepath.Abs(filepath.Join(o.CacheDir, folderName))
	if err != nil {
		return Engine{}, fmt.Errorf("cannot install Deno into %q: %w", o.CacheDir, err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return Engine{}, fmt.Errorf("cannot make the cache folder: %w; set BRINK_CACHE to a folder that brink may write to", err)
	}
	lock, err := acquire(ctx, root, o.Progress)
	if err != nil {
		return Engine{}, fmt.Errorf("cannot install Deno: %w", err)
	}
	defer lock.Close()
	// Another brink may have done it while this one waited.
	if e, ok := cached(o.CacheDir, h.platform); ok {
		return e, nil
	}
	i := installer{root: root, host: h, name: name, pin: pin, npm: npm, env: o.Env, progress: o.Progress}
	return i.install(ctx)
}

// requirements checks, before anything is written, that an install can work.
func requirements(o Options, h host) (name string, p pin, npm string, err error) {
	name = h.platform.pkg()
	if name == "" {
		hint := ""
		if h.platform.musl {
			hint = ", from the distribution (`apk add deno`) or by a glibc-based image instead,"
		}
		return "", pin{}, "", fmt.Errorf("cannot install Deno: there is no npm package of it for %s; install Deno %s yourself%s and pass --deno or set BRINK_DENO", h.platform, supportedText, hint)
	}
	p = h.pins[name]
	if !p.usable() {
		// npm checks against the registry's own checksum then; see pins.go.
		p = pin{Version: Version}
	}
	npm, err = o.LookPath("npm")
	if err != nil {
		return "", pin{}, "", fmt.Errorf("cannot install Deno %s: npm is not on PATH; install Node.js, which brings npm, or install Deno %s yourself and pass --deno or set BRINK_DENO", Version, supportedText)
	}
	return name, p, npm, nil
}

// installer is one install; the cache's lock is held while it works.
type installer struct {
	root     string // <cache>/engine
	host     host
	name     string // of the npm package
	pin      pin
	npm      string
	env      []string
	progress func(string)
}

func (i *installer) install(ctx context.Context) (Engine, error) {
	i.sweep()
	tmp, err := os.MkdirTemp(i.root, installGlob)
	if err != nil {
		return Engine{}, fmt.Errorf("cannot make a temporary folder: %w; set BRINK_CACHE to a folder that brink may write to", err)
	}
	defer os.RemoveAll(tmp)

	if err := i.download(ctx, tmp); err != nil {
		return Engine{}, err
	}
	unpacked := filepath.Join(tmp, "node_modules", filepath.FromSlash(i.name))
	if err := i.verify(ctx, filepath.Join(unpacked, i.host.platform.program())); err != nil {
		return Engine{}, err
	}
	if err := i.publish(ctx, unpacked); err != nil {
		return Engine{}, err
	}
	e, ok := cached(filepath.Dir(i.root), i.host.platform)
	if !ok {
		return Engine{}, fmt.Errorf("cannot find Deno in %s right after installing it; is something cleaning that folder?", i.root)
	}
	e.Source = SourceInstalled
	i.progress("installed Deno " + Version + " in " + filepath.Dir(e.Path))
	return e, nil
}

// sweep removes what killed installs left. Whoever holds the lock is the only
// one who installs, so none of it is in use.
func (i *installer) sweep() {
	left, err := filepath.Glob(filepath.Join(i.root, installGlob))
	if err != nil {
		return
	}
	for _, dir := range left {
		// What cannot be removed now is tried again by the next install.
		_ = os.RemoveAll(dir)
	}
}

// verify runs the new program and syncs it, so that the rename cannot reach
// the disk before the content does.
func (i *installer) verify(ctx context.Context, program string) error {
	if err := os.Chmod(program, 0o755); err != nil {
		return fmt.Errorf("cannot install Deno: npm succeeded, but %s holds no program: %w; look at npm's own configuration (`npm config list`), or pass --deno or set BRINK_DENO", i.name, err)
	}
	version, err := askVersion(ctx, program, i.env)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("cannot install Deno: %w", context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("cannot use the Deno just installed: %w; this system (%s) may lack what it needs, or forbid programs in %s (then set BRINK_CACHE to another folder); or install Deno %s yourself and pass --deno or set BRINK_DENO", err, i.host.platform, i.root, supportedText)
	case version != i.pin.Version:
		return fmt.Errorf("cannot use the Deno just installed: it says it is %s, not %s", version, i.pin.Version)
	}
	if err := syncFile(program); err != nil {
		return fmt.Errorf("cannot sync %s: %w", program, err)
	}
	return nil
}

// syncFile opens the program for writing only where syncing needs that: a
// program that is open for writing cannot be started (ETXTBSY), and a process
// forked meanwhile would keep it open.
func syncFile(program string) error {
	flags := os.O_RDONLY
	if runtime.GOOS == "windows" {
		flags = os.O_RDWR
	}
	f, err := os.OpenFile(program, flags, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// publish gives the package its place in the cache.
func (i *installer) publish(ctx context.Context, unpacked string) error {
	target := filepath.Join(i.root, i.host.platform.folder())
	// A folder of that name without a program in it was damaged by hand.
	if err := os.RemoveAll(target); err != nil {
		return fmt.Errorf("cannot replace %s: %w", target, err)
	}
	if err := rename(ctx, unpacked, target); err != nil {
		return fmt.Errorf("cannot move Deno into the cache: %w", err)
	}
	return nil
}

// rename is os.Rename, tried for up to five seconds on Windows, where a virus
// scanner holds a new program open for a moment.
func rename(ctx context.Context, from, to string) error {
	for tries := 1; ; tries++ {
		err := os.Rename(from, to)
		if err == nil || runtime.GOOS != "windows" || tries == 50 {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
