// Package supervisor owns the set of workers: which exist, which one takes a
// request, when one is started and when it is ended. It feeds what happens to
// package policy and carries out the actions that policy answers with; it
// decides nothing by itself and touches no process but through a func it is
// given.
//
// Read [Supervisor] first, then [Lease]: what a request holds of a worker.
package supervisor
