package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"
)

// asCloseError is errors.AsType for the socket commands.
func asCloseError(err error) (websocket.CloseError, bool) {
	return errors.AsType[websocket.CloseError](err)
}

// stand starts a stand-in server that ends with the script.
func (s *script) stand(h http.Handler) string {
	server := httptest.NewServer(h)
	s.closers = append(s.closers, func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// export sets a variable for the script, and for servers started from now on.
func (s *script) export(ts *testscript.TestScript, name, value string) {
	ts.Setenv(name, value)
	s.environ = append(slices.Clip(s.environ), name+"="+value)
}

func cmdFileServer(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 2, 2, "fileserver VAR dir")
	s := stateOf(ts)
	ts.Setenv(args[0], s.stand(files(ts.MkAbs(args[1]))))
}

// files serves a folder with the content types that modules need.
func files(dir string) http.Handler {
	types := map[string]string{".ts": "application/typescript", ".js": "text/javascript", ".json": "application/json", ".wasm": "application/wasm"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer root.Close()
		text, err := root.ReadFile(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", types[filepath.Ext(r.URL.Path)])
		_, _ = w.Write(text) // a client that left is no failure
	})
}

func cmdJSRServer(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "jsrserver dir")
	s := stateOf(ts)
	s.export(ts, "JSR_URL", s.stand(&jsrRegistry{dir: ts.MkAbs(args[0])})+"/")
}

// jsrRegistry serves dir/@scope/name/version/** as a JSR registry does:
// /@scope/name/meta.json lists versions, /@scope/name/version_meta.json the
// files and exports of one (https://jsr.io/docs/api), and below that the files.
type jsrRegistry struct{ dir string }

func (j *jsrRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 3 || !strings.HasSuffix(parts[2], "meta.json") {
		files(j.dir).ServeHTTP(w, r)
		return
	}
	pkg := filepath.Join(j.dir, parts[0], parts[1])
	versions, err := os.ReadDir(pkg)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	var meta any
	if version, ok := strings.CutSuffix(parts[2], "_meta.json"); ok {
		meta, err = j.version(filepath.Join(pkg, version))
	} else {
		all := map[string]struct{}{}
		latest := ""
		for _, v := range versions {
			all[v.Name()], latest = struct{}{}, v.Name()
		}
		meta = map[string]any{"scope": parts[0][1:], "name": parts[1], "latest": latest, "versions": all}
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(meta) // a client that left is no failure
}

// version describes one version: every file of it, and the exports that a
// jsr.json beside them names, else mod.ts.
func (j *jsrRegistry) version(dir string) (any, error) {
	manifest := map[string]any{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		manifest["/"+filepath.ToSlash(rel)] = map[string]any{"size": len(text), "checksum": "sha256-" + sha256Hex(text)}
		return err
	})
	settings := struct {
		Exports any `json:"exports"`
	}{map[string]string{".": "./mod.ts"}}
	if text, readErr := os.ReadFile(filepath.Join(dir, "jsr.json")); readErr == nil {
		err = errors.Join(err, json.Unmarshal(text, &settings))
	}
	return map[string]any{"manifest": manifest, "exports": settings.Exports, "moduleGraph2": map[string]any{}}, err
}

func sha256Hex(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func cmdEchoServer(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "echoserver VAR")
	s := stateOf(ts)
	ts.Setenv(args[0], s.stand(http.HandlerFunc(standInEcho)))
}

// standInEcho tells what it was asked, and sends messages back.
func standInEcho(w http.ResponseWriter, r *http.Request) {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		echoSocket(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body) // what came of it is shown
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Stand-In", "echo")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "url": r.RequestURI, "host": r.Host, "header": r.Header, "body": string(body),
	})
}

func echoSocket(w http.ResponseWriter, r *http.Request) {
	protocols := strings.FieldsFunc(r.Header.Get("Sec-WebSocket-Protocol"), func(c rune) bool { return c == ',' || c == ' ' })
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: protocols})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if c.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}

func cmdTakePort(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	only(ts, args, 1, 1, "takeport VAR")
	s := stateOf(ts)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	s.closers = append(s.closers, func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}
