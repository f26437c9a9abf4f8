package serve

import "sync"

// tasks counts work that goes on although no response depends on it: handlers
// whose response has ended, and a running Shutdown. Brink keeps a worker for
// as long as the count is above zero, as it does for waitUntil.
type tasks struct {
	report func(pending int)

	mu      sync.Mutex // guards pending, and keeps the reports in the order of their counts
	pending int
}

// add counts one more and returns a func that takes it back, once.
func (t *tasks) add() (done func()) {
	t.change(1)
	return sync.OnceFunc(func() { t.change(-1) })
}

func (t *tasks) change(by int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending += by
	t.report(t.pending)
}

// exchange is one call of the handler. It becomes a task when its response
// ends first.
type exchange struct {
	tasks *tasks

	mu       sync.Mutex // guards what follows
	returned bool
	done     func() // set once it is a task
}

// responseEnded says that the client has all it will get. Only the first call
// counts, and only while the handler runs. It reports before it returns, so
// that a caller can let the count go out ahead of the response's last bytes.
func (e *exchange) responseEnded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.returned && e.done == nil {
		e.done = e.tasks.add()
	}
}

// handlerReturned ends the exchange.
func (e *exchange) handlerReturned() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.returned = true
	if e.done != nil {
		e.done()
	}
}
