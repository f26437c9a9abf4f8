package engine

import (
	"strconv"
	"strings"
)

// supportedText names the versions that Supported accepts, in messages.
const supportedText = "2.9.x"

// Supported says whether brink can work with that Deno: any release of the
// pinned minor version. Deno's minor releases change flags, permissions and
// error texts that the workers rely on; its patch releases only mend. A
// pre-release (2.9.0-rc.1) is not supported.
func Supported(version string) bool {
	major, minor, patch, ok := split(version)
	if !ok {
		return false
	}
	wantMajor, wantMinor, _, _ := split(Version)
	return major == wantMajor && minor == wantMinor && patch >= 0
}

// split takes a version of exactly three numbers apart.
func split(version string) (major, minor, patch int, ok bool) {
	parts := strings.Split(version, ".")
	if len(parts) != 3 {
		return 0, 0, 0, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 31)
		if err != nil {
			return 0, 0, 0, false
		}
		n[i] = int(v)
	}
	return n[0], n[1], n[2], true
}
