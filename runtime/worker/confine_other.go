//go:build !linux

package worker

// confineThread does nothing: Unix sockets without a path are Linux's.
func confineThread() {}
