package engine

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// The pinned packages, as npm itself wrote them down. To move to another
// version, change Version and the numbers in npm/package.json, and in npm/ run
//
//	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved
//
// which downloads no package: npm copies the checksums of all platforms from
// the registry's metadata. Checksums come from there and from nowhere else.
//
// The lock has Linux on x64 only. The registry that it was made from answered
// that version 2.9.6 of the five other packages (darwin-arm64, darwin-x64,
// linux-arm64-glibc, win32-arm64, win32-x64) does not exist, so their checksums
// are not known here. On those platforms npm installs exactly that version and
// checks it against what the registry says of it, which proves less: that it is
// what the registry has, not that it is what brink was tested with. To pin one,
// name it in npm/package.json and run the above.
//
//go:embed npm/package-lock.json
var lockFile []byte

// pin is one package of the lock.
type pin struct {
	Version   string   `json:"version"`
	Integrity string   `json:"integrity"` // https://www.w3.org/TR/SRI/
	Resolved  string   `json:"resolved,omitempty"`
	OS        []string `json:"os,omitempty"`
	CPU       []string `json:"cpu,omitempty"`
	Libc      []string `json:"libc,omitempty"`
}

// pins are the packages of the lock by name.
type pins map[string]pin

// embeddedPins reads the lock that brink carries. A test proves that it parses.
func embeddedPins() pins {
	p, err := parsePins(lockFile)
	if err != nil {
		return nil
	}
	return p
}

func parsePins(lock []byte) (pins, error) {
	var file struct {
		Packages map[string]pin `json:"packages"`
	}
	if err := json.Unmarshal(lock, &file); err != nil {
		return nil, fmt.Errorf("cannot read the lock of the engine: %w", err)
	}
	all := pins{}
	for path, p := range file.Packages {
		if name, ok := strings.CutPrefix(path, "node_modules/"); ok {
			all[name] = p
		}
	}
	return all, nil
}

// usable says whether npm would check what it downloads: without a strong
// checksum in the lock it would take whatever the registry has.
func (p pin) usable() bool {
	return p.Version != "" && strings.HasPrefix(p.Integrity, "sha512-")
}

// project returns the package.json and package-lock.json of an install of one
// package. It is a plain dependency there. In the embedded lock it is an
// optional one, which npm would leave out without a word, and with success,
// when the download fails or the checksum is wrong. A pin without a checksum
// has no lock.
func (p pin) project(name string) (manifest, lock []byte, err error) {
	root := map[string]any{"name": "brink-engine", "dependencies": map[string]string{name: p.Version}}
	manifest, err = json.MarshalIndent(map[string]any{
		"name": "brink-engine", "private": true, "dependencies": root["dependencies"],
	}, "", "  ")
	if err != nil {
		return nil, nil, fmt.Errorf("cannot write package.json: %w", err)
	}
	if !p.usable() {
		return manifest, nil, nil
	}
	lock, err = json.MarshalIndent(map[string]any{
		"name": "brink-engine", "lockfileVersion": 3, "requires": true,
		"packages": map[string]any{"": root, "node_modules/" + name: p},
	}, "", "  ")
	if err != nil {
		return nil, nil, fmt.Errorf("cannot write package-lock.json: %w", err)
	}
	return manifest, lock, nil
}
