package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// runDirPrefix begins the names of the folders that hold workers' sockets and
// temporary files; the process id of their brink follows.
const runDirPrefix = "brink-run-"

// makeRunDir makes this brink's folder, of mode 0700, and removes those of
// brinks that were killed. Its path is short: a socket's may have 104 bytes.
func makeRunDir() (string, error) {
	sweepRunDirs(os.TempDir())
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", runDirPrefix, os.Getpid()))
	if err != nil {
		return "", fmt.Errorf("cannot make a folder for workers: %w; check TMPDIR", err)
	}
	// Deno compares real paths with what it was permitted.
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	return dir, nil
}

// sweepRunDirs removes the folders of this user's brinks that are gone.
func sweepRunDirs(tmp string) {
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), runDirPrefix)
		pid, _, _ := strings.Cut(rest, "-")
		n, err := strconv.Atoi(pid)
		if !ours || err != nil || alive(n) {
			continue
		}
		// Another user's folder stays: this fails, and that is right.
		_ = os.RemoveAll(filepath.Join(tmp, e.Name()))
	}
}
