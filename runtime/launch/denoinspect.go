package launch

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// inspectPorts hands out ports for debuggers, one for each worker: the first
// free one from where the project says. Its methods may be called by many
// goroutines at once.
type inspectPorts struct {
	first int

	mu    sync.Mutex
	taken map[int]time.Time // guarded by mu: when a port was handed out
}

const (
	// inspectSpread is how many ports are looked at.
	inspectSpread = 100
	// inspectClaim is how long a port belongs to a worker that has not listened
	// on it yet.
	inspectClaim = 5 * time.Second
)

// next returns a port that nobody listens on, or 0, which has the engine take
// any, when there is none.
func (p *inspectPorts) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for port := p.first; port < p.first+inspectSpread && port <= 65535; port++ {
		if time.Since(p.taken[port]) < inspectClaim {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		l.Close()
		if p.taken == nil {
			p.taken = map[int]time.Time{}
		}
		p.taken[port] = time.Now()
		return port
	}
	return 0
}

// inspectArgs is the engine's flag for the debugger, none without a mode.
func (d *Deno) inspectArgs(function string) []string {
	flag := ""
	switch d.o.InspectMode {
	case "run":
		flag = "--inspect"
	case "brk", "wait":
		flag = "--inspect-" + d.o.InspectMode
	default:
		return nil
	}
	port := d.inspect.next()
	if d.o.Debugger != nil {
		d.o.Debugger(function, port)
	}
	return []string{fmt.Sprintf("%s=127.0.0.1:%d", flag, port)}
}
