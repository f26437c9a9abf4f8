package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"brink/runtime/config"
	"brink/runtime/engine"
	"brink/runtime/gateway"
)

// maxSocketPath is the longest path a Unix socket can have on macOS, which has
// the shortest limit: sun_path in sys/un.h holds 104 bytes with the final zero.
const maxSocketPath = 103

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
	*gateway.ControlClient
	root string
}

func newControlClient(path, root string) *controlClient {
	return &controlClient{root: root, ControlClient: gateway.NewControlClient(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	})}
}

// controlFor returns the client for the project that options and environment
// name.
func controlFor(options config.Options, o *IO) (*controlClient, error) {
	project, err := findProject(options, o)
	if err != nil {
		return nil, err
	}
	cache, err := engine.DefaultCacheDir(o.Environ)
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

// explain replaces the error of a call that reached nobody by a
// *notServingError.
func (c *controlClient) explain(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return &notServingError{root: c.root}
	}
	return err
}
