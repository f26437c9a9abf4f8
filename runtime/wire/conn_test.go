package wire

import (
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMessagesGoThroughUnchanged(t *testing.T) {
	host, guest := net.Pipe()
	defer host.Close()
	defer guest.Close()
	sent := []Message{
		{Type: TypeHello, Protocol: Version, PID: 7},
		{Type: TypeLog, Level: LevelWarn, Text: "two\nlines", RequestID: "r", Time: time.Unix(1, 0).UTC()},
		{Type: TypeGo, Env: map[string]string{"A": ""}, Options: []byte(`{"x":1}`)},
		{Type: TypeTasks},
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		c := NewConn(guest)
		for _, m := range sent {
			if err := c.Send(m); err != nil {
				t.Error(err)
			}
		}
	})
	c := NewConn(host)
	for _, want := range sent {
		if got, err := c.Receive(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	wg.Wait()
}

// stream reads a fixed text; what is written to it is dropped.
type stream struct{ io.Reader }

func (stream) Write(p []byte) (int, error) { return len(p), nil }

func TestWhatIsNoMessageIsSkipped(t *testing.T) {
	c := NewConn(stream{strings.NewReader("nonsense\n[1]\n{}\n{\"type\":\"later\",\"new\":1}\n{\"type\":\"ready\"}\n")})
	for _, want := range []Type{"later", TypeReady} {
		if m, err := c.Receive(); err != nil || m.Type != want {
			t.Fatalf("got %+v, %v, want %s", m, err, want)
		}
	}
	if _, err := c.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestALineTooLongIsAnError(t *testing.T) {
	c := NewConn(stream{strings.NewReader(strings.Repeat("x", MaxLine+1))})
	if _, err := c.Receive(); !errors.Is(err, ErrLineTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestManySendersDoNotMixTheirLines(t *testing.T) {
	host, guest := net.Pipe()
	defer host.Close()
	c := NewConn(guest)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { c.Send(Message{Type: TypeLog, Text: strings.Repeat("a", 10000)}) })
	}
	received := NewConn(host)
	for range 20 {
		if m, err := received.Receive(); err != nil || len(m.Text) != 10000 {
			t.Fatalf("%d bytes, %v", len(m.Text), err)
		}
	}
	wg.Wait()
	guest.Close()
}

func TestCheckHelloNamesTheFix(t *testing.T) {
	if err := CheckHello(Message{Type: TypeHello, Protocol: Version}); err != nil {
		t.Error(err)
	}
	if err := CheckHello(Message{Type: TypeReady}); err == nil {
		t.Error("ready is no hello")
	}
	err := CheckHello(Message{Type: TypeHello, Protocol: 2})
	if v, ok := errors.AsType[*VersionError](err); !ok || v.Got != 2 || !strings.Contains(err.Error(), "update brink") {
		t.Errorf("got %v", err)
	}
}

// A Go worker is built with Source: it has to be the files of this package.
func TestSourceHoldsWhatAWorkerNeeds(t *testing.T) {
	for _, name := range []string{"doc.go", "message.go", "conn.go"} {
		text, err := Source.ReadFile(name)
		if err != nil || !strings.Contains(string(text), "package wire") {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(string(text), `"brink/`) {
			t.Errorf("%s imports the project", name)
		}
	}
}
