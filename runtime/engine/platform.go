package engine

import (
	"path/filepath"
	"runtime"
	"sync"
)

// platform is what a Deno program is built for.
type platform struct {
	os, arch string // Go's names
	musl     bool   // Linux with musl as its only C library, as Alpine
}

// host is the machine that brink runs on, and what brink can install there.
type host struct {
	platform platform
	pins     pins
}

// thisHost looks at the machine once.
var thisHost = sync.OnceValue(func() host {
	p := platform{os: runtime.GOOS, arch: runtime.GOARCH}
	p.musl = p.os == "linux" && onlyMusl("/")
	return host{platform: p, pins: embeddedPins()}
})

// onlyMusl says whether the system under root has musl's dynamic loader and
// not glibc's. A glibc system may have musl installed beside it; one without
// either (NixOS) is left to the check after the install.
func onlyMusl(root string) bool {
	return exists(root, "lib/ld-musl-*.so.1") &&
		!exists(root, "lib64/ld-linux-*.so.2") && !exists(root, "lib/ld-linux-*.so.[12]")
}

func exists(root, pattern string) bool {
	found, err := filepath.Glob(filepath.Join(root, pattern))
	return err == nil && len(found) > 0
}

// nodeOS and nodeArch are the names npm uses for the platform.
func (p platform) nodeOS() string {
	if p.os == "windows" {
		return "win32"
	}
	return p.os
}

func (p platform) nodeArch() string {
	if p.arch == "amd64" {
		return "x64"
	}
	return p.arch
}

// libc is npm's name for the C library, "" where npm has none.
func (p platform) libc() string {
	switch {
	case p.os != "linux":
		return ""
	case p.musl:
		return "musl"
	}
	return "glibc"
}

// pkg is the npm package of Deno's program for the platform, or "" when Deno
// publishes none: https://github.com/denoland/deno/tree/main/tools/release/npm
func (p platform) pkg() string {
	if p.musl || (p.arch != "amd64" && p.arch != "arm64") {
		return ""
	}
	switch p.os {
	case "darwin", "windows":
		return "@deno/" + p.nodeOS() + "-" + p.nodeArch()
	case "linux":
		return "@deno/linux-" + p.nodeArch() + "-glibc"
	}
	return ""
}

// folder is the name in the cache: deno-2.9.6-linux-x64.
func (p platform) folder() string {
	name := "deno-" + Version + "-" + p.os + "-" + p.nodeArch()
	if p.musl {
		name += "-musl"
	}
	return name
}

// program is the file name of Deno.
func (p platform) program() string {
	if p.os == "windows" {
		return "deno.exe"
	}
	return "deno"
}

// String names the platform in messages.
func (p platform) String() string {
	s := p.os + "/" + p.arch
	if p.musl {
		s += " with musl (Alpine)"
	}
	return s
}
