//go:build !linux

package watch

// remote says whether the folder is on a drive that has to be polled as well.
// Only Linux is known to need it without being told; Options.Poll tells.
func remote(string) bool { return false }
