package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fakeKeyboard hands over what a test types.
type fakeKeyboard struct {
	input   chan string
	stopped chan struct{}
	once    sync.Once
	ended   chan struct{}
	onEnd   sync.Once
	beginBy error
	closed  bool
}

func newFakeKeyboard() *fakeKeyboard {
	return &fakeKeyboard{input: make(chan string), stopped: make(chan struct{}), ended: make(chan struct{})}
}

func (k *fakeKeyboard) begin() error { return k.beginBy }

func (k *fakeKeyboard) read(buf []byte) (int, error) {
	select {
	case s := <-k.input:
		return copy(buf, s), nil
	case <-k.stopped:
		return 0, io.EOF
	}
}

func (k *fakeKeyboard) interrupt()   { k.once.Do(func() { close(k.stopped) }) }
func (k *fakeKeyboard) end() error   { k.onEnd.Do(func() { close(k.ended) }); return nil }
func (k *fakeKeyboard) close() error { k.closed = true; return nil }

func TestKeysAreDelivered(t *testing.T) {
	kb := newFakeKeyboard()
	keys, err := startKeys(t.Context(), kb)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	kb.input <- "rxP?"
	for _, want := range []Key{KeyRestart, KeyPolicy, KeyHelp} {
		if got := <-keys.Typed(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCloseOfKeysRestoresTheTerminalAlthoughNobodyListens(t *testing.T) {
	kb := newFakeKeyboard()
	keys, err := startKeys(t.Context(), kb)
	if err != nil {
		t.Fatal(err)
	}
	kb.input <- "rrr"
	for range 2 {
		if err := keys.Close(); err != nil {
			t.Fatal(err)
		}
	}
	<-kb.ended
	if !kb.closed {
		t.Error("the keyboard was not closed")
	}
}

func TestKeysRestoreTheTerminalWhenTheContextEnds(t *testing.T) {
	kb := newFakeKeyboard()
	ctx, cancel := context.WithCancel(t.Context())
	keys, err := startKeys(ctx, kb)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-kb.ended
	if err := keys.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKeysRestoreTheTerminalOnAPanic(t *testing.T) {
	kb := newFakeKeyboard()
	func() {
		defer func() { _ = recover() }()
		keys, err := startKeys(t.Context(), kb)
		if err != nil {
			t.Error(err)
		}
		defer keys.Close()
		panic("boom")
	}()
	<-kb.ended
}

func TestNoKeysWithoutATerminal(t *testing.T) {
	keys, err := StartKeys(t.Context(), strings.NewReader("r"))
	if keys != nil || err != nil {
		t.Fatalf("got %v, %v", keys, err)
	}
	if keys.Typed() != nil {
		t.Error("a nil Keys has a channel")
	}
	if err := keys.Close(); err != nil {
		t.Error(err)
	}
}

func TestAKeyboardThatCannotBeginIsAnError(t *testing.T) {
	kb := newFakeKeyboard()
	kb.beginBy = errors.New("no")
	if keys, err := startKeys(t.Context(), kb); keys != nil || err == nil || !kb.closed {
		t.Errorf("got %v, %v; closed %v", keys, err, kb.closed)
	}
}

func TestParseKeysIgnoresEscapeSequences(t *testing.T) {
	for typed, want := range map[string][]Key{
		"r": {KeyRestart}, "R": {KeyRestart}, "h": {KeyHelp}, "\x03": {KeyInterrupt}, "xyz": nil,
		"\x1b[A": nil, "r\x1bOP": {KeyRestart}, "\x1b[200~rpcq": nil, "pcq": {KeyPolicy, KeyClear, KeyQuit},
	} {
		if got := parseKeys([]byte(typed)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
}
