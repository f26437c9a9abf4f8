// Package gate holds a Go worker back before its user's code runs. It connects
// to brink, says hello and waiting, and blocks until go arrives; then it
// replaces the process's environment with the function's.
//
// In a worker, Open runs in this package's init. Go initialises packages in the
// order of their dependencies and, among those that are ready, of their import
// paths (https://go.dev/ref/spec#Program_initialization). The build gives this
// package the path "0brink/gate", which sorts before every other, and it imports
// nothing but syscall and packages without side effects. So no package that can
// reach a file, a socket or a variable, all of which takes syscall, is
// initialised before it. For the same reason it reads its one message with a
// parser of its own: encoding/json needs os, and os is one of those packages.
//
// It also owns the control connection for the worker's whole life: when that
// ends, the process exits, even while the user's init functions run.
//
// Read [Open] first.
package gate
