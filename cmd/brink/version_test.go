package main

import (
	"runtime/debug"
	"testing"
)

func TestVersionComesFromTheBuild(t *testing.T) {
	build := func(version string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{Main: debug.Module{Version: version}}
		for i := 0; i < len(settings); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return info
	}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3":                     build("v1.2.3", "vcs.revision", "0123456789abcdef"),
		"devel":                      build("(devel)"),
		"devel-0123456789ab":         build("", "vcs.revision", "0123456789abcdef", "vcs.modified", "false"),
		"devel-0123456789ab+changes": build("(devel)", "vcs.revision", "0123456789abcdef", "vcs.modified", "true"),
	} {
		if got := describeBuild(info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
