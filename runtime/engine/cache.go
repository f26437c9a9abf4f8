package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	folderName   = "engine"
	lockName     = ".lock"
	installGlob  = ".install-*"
	lockInterval = 100 * time.Millisecond
)

// ErrBusy is wrapped by the error of Clean while another brink installs.
var ErrBusy = errors.New("another brink is installing Deno")

// DefaultCacheDir returns brink's cache folder, absolute, for the environment
// given as KEY=value: BRINK_CACHE, else brink/ in the user's cache folder as
// os.UserCacheDir has it. Where HOME is not set, as in services and some
// containers, the home folder of the user database is taken. It creates
// nothing.
func DefaultCacheDir(environ []string) (string, error) {
	env := lookup(environ)
	if dir := env("BRINK_CACHE"); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("cannot use BRINK_CACHE %q: %w", dir, err)
		}
		return abs, nil
	}
	if runtime.GOOS == "windows" {
		if dir := env("LocalAppData"); dir != "" {
			return filepath.Join(dir, "brink"), nil
		}
	}
	// A relative XDG_CACHE_HOME is invalid and to be ignored:
	// https://specifications.freedesktop.org/basedir-spec/latest/
	if dir := env("XDG_CACHE_HOME"); filepath.IsAbs(dir) && runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		return filepath.Join(dir, "brink"), nil
	}
	home := env("HOME")
	if !filepath.IsAbs(home) {
		home = homeOfUser()
	}
	switch {
	case home == "":
		return "", errors.New("cannot find a folder for brink's cache: neither HOME nor the user's entry in the user database names one; set BRINK_CACHE to a folder that brink may write to")
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Caches", "brink"), nil
	case runtime.GOOS == "windows":
		return filepath.Join(home, "AppData", "Local", "brink"), nil
	}
	return filepath.Join(home, ".cache", "brink"), nil
}

// homeOfUser asks the user database, not the environment.
func homeOfUser() string {
	u, err := user.Current()
	if err != nil || !filepath.IsAbs(u.HomeDir) {
		return ""
	}
	return u.HomeDir
}

// lookup returns a getter over KEY=value entries, the last of which wins, as
// for exec.Cmd. Names are compared without case on Windows.
func lookup(environ []string) func(string) string {
	return func(name string) string {
		value := ""
		for _, entry := range environ {
			k, v, ok := strings.Cut(entry, "=")
			if ok && (k == name || runtime.GOOS == "windows" && strings.EqualFold(k, name)) {
				value = v
			}
		}
		return value
	}
}

// Clean removes every installed engine from the cache, of all versions, and
// the remains of killed installs. It fails with ErrBusy rather than pull the
// folder from under an install. Cleaning an empty cache is no error.
func Clean(cacheDir string) error {
	root := filepath.Join(cacheDir, folderName)
	if _, err := os.Stat(root); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock := flock.New(filepath.Join(root, lockName))
	held, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("cannot lock %s: %w", root, err)
	}
	if !held {
		return fmt.Errorf("cannot clean %s: %w; wait for it or stop it", root, ErrBusy)
	}
	defer lock.Close()

	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("cannot clean %s: %w", root, err)
	}
	var errs []error
	for _, e := range entries {
		// The lock file stays: another process may be waiting on it, and would
		// then hold a lock on a file that nobody else sees.
		if e.Name() != lockName {
			errs = append(errs, os.RemoveAll(filepath.Join(root, e.Name())))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot clean %s (stop every brink that is serving): %w", root, err)
	}
	return nil
}

// cached returns the engine in the cache. It starts nothing: see the package
// doc for why a folder of that name is whole.
func cached(cacheDir string, p platform) (Engine, bool) {
	abs, err := filepath.Abs(filepath.Join(cacheDir, folderName, p.folder(), p.program()))
	if err != nil || !isProgram(abs) {
		return Engine{}, false
	}
	return Engine{Path: abs, Version: Version, Source: SourceCache, Supported: true}, true
}

// isProgram says whether path is a file with something in it that may be run.
func isProgram(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	return runtime.GOOS == "windows" || info.Mode().Perm()&0o111 != 0
}

// acquire takes the cache's lock, waiting for another brink's install.
func acquire(ctx context.Context, root string, progress func(string)) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(root, lockName))
	held, err := lock.TryLock()
	if err == nil && !held {
		progress("waiting for another brink that is installing Deno")
		held, err = lock.TryLockContext(ctx, lockInterval)
	}
	switch {
	case ctx.Err() != nil && !held:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("cannot lock %s: %w; set BRINK_CACHE to a folder on a local disk that brink may write to", root, err)
	}
	return lock, nil
}
