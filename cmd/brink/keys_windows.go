package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// windowsKeyboard reads single keys from a console. Raw mode changes only the
// console's input there, so output needs no care, but Ctrl-C comes as a byte.
type windowsKeyboard struct {
	file     *os.File
	original *term.State
	typed    chan []byte
	stopped  chan struct{}
	stopOnce sync.Once

	mu    sync.Mutex // guards ended
	ended bool
}

func newKeyboard(f *os.File) (keyboard, error) {
	return &windowsKeyboard{file: f, typed: make(chan []byte), stopped: make(chan struct{})}, nil
}

// begin starts a goroutine that outlives Close: a read of a console cannot be
// ended. It is gone with the next key, or with the process.
func (k *windowsKeyboard) begin() error {
	state, err := term.MakeRaw(int(k.file.Fd()))
	if err != nil {
		return fmt.Errorf("cannot switch the console to single keys: %w", err)
	}
	k.original = state
	go k.pump()
	return nil
}

func (k *windowsKeyboard) pump() {
	defer close(k.typed)
	for {
		buf := make([]byte, 64)
		n, err := k.file.Read(buf)
		if err != nil {
			return
		}
		select {
		case k.typed <- buf[:n]:
		case <-k.stopped:
			return
		}
	}
}

func (k *windowsKeyboard) read(buf []byte) (int, error) {
	select {
	case typed, ok := <-k.typed:
		if !ok {
			return 0, io.EOF
		}
		return copy(buf, typed), nil
	case <-k.stopped:
		return 0, io.EOF
	}
}

func (k *windowsKeyboard) interrupt() { k.stopOnce.Do(func() { close(k.stopped) }) }

func (k *windowsKeyboard) end() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended || k.original == nil {
		return nil
	}
	k.ended = true
	if err := term.Restore(int(k.file.Fd()), k.original); err != nil {
		return fmt.Errorf("cannot restore the console: %w", err)
	}
	return nil
}

func (k *windowsKeyboard) close() error {
	k.interrupt()
	return nil
}
