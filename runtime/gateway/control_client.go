package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
)

// ControlClient asks a running brink, over its control API. It may be used by
// many goroutines at once and needs no closing.
type ControlClient struct {
	http *http.Client
}

// NewControlClient returns a client that reaches brink through dial.
func NewControlClient(dial func(ctx context.Context) (net.Conn, error)) *ControlClient {
	return &ControlClient{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}}
}

// Restart restarts the named functions, or all for no names, and returns those
// that were restarted.
func (c *ControlClient) Restart(ctx context.Context, names []string) ([]string, error) {
	var a restartAnswer
	err := c.do(ctx, http.MethodPost, pathRestart, restartRequest{names}, &a)
	return a.Restarted, err
}

// End ends a function's workers with one of EndReasons and returns how many
// there were.
func (c *ControlClient) End(ctx context.Context, function, reason string) (int, error) {
	var a endAnswer
	err := c.do(ctx, http.MethodPost, pathEnd, endRequest{function, reason}, &a)
	return a.Ended, err
}

// Status decodes brink's status into v.
func (c *ControlClient) Status(ctx context.Context, v any) error {
	return c.do(ctx, http.MethodGet, pathStatus, nil, v)
}

func (c *ControlClient) do(ctx context.Context, method, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("cannot encode the request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://brink"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("cannot ask brink: %w", err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("cannot reach brink: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("cannot read brink's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var fault controlFault
		if json.Unmarshal(text, &fault) != nil || fault.Message == "" {
			fault.Message = resp.Status
		}
		return fmt.Errorf("brink refused: %s", fault.Message)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("cannot read brink's answer: %w", err)
	}
	return nil
}
