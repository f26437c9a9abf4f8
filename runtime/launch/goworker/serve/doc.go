// Package serve is what a Go function's main does once the gate is open: it
// serves the handler on the worker's socket, answers brink's messages, sends
// log lines with the id of their request, reports panics, and counts handlers
// that outlive their response.
//
// The build copies it, with packages gate and wire, beside the function's own
// code, so it imports nothing but those two and the standard library.
//
// Read [Main] first.
package serve
