package launch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"brink/runtime/config"
	"brink/runtime/wire"
)

// maxDenoOutput bounds how much of the engine's error text is kept, in bytes.
const maxDenoOutput = 64 << 10

// Prepare fetches everything that f's module graph names into the module cache,
// so that a worker starts without the network. It blocks until that is done,
// which takes some 70 ms when there is nothing to fetch; progress is called,
// from this goroutine's own reading, with one line per download, and may be
// nil. What is wrong with the graph is returned as a *Fault; ctx ends the
// download. Nothing is written into the user's folders.
func (d *Deno) Prepare(ctx context.Context, f config.Function, progress func(message string)) error {
	if fault := d.nameable(f); fault != nil {
		return fault
	}
	seeded, err := d.seedLock(f)
	if err != nil {
		return err
	}
	output, err := d.cache(ctx, f, progress)
	if err != nil && ctx.Err() == nil && !seeded && isLockTrouble(output) {
		// The lock is brink's own memory of an earlier download.
		if removeErr := os.Remove(d.lockPath(f)); removeErr == nil {
			output, err = d.cache(ctx, f, progress)
		}
	}
	if err == nil {
		return d.noteGraph(ctx, f)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("cannot fetch the dependencies of %q: %w", f.Name, context.Cause(ctx))
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		return fmt.Errorf("cannot run the engine %q: %w", d.o.Engine, err)
	}
	return DenoFault(output)
}

// seedLock copies the user's deno.lock over the function's own, and says
// whether there was one.
func (d *Deno) seedLock(f config.Function) (bool, error) {
	lock := userLock(f)
	if lock == "" {
		return false, nil
	}
	text, err := os.ReadFile(lock)
	if err != nil {
		return false, fmt.Errorf("cannot read the lock file of %q: %w", f.Name, err)
	}
	target := d.lockPath(f)
	scratch, err := os.CreateTemp(filepath.Dir(target), "new-")
	if err != nil {
		return false, fmt.Errorf("cannot write to the module cache: %w; make the folder writable or set BRINK_CACHE", err)
	}
	defer os.Remove(scratch.Name())
	_, err = scratch.Write(text)
	err = errors.Join(err, scratch.Close())
	if err == nil {
		err = os.Rename(scratch.Name(), target)
	}
	if err != nil {
		return false, fmt.Errorf("cannot write to the module cache: %w; make the folder writable or set BRINK_CACHE", err)
	}
	return true, nil
}

func isLockTrouble(output string) bool {
	return strings.Contains(output, "lockfile") || strings.Contains(output, "Integrity check failed")
}

// cache runs deno cache and returns what it printed besides progress.
func (d *Deno) cache(ctx context.Context, f config.Function, progress func(string)) (string, error) {
	args := append([]string{"cache"}, d.graphArgs(f)...)
	cmd := exec.CommandContext(ctx, d.o.Engine, append(args, f.Entrypoint)...)
	cmd.Dir = f.Dir
	cmd.Env = d.environ(f)
	cmd.WaitDelay = time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	output := readDenoOutput(stderr, progress)
	return output, cmd.Wait()
}

// readDenoOutput separates progress from the rest.
func readDenoOutput(r io.Reader, progress func(string)) string {
	var rest strings.Builder
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		plain := strings.TrimSpace(stripColor(line))
		switch {
		case isProgress(plain):
			if progress != nil {
				progress(plain)
			}
		case rest.Len() < maxDenoOutput:
			rest.WriteString(line)
		}
		if err != nil {
			return rest.String()
		}
	}
}

func isProgress(line string) bool {
	return strings.HasPrefix(line, "Download ") || strings.HasPrefix(line, "Initialize ")
}

// nameable refuses folders that the engine's permission flags cannot name: they
// are lists with commas in between, and Deno 2.9 knows no way to escape one.
func (d *Deno) nameable(f config.Function) error {
	for _, path := range []string{f.Dir, d.o.FunctionsDir, d.denoDir} {
		if strings.Contains(path, ",") {
			return &Fault{Phase: wire.PhaseLoad, Name: "PathError", Message: fmt.Sprintf(
				"the path %q has a comma in it, which Deno's permission flags cannot express: rename that folder", path)}
		}
	}
	return nil
}
