package launch

import "brink/runtime/wire"

// Fault is a failure of the user's own code, or of what it needs to be
// prepared, found before a worker ran: a broken import, a type error, a
// function of the wrong shape. As an error it is what Prepare returns.
type Fault struct {
	Phase   wire.Phase // where it failed; load for all that is found before a start
	Name    string     // short class, as a headline: SyntaxError, BuildError
	Message string     // what the user reads: file, line and column, with the code
	Stack   string     // "" when the message says it all
}

// Error returns the message.
func (f *Fault) Error() string { return f.Message }
