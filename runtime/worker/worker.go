package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"brink/runtime/wire"
)

// Sink takes what a worker does. Its methods are called one at a time for
// Message, one at a time for each output stream, and Exited last, exactly
// once. They must not block for long: a worker that prints waits for them.
type Sink interface {
	// Message is a protocol message, hello excepted.
	Message(wire.Message)
	// Output is one line of stdout or stderr, without its newline.
	Output(stream Stream, line string)
	// Exited reports the end of the process, reaped, with its directory gone.
	Exited(Exit)
}

// Stream names an output stream of a process.
type Stream uint8

// The two streams.
const (
	Stdout Stream = iota
	Stderr
)

// String returns "stdout" or "stderr".
func (s Stream) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

// Exit is how a process ended.
type Exit struct {
	Code        int    // exit code, -1 when a signal ended it
	Signal      string // "", or as "killed", "trace/breakpoint trap"
	OutOfMemory bool   // the engine said that its heap was full
	Err         error  // the protocol failed: no hello, a wrong version
	CPU         time.Duration
}

// String says in words how the process ended.
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.OutOfMemory:
		return "out of memory"
	case e.Signal != "":
		return "signal: " + e.Signal
	default:
		return fmt.Sprintf("exit code %d", e.Code)
	}
}

// helloTimeout is how long a started process may take to say hello. Deno needs
// 35 ms; a laptop under load, or one with a virus scanner, a lot longer.
const helloTimeout = 30 * time.Second

// Worker is one process. Its methods may be called by many goroutines at once.
type Worker struct {
	spec  Spec
	paths Paths
	sink  Sink
	cmd   *exec.Cmd
	lines [2]*lineWriter // stdout, stderr
	meter meter
	done  chan struct{} // closed after sink.Exited returned

	reaped chan struct{} // closed when the process has ended

	mu       sync.Mutex // guards the fields below
	conn     *wire.Conn // nil until hello
	pending  []wire.Message
	failure  error
	oom      bool
	dumping  bool // V8 prints of itself
	blank    int  // empty lines of stderr held back
	finished bool
}

// Start starts a process for spec, in a private directory below dir, and
// returns without waiting for its hello: sink hears what follows. The process
// ends when Kill is called, when it ends by itself, or when brink dies.
func (s *Starter) Start(dir string, spec Spec, sink Sink) (*Worker, error) {
	paths, err := makePaths(dir)
	if err != nil {
		return nil, err
	}
	w := &Worker{spec: spec, paths: paths, sink: sink, done: make(chan struct{}), reaped: make(chan struct{})}
	listener, err := net.Listen("unix", paths.Control)
	if err != nil {
		os.RemoveAll(paths.Dir)
		return nil, fmt.Errorf("cannot listen for worker: %w", err)
	}
	if err := w.exec(s); err != nil {
		listener.Close()
		os.RemoveAll(paths.Dir)
		return nil, err
	}
	var readers sync.WaitGroup
	readers.Go(func() { w.converse(listener) })
	go w.wait(listener, &readers)
	return w, nil
}

func makePaths(dir string) (Paths, error) {
	own, err := os.MkdirTemp(dir, "w")
	if err != nil {
		return Paths{}, fmt.Errorf("cannot make a worker's directory: %w", err)
	}
	p := Paths{Dir: own, HTTP: own + "/h", Control: own + "/c", Tmp: own + "/tmp"}
	if err := os.Mkdir(p.Tmp, 0o700); err != nil {
		os.RemoveAll(own)
		return Paths{}, fmt.Errorf("cannot make a worker's directory: %w", err)
	}
	return p, nil
}

func (w *Worker) exec(s *Starter) error {
	c := w.spec.Command(w.paths)
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append([]string{
		wire.EnvProtocol + "=1",
		wire.EnvHTTPSocket + "=" + w.paths.HTTP,
		wire.EnvControlSocket + "=" + w.paths.Control,
	}, c.Env...)
	w.lines[0] = &lineWriter{emit: func(line string) { w.sink.Output(Stdout, line) }}
	w.lines[1] = &lineWriter{emit: w.stderr}
	cmd.Stdout, cmd.Stderr = w.lines[0], w.lines[1]
	// A grandchild that holds the pipes must not keep a dead worker.
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = processAttributes()
	if err := s.start(cmd); err != nil {
		return fmt.Errorf("cannot start worker for %q: %w", w.spec.Function, err)
	}
	w.cmd = cmd
	limitCPU(cmd.Process.Pid, w.spec.CPUBackstop)
	w.meter = newMeter(cmd.Process.Pid, w.spec.MainThreadCPU)
	return nil
}

// oomTexts are how V8 says that its heap is full before it traps.
var oomTexts = []string{"Fatal JavaScript out of memory", "JavaScript heap out of memory", "Reached heap limit"}

// dumpHeads begin what V8 prints of itself before it traps, to the end of the
// stream. It says nothing about the user's code.
var dumpHeads = []string{"<--- Last few GCs --->", "# Fatal "}

// stderr takes a line of stderr. Empty lines are held back until another
// follows: V8's dump begins with some.
func (w *Worker) stderr(line string) {
	w.mu.Lock()
	for _, text := range oomTexts {
		w.oom = w.oom || strings.Contains(line, text)
	}
	for _, head := range dumpHeads {
		w.dumping = w.dumping || strings.HasPrefix(line, head)
	}
	var blank int
	switch {
	case w.dumping:
		w.mu.Unlock()
		return
	case line == "" || line == "#":
		w.blank++
		w.mu.Unlock()
		return
	}
	blank, w.blank = w.blank, 0
	w.mu.Unlock()
	for range blank {
		w.sink.Output(Stderr, "")
	}
	w.sink.Output(Stderr, line)
}

// converse accepts the worker's one connection and hands its messages on.
func (w *Worker) converse(listener net.Listener) {
	conn, err := acceptOne(listener, w.spec.Patient)
	if err != nil {
		w.fail(fmt.Errorf("worker did not connect: %w", err))
		return
	}
	defer conn.Close()
	wc := wire.NewConn(conn)
	hello, err := wc.Receive()
	if err == nil {
		err = wire.CheckHello(hello)
	}
	if err != nil {
		w.fail(fmt.Errorf("cannot greet worker: %w", err))
		return
	}
	w.connected(wc)
	for {
		m, err := wc.Receive()
		if err != nil {
			if errors.Is(err, wire.ErrLineTooLong) {
				w.fail(err)
			}
			w.lapse()
			return
		}
		w.sink.Message(m)
	}
}

// lastWords is how long a worker without a control connection may take to end
// by itself: one that is exiting still has its error to print.
const lastWords = time.Second

// lapse ends a worker whose control connection has ended: it must not live on.
func (w *Worker) lapse() {
	t := time.NewTimer(lastWords)
	defer t.Stop()
	select {
	case <-w.reaped:
	case <-t.C:
		w.Kill()
	}
}

func acceptOne(l net.Listener, patient bool) (net.Conn, error) {
	defer l.Close()
	if d, ok := l.(*net.UnixListener); ok && !patient {
		if err := d.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
			return nil, err
		}
	}
	return l.Accept()
}

func (w *Worker) connected(c *wire.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = c
	for _, m := range w.pending {
		// A failed send means that the process is going: Receive sees it too.
		_ = c.Send(m)
	}
	w.pending = nil
}

// fail records why the protocol failed and ends the process.
func (w *Worker) fail(err error) {
	w.mu.Lock()
	if w.failure == nil && !w.finished {
		w.failure = err
	}
	w.mu.Unlock()
	w.Kill()
}

// wait reaps the process; nobody else calls Wait.
func (w *Worker) wait(listener net.Listener, readers *sync.WaitGroup) {
	err := w.cmd.Wait()
	close(w.reaped)
	for _, l := range w.lines {
		l.flush()
	}
	w.mu.Lock()
	w.finished = true
	w.mu.Unlock()
	killGroup(w.cmd.Process.Pid)
	listener.Close()
	readers.Wait()
	w.meter.close()
	os.RemoveAll(w.paths.Dir)
	w.sink.Exited(w.exit(err))
	close(w.done)
}

func (w *Worker) exit(err error) Exit {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := Exit{Code: w.cmd.ProcessState.ExitCode(), Err: w.failure, OutOfMemory: w.oom}
	e.CPU = w.cmd.ProcessState.UserTime() + w.cmd.ProcessState.SystemTime()
	e.Signal = signalName(w.cmd.ProcessState)
	if e.Err == nil && err != nil && e.Code == 0 {
		e.Err = err
	}
	return e
}

// Open opens the gate: the worker reads the user's code now. From here on
// Sample counts.
func (w *Worker) Open() {
	w.meter.start()
	m := wire.Message{Type: wire.TypeGo, Env: w.spec.Env}
	if w.spec.Options != nil {
		m.Options = w.spec.Options(w.paths)
	}
	w.send(m)
}

// BeforeUnload dispatches beforeunload with reason in the worker, which
// answers with a closing message.
func (w *Worker) BeforeUnload(reason string) {
	w.send(wire.Message{Type: wire.TypeBeforeUnload, Reason: reason})
}

// Drain tells the worker that nothing new will come.
func (w *Worker) Drain(reason string) { w.send(wire.Message{Type: wire.TypeDrain, Reason: reason}) }

// AskMemory asks for a memory message.
func (w *Worker) AskMemory() { w.send(wire.Message{Type: wire.TypeSample}) }

// send queues until hello. A worker that does not read its control connection
// is not waited for: the socket's buffer takes more than brink ever sends, and
// a process that is gone is reported by Exited.
func (w *Worker) send(m wire.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil {
		w.pending = append(w.pending, m)
		return
	}
	_ = w.conn.Send(m)
}

// Dial opens a new connection to the worker's HTTP socket.
func (w *Worker) Dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", w.paths.HTTP)
}

// Sample returns the CPU time used and the resident memory taken, in bytes,
// since Open. Before Open and after the end both are 0. It costs a few
// microseconds.
func (w *Worker) Sample() (cpu time.Duration, resident int64) { return w.meter.read() }

// Kill ends the process and everything it started, at once and without
// waiting. The polite part (drain, beforeunload) is the protocol's, so there
// is no SIGTERM before it: a function could trap that.
func (w *Worker) Kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Once reaped, the pid may be somebody else's.
	if !w.finished {
		killGroup(w.cmd.Process.Pid)
		_ = w.cmd.Process.Kill()
	}
}

// Done is closed when the process is reaped and Sink.Exited has returned.
func (w *Worker) Done() <-chan struct{} { return w.done }

// PID returns the process id, for logs.
func (w *Worker) PID() int { return w.cmd.Process.Pid }
