package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"brink/policy"
)

// fakeVerifier lets "Bearer good" and the key "good" pass.
type fakeVerifier struct{}

func (fakeVerifier) Verify(_ context.Context, authorization, apikey string) *Refusal {
	if authorization == "Bearer good" || apikey == "good" {
		return nil
	}
	return &Refusal{401, "UNAUTHORIZED_JWT", []byte(`{"code":"UNAUTHORIZED_JWT"}`), "expired 4 minutes ago"}
}

func (fakeVerifier) User(_ context.Context, authorization string) (int, []byte) {
	if authorization != "Bearer good" {
		return 401, []byte(`{}`)
	}
	return 200, []byte(`{"id":"u"}`)
}

func (fakeVerifier) PublicJWKS() []byte { return []byte(`{"keys":[]}`) }

func ok(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }

func TestUnknownFunctions(t *testing.T) {
	s := serve(t, hello(), ok)
	s.gateway.nearest = func(name string, known []string) string {
		if name == "helo" && len(known) == 1 {
			return known[0]
		}
		return ""
	}
	for _, path := range []string{"helo", "", "/hello", "Hello", "%68ello", "hello%2Fa", "_shared", "__proto__", "_internal", "_internal/x", "hello;x"} {
		resp, body := s.get("/functions/v1/" + path)
		if resp.StatusCode != 404 || body != "Function not found" || resp.Header.Get("Content-Type") != "text/plain" || resp.Header.Get("sb-error-code") != "NOT_FOUND" {
			t.Errorf("%q: %d %v %q", path, resp.StatusCode, resp.Header, body)
		}
	}
	if got := s.logs.wait(t, "hint", 1).text("message"); got != `no function is called "helo": did you mean "hello"?` {
		t.Errorf("hint = %q", got)
	}
	s.get("/functions/v1/helo")
	for i, hint := range s.logs.of("hint") {
		if i > 0 && strings.Contains(hint.text("message"), `"helo"`) {
			t.Error("the hint came twice")
		}
	}
}

func TestMethods(t *testing.T) {
	s := serve(t, hello(), ok)
	for method, want := range map[string]int{
		"GET": 200, "HEAD": 200, "POST": 200, "PUT": 200, "PATCH": 200, "DELETE": 200, "OPTIONS": 200,
		"TRACE": 405, "PROPFIND": 405, "get": 405,
	} {
		resp, _ := s.do(method, "/functions/v1/hello", nil, nil)
		if resp.StatusCode != want {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
	if got := s.raw("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 ") {
		t.Errorf("OPTIONS *: %q", got)
	}
}

func TestTheGate(t *testing.T) {
	fn := hello()
	fn.VerifyJWT = true
	s := serve(t, fn, ok)
	table := Table{Functions: map[string]Function{"hello": fn}, Verifier: fakeVerifier{}}
	s.gateway.SetTable(table)
	for _, tt := range []struct {
		method string
		header http.Header
		want   int
	}{
		{"GET", http.Header{"Authorization": {"Bearer good"}}, 200},
		{"GET", http.Header{"Apikey": {"good"}}, 200},
		{"GET", http.Header{"Sb-Api-Key": {"good"}}, 401},
		{"GET", nil, 401},
		{"OPTIONS", nil, 200},
	} {
		resp, body := s.do(tt.method, "/functions/v1/hello", tt.header, nil)
		if resp.StatusCode != tt.want {
			t.Errorf("%s %v: %d", tt.method, tt.header, resp.StatusCode)
		}
		if tt.want == 401 && (body != `{"code":"UNAUTHORIZED_JWT"}` || resp.Header.Get("sb-error-code") != "UNAUTHORIZED_JWT" || resp.Header.Get("Access-Control-Allow-Origin") != "*") {
			t.Errorf("%v %s", resp.Header, body)
		}
	}
	if got := s.logs.wait(t, "request", 4).text("cause"); got != "token refused: expired 4 minutes ago" {
		t.Errorf("cause = %q", got)
	}
	if _, _, err := websocket.Dial(t.Context(), s.url("/functions/v1/hello"), nil); err == nil {
		t.Error("the handshake passed")
	}
	if got := s.logs.wait(t, "hint", 1).text("message"); !strings.Contains(got, "verify_jwt = false in [functions.hello]") || !strings.Contains(got, "?jwt=") {
		t.Errorf("hint = %q", got)
	}
	table.Verifier = nil
	s.gateway.SetTable(table)
	if resp, _ := s.get("/functions/v1/hello"); resp.StatusCode != 500 {
		t.Errorf("without keys: %d", resp.StatusCode)
	}
}

func TestCORSIsTheFunctionsOwn(t *testing.T) {
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			w.Header().Set("Access-Control-Allow-Origin", "http://a.test")
		}
	})
	origin := http.Header{"Origin": {"http://a.test"}}
	if resp, _ := s.do("GET", "/functions/v1/hello?cors", origin, nil); resp.Header.Get("Access-Control-Allow-Origin") != "http://a.test" {
		t.Errorf("headers %v", resp.Header)
	}
	s.do("GET", "/functions/v1/hello", http.Header{"Origin": {s.server.URL}}, nil)
	if hints := s.logs.of("hint"); len(hints) != 0 {
		t.Errorf("hints without need: %v", hints)
	}
	for range 2 {
		if resp, _ := s.do("GET", "/functions/v1/hello", origin, nil); resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("headers %v", resp.Header)
		}
	}
	s.logs.wait(t, "request", 4)
	if hints := s.logs.of("hint"); len(hints) != 1 || !strings.Contains(hints[0].text("message"), "Access-Control-Allow-Origin") {
		t.Errorf("hints: %v", hints)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	s := serve(t, hello(), ok)
	s.gateway.metrics = func() map[string]any { return map[string]any{"activeUserWorkersCount": 3} }
	if resp, body := s.get("/functions/v1/_internal/health"); resp.StatusCode != 200 || body != `{"message":"ok"}` {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := s.do("HEAD", "/functions/v1/_internal/health", nil, nil); resp.StatusCode != 200 {
		t.Errorf("HEAD: %d", resp.StatusCode)
	}
	_, body := s.get("/functions/v1/_internal/metric?x")
	var m map[string]int
	if err := json.Unmarshal([]byte(body), &m); err != nil || m["receivedRequestsCount"] != 3 || m["activeUserWorkersCount"] != 3 {
		t.Errorf("%v %s", err, body)
	}
}

func TestStandingAlone(t *testing.T) {
	s := serve(t, hello(), ok)
	s.gateway.SetTable(Table{Functions: map[string]Function{"hello": hello(), "a": {Name: "a"}}, Verifier: fakeVerifier{}})
	good := http.Header{"Authorization": {"Bearer good"}}
	for _, tt := range []struct {
		path   string
		header http.Header
		status int
		body   string
	}{
		{"/auth/v1/user", good, 200, `{"id":"u"}`},
		{"/auth/v1/user", nil, 401, `{}`},
		{"/auth/v1/.well-known/jwks.json", nil, 200, `{"keys":[]}`},
		{"/auth/v1/health", nil, 200, `"name":"brink"`},
		{"/auth/v1/token", nil, 501, "--upstream"},
		{"/rest/v1/todos?select=*", nil, 501, "serves functions, not rest"},
		{"/storage/v1", nil, 501, "--upstream"},
		{"/", nil, 200, s.url("/functions/v1/a\n") + s.url("/functions/v1/hello\n")},
		{"/x", nil, 404, "Not Found"},
		{"/functions/v1", nil, 404, "Not Found"},
		{"//v1/", nil, 404, "Not Found"},
	} {
		resp, body := s.do("GET", tt.path, tt.header, nil)
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.body) || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v %s", tt.path, resp.StatusCode, resp.Header, body)
		}
	}
	resp, _ := s.do("OPTIONS", "/auth/v1/user", http.Header{"Origin": {"http://a"}, "Access-Control-Request-Headers": {"authorization,x-odd"}}, nil)
	if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Headers") != "authorization,x-odd" {
		t.Errorf("preflight: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestUpstreamTakesTheRest(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			kind, text, _ := c.Read(r.Context())
			c.Write(r.Context(), kind, text)
			c.Close(4000, "bye")
			return
		}
		w.Header().Set("X-Host", r.Host)
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, r.RequestURI)
	}))
	defer up.Close()
	to, _ := url.Parse(up.URL)
	s := serve(t, hello(), ok)
	s.gateway.SetTable(Table{Functions: map[string]Function{"hello": hello()}, Upstream: to})
	if resp, body := s.get("/rest/v1/todos?select=*"); resp.StatusCode != 418 || body != "/rest/v1/todos?select=*" || resp.Header.Get("X-Host") != to.Host {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	if _, body := s.get("/functions/v1/hello"); body != "ok" {
		t.Errorf("function answered %q", body)
	}
	c, _, err := websocket.Dial(t.Context(), s.url("/realtime/v1/websocket"), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Write(t.Context(), websocket.MessageText, []byte("hi"))
	if _, text, err := c.Read(t.Context()); string(text) != "hi" {
		t.Errorf("%q, %v", text, err)
	}
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != 4000 {
		t.Errorf("close: %v", err)
	}
	up.Close()
	if resp, body := s.get("/rest/v1/todos"); resp.StatusCode != 502 || !strings.Contains(body, "UPSTREAM_ERROR") || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	s.logs.wait(t, "request", 4)
	var statuses []string
	for _, rec := range s.logs.of("request") {
		statuses = append(statuses, rec.text("status"))
	}
	slices.Sort(statuses) // a socket's record comes when it ends
	if !slices.Equal(statuses, []string{"101", "200", "418", "502"}) {
		t.Errorf("records of %v", statuses)
	}
}

func TestSetTableTakesEffectAtOnce(t *testing.T) {
	s := serve(t, hello(), ok)
	s.gateway.SetTable(Table{Functions: map[string]Function{"other": {Name: "other", Kind: policy.PerWorker}}})
	if resp, _ := s.get("/functions/v1/hello"); resp.StatusCode != 404 {
		t.Errorf("hello: %d", resp.StatusCode)
	}
	if resp, _ := s.get("/functions/v1/other"); resp.StatusCode != 200 {
		t.Errorf("other: %d", resp.StatusCode)
	}
}

func TestLargeRequestHeadIsRefused(t *testing.T) {
	s := serve(t, hello(), ok)
	got := s.raw("GET /functions/v1/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: " + string(bytes.Repeat([]byte("a"), 200<<10)) + "\r\n\r\n")
	if got != "" && !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("got %q", got)
	}
}
