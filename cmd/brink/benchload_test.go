package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// caller sends the same GET again and again on one connection. It parses only
// what it must: the load generator has the same two hands as what it measures.
type caller struct {
	address string
	request []byte
	conn    net.Conn
	br      *bufio.Reader
}

func newCaller(p *peer) *caller {
	head := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n", p.path, p.address)
	return &caller{address: p.address, request: []byte(head)}
}

func (c *caller) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// call makes one request and returns its status.
func (c *caller) call() (status int, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.address); err != nil {
			return 0, err
		}
		c.br = bufio.NewReader(c.conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, err
	}
	return c.answer()
}

// answer reads one response to its end.
func (c *caller) answer() (status int, err error) {
	length := 0 // -1: chunked
	for first := true; ; first = false {
		line, err := c.br.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case first && len(line) > 12:
			status, err = strconv.Atoi(string(line[9:12]))
		case len(line) == 0:
			return status, c.body(length)
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = -1
		}
		if err != nil {
			return 0, err
		}
	}
}

func (c *caller) body(length int) error {
	if length >= 0 {
		_, err := c.br.Discard(length)
		return err
	}
	for {
		line, err := c.br.ReadString('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(line[:max(len(line)-2, 0)], 16, 32)
		if err != nil {
			return err
		}
		if _, err := c.br.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}

// measured is what a load came to.
type measured struct {
	rate  float64 // calls for each second
	times []time.Duration
}

func (m measured) p50() time.Duration { return median(m.times) }
func (m measured) p99() time.Duration { return quantile(m.times, 0.99) }

// load has n clients call for a while, one call after another each.
func (p *peer) load(n int, for_ time.Duration) measured {
	p.s.Helper()
	return p.s.drive(n, for_, func() (func() error, func()) {
		c := newCaller(p)
		return func() error {
			status, err := c.call()
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("status %d", status)
			}
			return err
		}, c.close
	})
}

// paced makes n calls, one at a time, each some time after the last.
func (p *peer) paced(n int, every time.Duration) measured {
	p.s.Helper()
	c := newCaller(p)
	defer c.close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	var m measured
	for range n {
		<-tick.C
		from := time.Now()
		if status, err := c.call(); err != nil || status != http.StatusOK {
			p.s.Fatalf("status %d, %v", status, err)
		}
		m.times = append(m.times, time.Since(from))
	}
	return m
}

// drive runs n loops for a while; open makes what each of them repeats.
func (s *stand) drive(n int, for_ time.Duration, open func() (call func() error, done func())) measured {
	s.Helper()
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex // guards all and errs
		all  measured
		errs []error
	)
	from := time.Now()
	until := from.Add(for_)
	for range n {
		wg.Go(func() {
			call, done := open()
			defer done()
			var times []time.Duration
			var failed error
			for last := time.Now(); failed == nil && last.Before(until); {
				failed = call()
				now := time.Now()
				times = append(times, now.Sub(last))
				last = now
			}
			mu.Lock()
			defer mu.Unlock()
			all.times = append(all.times, times...)
			errs = append(errs, failed)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		s.Fatal(err)
	}
	all.rate = float64(len(all.times)) / time.Since(from).Seconds()
	return all
}

// echoMessage is one masked text frame of 32 bytes; a zero mask leaves its
// payload as it is.
var echoMessage = append([]byte{0x81, 0x80 | 32, 0, 0, 0, 0}, bytes.Repeat([]byte("x"), 32)...)

// echoes has n sockets send a message and wait for its echo, again and again.
func (p *peer) echoes(n int, for_ time.Duration) measured {
	p.s.Helper()
	return p.s.drive(n, for_, func() (func() error, func()) {
		conn, br, err := p.handshake()
		if err != nil {
			return func() error { return err }, func() {}
		}
		echo := make([]byte, 2+32)
		return func() error {
			if _, err := conn.Write(echoMessage); err != nil {
				return err
			}
			_, err := io.ReadFull(br, echo)
			return err
		}, func() { conn.Close() }
	})
}

func (p *peer) handshake() (net.Conn, *bufio.Reader, error) {
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", p.path, p.address)
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, nil)
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the handshake was answered with %s", resp.Status)
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, br, nil
}
