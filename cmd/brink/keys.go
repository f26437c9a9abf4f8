package main

import (
	"context"
	"os"
	"sync"
)

// Key is one of the keys that do something while brink serves.
type Key byte

// The keys. KeyInterrupt is Ctrl-C where the terminal hands it over as a byte
// (Windows); elsewhere it stays SIGINT.
const (
	KeyRestart   Key = 'r'
	KeyPolicy    Key = 'p'
	KeyClear     Key = 'c'
	KeyQuit      Key = 'q'
	KeyHelp      Key = '?'
	KeyInterrupt Key = 3
)

// keysHelp is what KeyHelp shows.
const keysHelp = `  r  restart every function: take up edited code
  p  switch between per_request and per_worker
  c  clear the terminal
  q  quit, as Ctrl-C does
  ?  this help`

// keyboard is a terminal that can hand over single keys. The terminal's output
// stays as it is: lines may be written with "\n" alone.
type keyboard interface {
	// begin switches to single keys without echo, if this process may.
	begin() error
	// read blocks until keys were typed, interrupt was called (io.EOF), or
	// the terminal is gone. A process in the background waits, and leaves the
	// terminal to the one in front.
	read(buf []byte) (int, error)
	// interrupt ends read, now or later.
	interrupt()
	// end restores the terminal; further calls do nothing.
	end() error
	// close gives up what the keyboard holds; read has returned.
	close() error
}

// Keys delivers the keys typed on a terminal until Close, or until the context
// it was started with ends. Both restore the terminal.
type Keys struct {
	keyboard keyboard
	typed    chan Key
	quit     chan struct{}
	stop     sync.Once
	running  sync.WaitGroup
	detach   func() bool
	err      error // of end and close; set before Close returns
}

// StartKeys begins to read single keys from stdin. It returns nil and no error
// when stdin is no terminal: a nil *Keys delivers nothing and may be closed.
// Call it only for output that people read, and defer Close, so that a panic
// restores the terminal too.
func StartKeys(ctx context.Context, stdin any) (*Keys, error) {
	if !isTerminal(stdin) {
		return nil, nil
	}
	kb, err := newKeyboard(stdin.(*os.File))
	if err != nil {
		return nil, err
	}
	return startKeys(ctx, kb)
}

func startKeys(ctx context.Context, kb keyboard) (*Keys, error) {
	if err := kb.begin(); err != nil {
		kb.close()
		return nil, err
	}
	k := &Keys{keyboard: kb, typed: make(chan Key), quit: make(chan struct{})}
	k.running.Go(k.run)
	k.detach = context.AfterFunc(ctx, k.release)
	return k, nil
}

// Typed returns the channel of keys; nil for a nil *Keys. It is never closed.
func (k *Keys) Typed() <-chan Key {
	if k == nil {
		return nil
	}
	return k.typed
}

// Close restores the terminal and waits for the reader. It is idempotent, and
// must not be called from two goroutines at once.
func (k *Keys) Close() error {
	if k == nil || k.detach == nil {
		return nil
	}
	k.detach()
	k.release()
	k.running.Wait()
	k.detach = nil
	k.err = k.keyboard.close()
	return k.err
}

// release gives the terminal back and lets the reader go, without waiting.
func (k *Keys) release() {
	k.stop.Do(func() {
		close(k.quit)
		k.keyboard.interrupt()
		k.keyboard.end()
	})
}

func (k *Keys) run() {
	buf := make([]byte, 64)
	for {
		n, err := k.keyboard.read(buf)
		for _, key := range parseKeys(buf[:n]) {
			select {
			case k.typed <- key:
			case <-k.quit:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// parseKeys finds the keys in what a terminal sent at once. An escape sequence
// (an arrow, a function key, a paste) is no key, and ends the reading: what
// follows belongs to it.
func parseKeys(typed []byte) []Key {
	var keys []Key
	for _, b := range typed {
		switch {
		case b == 0x1b:
			return keys
		case b >= 'A' && b <= 'Z':
			b += 'a' - 'A'
		}
		switch key := Key(b); key {
		case KeyRestart, KeyPolicy, KeyClear, KeyQuit, KeyHelp, KeyInterrupt:
			keys = append(keys, key)
		}
		if b == 'h' {
			keys = append(keys, KeyHelp)
		}
	}
	return keys
}
