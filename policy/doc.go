// Package policy decides; it never acts. It maps what happened to a worker or
// to a function's pool of workers onto what has to be done about it, as plain
// values: no goroutine, clock, file, process or network, and nothing but the
// standard library. Time enters as a value.
//
// Read [Worker] first: the life of one worker as a state machine. [Pool]
// decides where a request goes. [Limits] holds the numbers both go by, and
// [Reason] names every way a worker can end.
package policy
