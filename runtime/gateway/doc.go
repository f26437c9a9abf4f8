// Package gateway is HTTP in, worker out. It routes a request to its function,
// asks whether the caller may call it, takes a lease on a worker, and relays:
// unbuffered both ways, WebSockets byte for byte. It turns every cause of
// failure into a status, a body and a close code in one place, the ladder.
//
// It never starts or ends a worker, never decides about one, never verifies a
// token itself, and never sends a request twice: what was handed to a worker
// and failed is answered with an error.
//
// Read [Gateway] first, then [Lease] (what it needs of a worker) and [Table]
// (what it serves). [NewServer] gives an http.Server that suits it, and
// [ControlHandler] the API of the brink command for a running brink.
package gateway
