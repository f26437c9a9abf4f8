package worker

import (
	"os/exec"
	goruntime "runtime"
	"sync"
)

// Starter starts processes from one operating-system thread that lives as long
// as it does: on Linux a child's parent-death signal is sent when the thread
// that forked it ends, not the process (prctl(2), PR_SET_PDEATHSIG), and Go
// ends threads as it likes. That thread is also the one that gives up what no
// worker may do (see confineThread): a child inherits it. Close the Starter
// after the last worker is gone.
type Starter struct {
	requests chan startRequest
	wg       sync.WaitGroup
	once     sync.Once
}

type startRequest struct {
	cmd  *exec.Cmd
	done chan error
}

// NewStarter returns a Starter with its thread running.
func NewStarter() *Starter {
	s := &Starter{requests: make(chan startRequest)}
	s.wg.Go(func() {
		goruntime.LockOSThread()
		confineThread()
		for r := range s.requests {
			r.done <- r.cmd.Start()
		}
	})
	return s
}

func (s *Starter) start(cmd *exec.Cmd) error {
	r := startRequest{cmd, make(chan error, 1)}
	s.requests <- r
	return <-r.done
}

// Close ends the thread; on Linux that kills every worker still alive. Start
// must not be called afterwards. It is idempotent.
func (s *Starter) Close() {
	s.once.Do(func() { close(s.requests) })
	s.wg.Wait()
}
