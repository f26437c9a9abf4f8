package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// probeTime bounds `deno --version`, which takes about 10 ms. A launcher of a
// version manager may take a second or two.
const probeTime = 20 * time.Second

// probe runs the program at path and asks it who it is.
func probe(ctx context.Context, path string, env []string) (Engine, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Engine{}, fmt.Errorf("cannot make %q absolute: %w", path, err)
	}
	version, err := askVersion(ctx, abs, env)
	if err != nil {
		return Engine{}, err
	}
	e := Engine{Path: abs, Version: version, Supported: Supported(version)}
	if self := askPath(ctx, abs, env); self != "" {
		e.Path = self
	}
	return e, nil
}

// askVersion returns the version in the first line of `deno --version`:
//
//	deno 2.9.6 (stable, release, x86_64-unknown-linux-gnu)
func askVersion(ctx context.Context, path string, env []string) (string, error) {
	out, err := run(ctx, path, env, "--version")
	if err != nil {
		return "", fmt.Errorf("`%s --version` failed: %w", path, err)
	}
	line, _, _ := strings.Cut(out, "\n")
	fields := strings.Fields(line)
	if len(fields) < 2 || fields[0] != "deno" {
		return "", fmt.Errorf("this is not Deno: `%s --version` printed %q", path, strings.TrimSpace(line))
	}
	return fields[1], nil
}

// askPath returns the program that really runs, or "". What is on PATH may be
// a launcher (npm's, asdf's, mise's, Volta's) that starts Deno as a child, and
// then limits and CPU accounts would be taken of the launcher.
func askPath(ctx context.Context, path string, env []string) string {
	// NO_COLOR is not needed: console.log does not colour a bare string.
	out, err := run(ctx, path, env, "eval", "--no-config", "--no-lock", "console.log(Deno.execPath())")
	self := strings.TrimSpace(out)
	if err != nil || !filepath.IsAbs(self) || !isProgram(self) {
		return ""
	}
	return self
}

// run returns what the program wrote to stdout. The error carries the last
// line of stderr, which is where a missing shared library is named.
func run(ctx context.Context, path string, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTime, errors.New("no answer after "+probeTime.String()))
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	ownGroup(cmd)
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if last := lastLines(stderr.String(), 1); last != "" {
			return "", fmt.Errorf("%w: %s", err, last)
		}
		return "", err
	}
	return stdout.String(), nil
}

// lastLines returns the last n lines of text that are not blank.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
