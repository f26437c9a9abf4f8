package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// maxSocketPath is the longest path a Unix socket can have on macOS, which has
// the shortest limit: sun_path in sys/un.h holds 104 bytes with the final zero.
const maxSocketPath = 103

// cacheDir returns the folder brink keeps everything in that it can make again.
func cacheDir(o *IO) (string, error) {
	if dir := o.Getenv("BRINK_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	base, err := os.UserCacheDir()
	if xdg := o.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(xdg) {
		base, err = xdg, nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot find the cache folder: %w; set BRINK_CACHE", err)
	}
	return filepath.Join(base, "brink"), nil
}

// controlPath returns the Unix socket on which the brink that serves root takes
// orders: <cache>/run/<hash of root>.sock, or the same below the system's
// temporary folder when the cache's path is too long for a socket.
func controlPath(cache, root string) string {
	if resolved, err := filepath.EvalSymlinks(root); err == nil {
		root = resolved
	}
	sum := sha256.Sum256([]byte(filepath.Clean(root)))
	name := hex.EncodeToString(sum[:6]) + ".sock"
	path := filepath.Join(cache, "run", name)
	if len(path) <= maxSocketPath {
		return path
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("brink-%d", os.Getuid()), name)
}

// errControlBusy: another brink answers on the socket.
var errControlBusy = errors.New("another brink is serving this project")

// listenControl listens on path, a result of controlPath, in a folder that only
// this user can enter. A socket left behind by a brink that was killed is
// replaced; a live one is errControlBusy. Closing the listener removes it.
func listenControl(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the folder of the control socket: %w", err)
	}
	if err := checkPrivate(dir); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return nil, errControlBusy
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot replace the old control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for brink functions restart: %w", err)
	}
	return l, nil
}

// controlClient gives orders to the brink that serves a project.
type controlClient struct {
	root string
	http *http.Client
}

func newControlClient(path, root string) *controlClient {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &controlClient{root: root, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// controlFor returns the client for the project that p and o name.
func controlFor(p ProjectOptions, o *IO) (*controlClient, error) {
	project, err := findProject(p, o)
	if err != nil {
		return nil, err
	}
	cache, err := cacheDir(o)
	if err != nil {
		return nil, err
	}
	return newControlClient(controlPath(cache, project.Root), project.Root), nil
}

// notServingError: nobody listens on the project's control socket.
type notServingError struct{ root string }

func (e *notServingError) Error() string {
	return fmt.Sprintf("no brink is serving %s; start it with brink functions serve", e.root)
}

// call sends one order and decodes the answer into reply. Without a brink that
// serves the project the error is a *notServingError.
func (c *controlClient) call(ctx context.Context, method, path string, order, reply any) error {
	var body bytes.Buffer
	if order != nil {
		if err := json.NewEncoder(&body).Encode(order); err != nil {
			return fmt.Errorf("cannot write the order: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://brink"+path, &body)
	if err != nil {
		return fmt.Errorf("cannot write the order: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return &notServingError{root: c.root}
		}
		return fmt.Errorf("cannot talk to the brink that serves %s: %w", c.root, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("cannot read brink's answer: %w", err)
	}
	if res.StatusCode >= 300 {
		return errors.New(errorText(res.StatusCode, data))
	}
	if reply == nil || len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, reply); err != nil {
		return fmt.Errorf("cannot read brink's answer: %w", err)
	}
	return nil
}

// errorText finds the message in an answer that is no success.
func errorText(status int, body []byte) string {
	var e struct{ Error, Message string }
	if json.Unmarshal(body, &e) == nil && e.Error+e.Message != "" {
		if e.Message != "" {
			return e.Message
		}
		return e.Error
	}
	if text := strings.TrimSpace(string(body)); text != "" {
		return text
	}
	return fmt.Sprintf("brink answered %d %s", status, http.StatusText(status))
}
