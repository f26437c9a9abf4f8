package serve

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/metrics"
	"sync"

	"brink/runtime/launch/goworker/gate"
	"brink/runtime/wire"
)

// host is the control connection; log lines use it before Main runs.
var host = wire.NewConn(&gate.Control)

// Main serves handler until the process is ended. shutdown may be nil; it is
// called once, when brink says that the worker is about to end, with a context
// whose cause is the reason.
func Main(handler http.HandlerFunc, shutdown func(context.Context)) {
	w := &worker{host: host, shutdown: shutdown}
	w.tasks.report = func(pending int) { w.send(wire.Message{Type: wire.TypeTasks, Pending: pending}) }
	listener, err := net.Listen("unix", gate.HTTPSocket)
	if err != nil {
		w.fatal(fmt.Errorf("cannot listen for requests: %w", err))
	}
	server := &http.Server{
		Handler:  w.handler(handler),
		ErrorLog: log.New(&lineWriter{host: host, level: wire.LevelWarn}, "", 0),
	}
	go w.receive()
	w.send(wire.Message{Type: wire.TypeLoaded, Serving: true})
	w.send(wire.Message{Type: wire.TypeReady})
	w.fatal(fmt.Errorf("cannot serve requests: %w", server.Serve(listener)))
}

// worker is the process's side of the protocol once the gate is open.
type worker struct {
	host     *wire.Conn
	shutdown func(context.Context)
	tasks    tasks

	ending sync.Once
	ended  chan struct{} // closed when shutdown has returned; set by ending
}

// send cannot fail for any reason but that brink is gone, and then the
// connection ends the process.
func (w *worker) send(m wire.Message) { _ = w.host.Send(m) }

func (w *worker) fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// receive carries out brink's messages for as long as the process lives.
func (w *worker) receive() {
	for {
		m, err := w.host.Receive()
		if err != nil {
			w.fatal(err)
		}
		switch m.Type {
		case wire.TypeSample:
			w.send(memory())
		case wire.TypeDrain:
			w.end(m.Reason)
			w.send(wire.Message{Type: wire.TypeDraining})
		case wire.TypeBeforeUnload:
			ended := w.end(m.Reason)
			go func() {
				<-ended
				w.send(wire.Message{Type: wire.TypeClosing})
			}()
		}
	}
}

// end calls the function's Shutdown, the first time only, and returns a
// channel that is closed when it has returned. Until then it counts as a task.
func (w *worker) end(reason string) <-chan struct{} {
	w.ending.Do(func() {
		w.ended = make(chan struct{})
		if w.shutdown == nil {
			close(w.ended)
			return
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New(reason))
		done := w.tasks.add()
		go func() {
			defer close(w.ended)
			defer done()
			defer func() {
				if v := recover(); v != nil {
					w.send(faultOf(v, ""))
				}
			}()
			w.shutdown(ctx)
		}()
	})
	return w.ended
}

// memory reports what the Go runtime holds, without stopping the world.
func memory() wire.Message {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/total:bytes"},
	}
	metrics.Read(samples)
	var v [4]int64
	for i, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			v[i] = int64(s.Value.Uint64())
		}
	}
	heap := v[0] + v[1]
	return wire.Message{Type: wire.TypeMemory, Heap: heap, External: max(v[3]-v[2]-heap, 0)}
}
