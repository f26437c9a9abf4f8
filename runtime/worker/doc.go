// Package worker owns one worker process from start to reaped: its private
// directory and sockets, the handshake, its messages and output lines, samples
// of what it uses, and the ladder that ends it. It runs functions and nothing
// else does; it never decides when to (that is policy, through supervisor).
//
// Read [Spec] first (what to start), then [Start] and [Worker].
package worker
