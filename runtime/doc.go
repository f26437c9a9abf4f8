// Package runtime holds no code: it is the map of the tree below it. The
// standard library's package of the same name is never shadowed, since nothing
// imports this one.
//
//	config      config.toml, env files, discovery of functions -> validated values
//	wire        the worker protocol, host and worker side
//	engine      finds or installs the pinned Deno
//	launch      a function -> worker.Spec: command line, permissions, bootstrap; builds Go functions
//	worker      owns ONE process: start, handshake, wait, kill, samples, log lines
//	supervisor  owns the SET of workers; feeds events to policy, carries out its actions
//	gateway     HTTP in, worker out: routing, auth gate, streaming, WebSocket relay
//	auth        tokens and keys: verify, explain, mint
//	watch       file system events -> debounced change sets
//
// Imports point down only: cmd -> all; gateway -> supervisor, auth, policy;
// supervisor -> worker, wire, policy; launch -> worker, wire, config, engine;
// worker -> wire, policy; config -> policy; the rest import nothing of ours.
// A test in cmd/brink enforces it.
package runtime
