package gate

import (
	"sync"
	"syscall"
)

// ByHand is what a worker says when somebody starts it without brink.
const ByHand = "This is the worker of a Go function. It does nothing by itself: `brink serve` builds and starts it.\n"

// The variables of the worker protocol; package wire names them too, but needs
// packages that come after this one.
const (
	protocol      = "1"
	envProtocol   = "BRINK_PROTOCOL"
	envHTTP       = "BRINK_HTTP_SOCKET"
	envControl    = "BRINK_CONTROL_SOCKET"
	envTmp        = "TMPDIR"
	maxLine       = 1 << 20 // as wire.MaxLine
	backlog       = 64      // messages that may arrive while the user's init functions run
	exitNotBrinks = 2
)

// Control is the control connection, once Open has returned. Its Read gives
// what came after go; its Write may be called by many goroutines at once.
var Control conn

// HTTPSocket is the path to serve HTTP on, once Open has returned.
var HTTPSocket string

// Open connects to brink, waits at the gate and returns when go has come and
// the environment is the function's. It exits the process when the process was
// not started by brink (status 2), or when brink goes away (status 0).
func Open() {
	HTTPSocket = variable(envHTTP)
	path := variable(envControl)
	tmp := variable(envTmp)
	if variable(envProtocol) != protocol || HTTPSocket == "" || path == "" {
		exit(exitNotBrinks, ByHand)
	}
	fd, err := dial(path)
	if err != nil {
		exit(exitNotBrinks, "cannot connect to brink: "+err.Error()+"\n")
	}
	Control.fd = fd
	Control.lines = make(chan []byte, backlog)
	Control.send(`{"type":"hello","protocol":` + protocol + `,"pid":` + decimal(syscall.Getpid()) + "}\n")
	Control.send(`{"type":"waiting"}` + "\n")
	setEnvironment(Control.awaitGo(), tmp)
	go Control.feed()
}

// setEnvironment leaves nothing of the process's own variables but the private
// temporary folder.
func setEnvironment(env map[string]string, tmp string) {
	syscall.Clearenv()
	if tmp != "" {
		set(envTmp, tmp)
	}
	for name, value := range env {
		set(name, value)
	}
}

func set(name, value string) {
	if err := syscall.Setenv(name, value); err != nil {
		write(2, []byte("cannot set the variable "+name+": "+err.Error()+"\n"))
	}
}

// conn is the control connection: blocking reads and writes on a descriptor,
// which need no package but syscall.
type conn struct {
	fd    int
	in    []byte      // read and not yet cut into lines; awaitGo's, then feed's
	lines chan []byte // from feed to Read
	rest  []byte      // the part of a line that Read had no room for

	mu sync.Mutex // guards writing to fd
}

// Read returns bytes of the messages that followed go. It never returns
// io.EOF: at the end of the connection the process exits.
func (c *conn) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		c.rest = <-c.lines
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write sends b in one piece. Where it cannot, brink is gone, and the process
// exits.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !write(c.fd, b) {
		syscall.Exit(0)
	}
	return len(b), nil
}

func (c *conn) send(line string) { c.Write([]byte(line)) }

// awaitGo blocks until go comes and returns its variables; other messages are
// ignored.
func (c *conn) awaitGo() map[string]string {
	for {
		if env, ok := parseGo(c.line()); ok {
			return env
		}
	}
}

// feed hands on one line after the other for as long as the process lives.
func (c *conn) feed() {
	for {
		c.lines <- c.line()
	}
}

// line returns the next line with its newline.
func (c *conn) line() []byte {
	seen := 0
	for {
		for i := seen; i < len(c.in); i++ {
			if c.in[i] == '\n' {
				line := c.in[: i+1 : i+1]
				c.in = c.in[i+1:]
				return line
			}
		}
		if seen = len(c.in); seen > maxLine {
			exit(exitNotBrinks, "brink sent a line that is too long\n")
		}
		var chunk [4096]byte
		n := read(c.fd, chunk[:])
		if n <= 0 {
			syscall.Exit(0)
		}
		c.in = append(c.in, chunk[:n]...)
	}
}

func exit(status int, why string) {
	write(2, []byte(why))
	syscall.Exit(status)
}

func variable(name string) string {
	value, _ := syscall.Getenv(name)
	return value
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}
