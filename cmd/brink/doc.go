// Command brink runs Supabase-style Edge Functions on this machine as the
// hosted platform would.
//
// The package owns the command line: flags, help, exit codes, the terminal,
// and the wiring of the packages below. It decides nothing about workers. Read
// [Run] first, then serve.go, the composition root.
//
// Everything a user sees while brink serves is a [log/slog] record whose
// message is an event kind (event.go); jsonHandler and prettyHandler render
// them.
package main
