package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version returns brink's own version as the build recorded it: a release's
// tag, or the commit it was built from, or "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	return describeBuild(info)
}

func describeBuild(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if revision == "" {
		return "devel"
	}
	described := "devel-" + revision[:min(12, len(revision))]
	if settings["vcs.modified"] == "true" {
		described += "+changes"
	}
	return described
}

func printVersion(w io.Writer) error {
	_, err := fmt.Fprintf(w, "brink %s (%s %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
