// Package watch says which files changed. It knows paths, not functions.
//
// It keeps a picture of what is on disk (a tree: real folders, files with their
// checksums, symbolic links) and compares. Notifications from the system are
// hints where to look again, no more; so are the rounds of polling where the
// system cannot notify. A change is therefore reported when the content differs,
// however the editor wrote it, and never for a touch, a chmod or a save of the
// same text.
//
// Symbolic links are followed. What they lead to is watched at its real path,
// once, and reported under every path through which the caller's targets reach
// it.
//
// The package never decides what a change means, and never writes to disk.
//
// Read [Watcher] first, then tree.
package watch
