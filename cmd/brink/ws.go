package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/urfave/cli/v2"
)

// WSOptions are the arguments of `brink ws`.
type WSOptions struct {
	URL       string
	Header    http.Header
	Protocols []string
	Wait      time.Duration // after the end of input, until nothing came for so long
}

const wsExamples = `Each line typed is sent as a text message; what comes back is printed. Ctrl-D
closes. The exit code is 0 after a normal end (1000, 1001, 1005), else 1.

Examples:
  brink ws ws://127.0.0.1:54321/functions/v1/chat
  brink ws -H "Authorization: Bearer $(brink token)" ws://127.0.0.1:54321/functions/v1/chat
  echo hi | brink ws --protocol jwt-xyz ws://127.0.0.1:54321/functions/v1/chat`

func wsCommand(h handlers, o *IO) *cli.Command {
	const path = "brink ws"
	return &cli.Command{
		Name: "ws", ArgsUsage: "URL", Usage: "Talk to a WebSocket.", Description: wsExamples,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "header", Aliases: []string{"H"}, Usage: "`\"NAME: VALUE\"`sent with the handshake; may be repeated"},
			&cli.StringSliceFlag{Name: "protocol", Usage: "`P`subprotocol to offer; may be repeated"},
			&cli.DurationFlag{Name: "wait", Value: time.Second, Usage: "`D`after piped input, close when nothing came for so long (default: 1s)"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef(path, "%s takes one URL, but got %d", path, c.NArg())
			}
			opts := WSOptions{URL: wsURL(c.Args().First()), Header: http.Header{}, Protocols: c.StringSlice("protocol"), Wait: c.Duration("wait")}
			for _, line := range c.StringSlice("header") {
				name, value, ok := strings.Cut(line, ":")
				if !ok || strings.TrimSpace(name) == "" {
					return usagef(path, "header %q has no colon: write it as \"Name: value\"", line)
				}
				opts.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
			}
			return h.ws(c.Context, opts, o)
		},
	}
}

// wsURL completes what people type: a bare host and port, or an http URL.
func wsURL(typed string) string {
	switch {
	case strings.HasPrefix(typed, "http://"):
		return "ws://" + strings.TrimPrefix(typed, "http://")
	case strings.HasPrefix(typed, "https://"):
		return "wss://" + strings.TrimPrefix(typed, "https://")
	case !strings.Contains(typed, "://"):
		return "ws://" + typed
	}
	return typed
}

// maxWSMessage bounds one received message; longer ones end the connection.
const maxWSMessage = 64 << 20

// ws connects, relays lines to messages and messages to lines, and returns when
// either side has closed. An end with another code than 1000, 1001 or none is
// an error.
func ws(ctx context.Context, opts WSOptions, o *IO) error {
	conn, err := dialWS(ctx, opts)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxWSMessage)
	if p := conn.Subprotocol(); p != "" {
		fmt.Fprintf(o.Stderr, "connected (subprotocol %s)\n", p)
	} else if isTerminal(o.Stdin) {
		fmt.Fprintln(o.Stderr, "connected; type a line to send it, Ctrl-D to close")
	}

	received := make(chan []byte)
	ended := make(chan error, 1)
	// Cancelling the context of a read cuts the connection; an interrupt is to
	// close it.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	var receiver sync.WaitGroup
	receiver.Go(func() { ended <- receiveWS(reading, conn, received, isTerminal(o.Stdout)) })
	err = converse(ctx, conn, opts, o, received, ended)
	stop()
	conn.CloseNow() // ends the receiver, if it still runs
	receiver.Wait()
	return err
}

func dialWS(ctx context.Context, opts WSOptions) (*websocket.Conn, error) {
	conn, res, err := websocket.Dial(ctx, opts.URL, &websocket.DialOptions{
		HTTPHeader: opts.Header, Subprotocols: opts.Protocols,
		HTTPClient: &http.Client{Transport: spacedProtocols{http.DefaultTransport}},
	})
	if err == nil {
		return conn, nil
	}
	if res == nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // the URL was said already, and may hold a token
		}
		return nil, fmt.Errorf("cannot connect to %s: %w", opts.URL, err)
	}
	body, readErr := io.ReadAll(io.LimitReader(res.Body, 1024))
	if readErr != nil {
		body = nil
	}
	answer := strings.TrimSpace(res.Status + " " + string(body))
	return nil, fmt.Errorf("cannot connect to %s: the server answered %s instead of 101", opts.URL, sanitize(answer, false))
}

// spacedProtocols writes the list of subprotocols as browsers do, "a, b": Deno
// finds only the first one in the library's "a,b".
type spacedProtocols struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t spacedProtocols) RoundTrip(r *http.Request) (*http.Response, error) {
	const name = "Sec-WebSocket-Protocol"
	if list := r.Header.Get(name); strings.Contains(list, ",") {
		r = r.Clone(r.Context())
		r.Header.Set(name, strings.Join(strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' }), ", "))
	}
	return t.next.RoundTrip(r)
}

// receiveWS hands on messages, ready to be printed, until the connection ends
// and returns why.
func receiveWS(ctx context.Context, conn *websocket.Conn, received chan<- []byte, terminal bool) error {
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if kind == websocket.MessageBinary && terminal {
			data = fmt.Appendf(nil, "(%d bytes) % x", len(data), data[:min(64, len(data))])
		} else if terminal {
			data = []byte(sanitize(string(data), false))
		}
		select {
		case received <- data:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// converse is the loop of ws. The goroutine that reads standard input is left
// behind when the connection ends first: a read of a terminal or a pipe cannot
// be interrupted, and the process is about to exit.
func converse(ctx context.Context, conn *websocket.Conn, opts WSOptions, o *IO, received <-chan []byte, ended <-chan error) error {
	lines := make(chan string)
	done := make(chan struct{})
	defer close(done)
	go readLines(o.Stdin, lines, done)
	var quiet *time.Timer
	var silence <-chan time.Time
	for {
		select {
		case line, ok := <-lines:
			if ok {
				if err := conn.Write(ctx, websocket.MessageText, []byte(line)); err != nil {
					return describeWSEnd(<-ended, o.Stderr)
				}
				continue
			}
			lines = nil
			if isTerminal(o.Stdin) {
				return closeWS(conn, o.Stderr)
			}
			quiet = time.NewTimer(opts.Wait)
			defer quiet.Stop()
			silence = quiet.C
		case message := <-received:
			fmt.Fprintf(o.Stdout, "%s\n", message)
			if quiet != nil {
				quiet.Reset(opts.Wait)
			}
		case <-silence:
			return closeWS(conn, o.Stderr)
		case err := <-ended:
			return describeWSEnd(err, o.Stderr)
		case <-ctx.Done():
			return closeWS(conn, o.Stderr)
		}
	}
}

// readLines sends each line of r without its end, then closes lines.
func readLines(r io.Reader, lines chan<- string, done <-chan struct{}) {
	defer close(lines)
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			select {
			case lines <- strings.TrimRight(line, "\r\n"):
			case <-done:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// closeWS ends the conversation from our side.
func closeWS(conn *websocket.Conn, stderr io.Writer) error {
	err := conn.Close(websocket.StatusNormalClosure, "")
	if code := websocket.CloseStatus(err); err != nil && code != websocket.StatusNormalClosure {
		return describeWSEnd(err, stderr)
	}
	fmt.Fprintln(stderr, "closed 1000")
	return nil
}

// describeWSEnd prints the close code, and makes an error of a bad end.
func describeWSEnd(err error, stderr io.Writer) error {
	closed, ok := errors.AsType[websocket.CloseError](err)
	if !ok {
		return fmt.Errorf("connection lost without a close frame: %w", err)
	}
	text := fmt.Sprintf("closed %d", closed.Code)
	if closed.Reason != "" {
		text += " " + sanitize(closed.Reason, false)
	}
	switch closed.Code {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		fmt.Fprintln(stderr, text)
		return nil
	}
	return errors.New(text)
}
