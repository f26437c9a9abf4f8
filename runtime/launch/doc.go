// Package launch turns a configured function into something that can be run:
// it fetches or builds what the function needs, and describes the process that
// runs it. It starts no worker itself and decides nothing about when one runs.
//
// There is one launcher for each language, with the same two methods:
//
//	Prepare  fetches dependencies or builds; blocks; a *[Fault] is the user's
//	Spec     returns the worker.Spec of one new worker; does not block
//
// [Deno] runs JavaScript and TypeScript on the pinned engine with the bootstrap
// that lies in bootstrap/, preloaded. [Go] builds a package with an exported
// Handler into an executable around the code in goworker/.
//
// # What the host must know about a Deno worker
//
// After go, the user's module graph is read. What fails there (syntax, a
// missing module, a missing export, JSON that is none) is printed by the engine
// on stderr, in one piece and without noise, and the process exits with 1: no
// message comes. So a worker that ended after go without loaded, ready or fault
// failed to load, and its stderr is the text for the user, which
// [DenoFault] makes presentable. Whatever fails later (a throw at top level, an
// uncaught error, an unhandled rejection) comes as a fault message with its
// phase, is not printed, and ends the process with exit code 1.
//
// ready may come before loaded (Deno.serve at top level, then more awaits), and
// without loaded for a module that awaits forever. A module whose top-level
// await never ends does not exit: the wall clock is what ends it.
//
// Read [Deno] first.
package launch
