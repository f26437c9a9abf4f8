//go:build linux || darwin

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/term"
)

// unixKeyboard reads single keys with the terminal in cbreak mode: no echo and
// no lines, but Ctrl-C and Ctrl-Z still signals and "\n" still a whole new
// line, both of which x/term's MakeRaw takes away (termios(4): ISIG, OPOST).
//
// It waits with select(2), since a blocking read of a terminal cannot be
// ended, and since a read from the background stops the process (SIGTTIN).
type unixKeyboard struct {
	fd         int
	original   *term.State
	wakeR      *os.File // a byte here wakes the reader
	wakeW      *os.File
	foreground func() bool
	signals    chan os.Signal
	stopped    chan struct{} // interrupt was called
	stopOnce   sync.Once
	watching   sync.WaitGroup

	mu    sync.Mutex // guards ended, and the terminal's settings
	ended bool
}

func newKeyboard(f *os.File) (keyboard, error) {
	fd := int(f.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("cannot read the terminal's settings: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot read keys: %w", err)
	}
	if max(fd, int(r.Fd())) >= syscall.FD_SETSIZE {
		r.Close()
		w.Close()
		return nil, errors.New("cannot read keys: too many open files for select")
	}
	return &unixKeyboard{
		fd: fd, original: state, wakeR: r, wakeW: w,
		foreground: func() bool { return inForeground(fd) },
		signals:    make(chan os.Signal, 1),
		stopped:    make(chan struct{}),
	}, nil
}

// inForeground says whether this process may use the terminal: its group is
// the one in front, or the terminal is not the one that controls it.
func inForeground(fd int) bool {
	var group int32
	if err := ioctl(fd, syscall.TIOCGPGRP, unsafe.Pointer(&group)); err != nil {
		return true
	}
	return int(group) == syscall.Getpgrp()
}

func (k *unixKeyboard) begin() error {
	signal.Notify(k.signals, syscall.SIGCONT, syscall.SIGQUIT)
	k.watching.Go(k.watch)
	return k.enter()
}

// watch waits for signals: after SIGCONT brink is perhaps in front again, with
// settings that a shell has reset; SIGQUIT ends the process with a dump, and
// the terminal has to be restored before.
func (k *unixKeyboard) watch() {
	defer signal.Stop(k.signals)
	for {
		select {
		case <-k.stopped:
			return
		case s := <-k.signals:
			if s == syscall.SIGQUIT {
				k.end()
				signal.Reset(syscall.SIGQUIT)
				syscall.Kill(syscall.Getpid(), syscall.SIGQUIT)
				continue
			}
			k.enter() // a terminal that is gone ends the reader
			k.wake()
		}
	}
}

// enter switches to cbreak mode when this process is in front.
func (k *unixKeyboard) enter() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended || !k.foreground() {
		return nil
	}
	var t syscall.Termios
	if err := ioctl(k.fd, getTermios, unsafe.Pointer(&t)); err != nil {
		return fmt.Errorf("cannot read the terminal's settings: %w", err)
	}
	t.Lflag &^= syscall.ICANON | syscall.ECHO | syscall.ECHONL
	t.Lflag |= syscall.ISIG
	t.Cc[syscall.VMIN], t.Cc[syscall.VTIME] = 1, 0
	if err := ioctl(k.fd, setTermios, unsafe.Pointer(&t)); err != nil {
		return fmt.Errorf("cannot switch the terminal to single keys: %w", err)
	}
	return nil
}

func (k *unixKeyboard) read(buf []byte) (int, error) {
	for {
		fds := []int{int(k.wakeR.Fd())}
		if k.foreground() { // else the keys are another program's
			fds = append(fds, k.fd)
		}
		ready, err := selectRead(fds)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("cannot wait for keys: %w", err)
		}
		if ready[0] {
			if _, err := k.wakeR.Read(make([]byte, 16)); err != nil {
				return 0, err
			}
			select {
			case <-k.stopped:
				return 0, io.EOF
			default:
				continue
			}
		}
		if !k.foreground() {
			continue
		}
		n, err := syscall.Read(k.fd, buf)
		switch {
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.EAGAIN):
			continue
		case err != nil:
			return 0, fmt.Errorf("cannot read keys: %w", err)
		case n == 0:
			return 0, io.EOF // the terminal hung up
		}
		return n, nil
	}
}

// wake makes the reader look again.
func (k *unixKeyboard) wake() {
	// The reader drains the pipe; a full one wakes it just as well.
	_, _ = k.wakeW.Write([]byte{0})
}

func (k *unixKeyboard) interrupt() {
	k.stopOnce.Do(func() {
		close(k.stopped)
		k.wake()
	})
}

func (k *unixKeyboard) end() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return nil
	}
	k.ended = true
	if !k.foreground() {
		return nil // the settings are another program's now; setting them would stop us (SIGTTOU)
	}
	if err := term.Restore(k.fd, k.original); err != nil {
		return fmt.Errorf("cannot restore the terminal: %w; type reset", err)
	}
	return nil
}

func (k *unixKeyboard) close() error {
	k.interrupt()
	k.watching.Wait()
	return errors.Join(k.wakeR.Close(), k.wakeW.Close())
}

// selectRead waits until at least one of fds can be read.
func selectRead(fds []int) ([]bool, error) {
	var set syscall.FdSet
	word := int(unsafe.Sizeof(set.Bits[0])) * 8
	highest := 0
	for _, fd := range fds {
		set.Bits[fd/word] |= 1 << (fd % word)
		highest = max(highest, fd)
	}
	if err := selectFds(highest+1, &set); err != nil {
		return nil, err
	}
	ready := make([]bool, len(fds))
	for i, fd := range fds {
		ready[i] = set.Bits[fd/word]&(1<<(fd%word)) != 0
	}
	return ready, nil
}

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}
