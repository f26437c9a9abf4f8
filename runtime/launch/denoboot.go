package launch

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
)

// bootstrapFiles are the modules that every Deno worker preloads.
//
//go:embed bootstrap/*.mjs
var bootstrapFiles embed.FS

// bootstrapMain is the module that loads the others.
const bootstrapMain = "main.mjs"

func (d *Deno) bootstrapDir() string { return filepath.Dir(d.bootstrap) }

// extractBootstrap writes the modules to a folder below dir that is named by
// their content, and returns the path of the main one. Several brinks may do so
// at once: the folder appears whole, by a rename.
func extractBootstrap(dir string) (string, error) {
	files, err := fs.Sub(bootstrapFiles, "bootstrap")
	if err != nil {
		return "", err
	}
	sum, err := contentHash(files)
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, sum)
	main := filepath.Join(target, bootstrapMain)
	if _, err := os.Stat(main); err == nil {
		return main, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(dir, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	unpacked := filepath.Join(scratch, "files")
	if err := os.CopyFS(unpacked, files); err != nil {
		return "", err
	}
	if err := os.Rename(unpacked, target); err != nil {
		if _, statErr := os.Stat(main); statErr == nil {
			return main, nil // another brink was faster
		}
		return "", err
	}
	return main, nil
}

func contentHash(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		h.Write([]byte(path + "\x00"))
		h.Write(text)
		h.Write([]byte{0})
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}
