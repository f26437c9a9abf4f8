//go:build unix

package main

import (
	"os"
	"testing"
)

func TestControlSocketsNeedAPrivateFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := checkPrivate(dir); err == nil {
		t.Error("a folder that others can enter was accepted")
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := checkPrivate(dir); err != nil {
		t.Error(err)
	}
}
