package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"brink/runtime/wire"
)

func TestRequestIDHeaderIsTheProtocols(t *testing.T) {
	if headerRequestID != wire.HeaderRequestID {
		t.Errorf("gateway sends %q, workers read %q", headerRequestID, wire.HeaderRequestID)
	}
}

func TestTargetPassesByteForByte(t *testing.T) {
	targets := make(chan string, 1)
	s := serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
		line, _ := br.ReadString('\n')
		targets <- strings.Fields(line)[1]
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	for _, target := range []string{
		"/hello", "/hello/", "/hello?", "/hello/a?x=1", "/hello/a%2Fb%2fc", "/hello/%41?q=%zz&;a=b", "/hello//x/../y/./z", "/hello/a+b%20c?a+b", "/hello/ü", "/hello?a=b?c#d",
	} {
		got := s.raw("GET /functions/v1" + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if strings.HasPrefix(got, "HTTP/1.1 400") && strings.Contains(target, "%zz") {
			continue
		}
		if want := <-targets; want != target {
			t.Errorf("worker got %q for %q", want, target)
		}
	}
	s.raw("GET http://example.com/functions/v1/hello/a%2Fb?x HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
	if got := <-targets; got != "/hello/a%2Fb?x" {
		t.Errorf("worker got %q for an absolute target", got)
	}
}

func TestHeadersForTheFunction(t *testing.T) {
	seen := make(chan *http.Request, 1)
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) { seen <- r })
	_, port, _ := net.SplitHostPort(s.server.Listener.Addr().String())
	s.raw("GET /functions/v1/hello/a%2Fb?x=1 HTTP/1.1\r\nHost: LocalHost:54321\r\n" +
		"X-Brink-Request-Id: forged\r\nX-Brink-Fault: cpu\r\nX-Deno-Client-Address: garbage\r\nSb-Api-Key: forged\r\n" +
		"X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Real-IP: 6.6.6.6\r\n" +
		"Keep-Alive: 5\r\nProxy-Authorization: x\r\nTE: gzip, trailers\r\nX-Hop: gone\r\n" +
		"Cookie: a=1\r\nCookie: b=2\r\napikey: k\r\nAuthorization: Bearer t\r\nAccept-Encoding: br\r\nConnection: close, X-Hop\r\n\r\n")
	r := <-seen
	if r.Host != "LocalHost:54321" {
		t.Errorf("Host = %q", r.Host)
	}
	want := map[string]string{
		"X-Forwarded-For": "10.0.0.9, 127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "localhost",
		"X-Forwarded-Port": port, "X-Forwarded-Path": "/functions/v1/hello/a%2Fb", "X-Forwarded-Prefix": "/functions/v1/",
		"Te": "trailers", "Apikey": "k", "Authorization": "Bearer t", "Accept-Encoding": "br", "Cookie": "a=1; b=2",
		"X-Brink-Fault": "", "X-Deno-Client-Address": "", "Sb-Api-Key": "", "Keep-Alive": "", "Proxy-Authorization": "", "X-Hop": "", "User-Agent": "",
	}
	for name, value := range want {
		if got := strings.Join(r.Header[name], "; "); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	record := s.logs.wait(t, "request", 1)
	if id := r.Header.Get(headerRequestID); len(id) != 36 || id != record.text("request_id") {
		t.Errorf("request id = %q, record says %q", id, record.text("request_id"))
	}
}

func TestAnswersPassUnchanged(t *testing.T) {
	tests := []struct{ name, method, answer, want string }{
		{"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\nVary: Origin\r\nContent-Encoding: br\r\n\r\nhello", "Content-Encoding: br\r\nContent-Length: 5\r\nVary: Origin\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello"},
		{"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"empty chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"no content type is guessed", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "Content-Length: 6\r\n\r\n<html>"},
		{"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "Content-Length: 7\r\n\r\n"},
		{"head of chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "\r\n"},
		{"no content", "DELETE", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", "X-A: 1\r\n\r\n"},
		{"not modified", "GET", "HTTP/1.1 304 Not Modified\r\nEtag: \"a\"\r\n\r\n", "Etag: \"a\"\r\n\r\n"},
		{"redirect", "GET", "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "Content-Length: 0\r\nLocation: /x\r\n\r\n"},
		{"status of a proxy", "GET", "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", "Content-Length: 0\r\n\r\n"},
		{"hop by hop", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\r\n", "Content-Length: 0\r\n\r\n"},
		{"until the end", "GET", "HTTP/1.1 200 OK\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"trailers", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nhi\r\n0\r\nX-T: end\r\nX-U: too\r\n\r\n", "Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: end\r\nX-U: too\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
				http.ReadRequest(br)
				io.WriteString(conn, tt.answer)
			})
			got := s.raw(tt.method + " /functions/v1/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			line, rest, _ := strings.Cut(got, "\r\n")
			wantLine, _, _ := strings.Cut(tt.answer, "\r\n")
			if strings.Fields(line)[1] != strings.Fields(wantLine)[1] {
				t.Errorf("status line %q, want %q", line, wantLine)
			}
			var kept []string
			for l := range strings.SplitSeq(rest, "\r\n") {
				if !strings.HasPrefix(l, "Date: ") && l != "Connection: close" && l != "Vary: Accept-Encoding" {
					kept = append(kept, l)
				}
			}
			if got := strings.Join(kept, "\r\n"); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestEarlyHintsPass(t *testing.T) {
	s := serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
		http.ReadRequest(br)
		io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	got := s.raw("GET /functions/v1/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n") || strings.Count(got, "Link") != 1 {
		t.Errorf("got %q", got)
	}
}

func TestEachChunkIsSentAsItComes(t *testing.T) {
	next := make(chan struct{})
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	})
	resp, err := http.Get(s.url("/functions/v1/hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	br := bufio.NewReader(resp.Body)
	for i := range 3 {
		line, err := br.ReadString('\n')
		if line != fmt.Sprintf("data: %d\n", i) || err != nil {
			t.Fatalf("event %d: %q, %v", i, line, err)
		}
		br.ReadString('\n')
		next <- struct{}{}
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("end: %v", err)
	}
}

func TestHeadersAreSentBeforeTheBody(t *testing.T) {
	next := make(chan struct{})
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		w.(http.Flusher).Flush()
		<-next
		io.WriteString(w, "ok")
	})
	resp, err := http.Get(s.url("/functions/v1/hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	close(next)
	if text, err := io.ReadAll(resp.Body); string(text) != "ok" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestBothDirectionsStreamAtOnce(t *testing.T) {
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		br := bufio.NewReader(r.Body)
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				break
			}
			io.WriteString(w, "echo "+line)
			w.(http.Flusher).Flush()
		}
		w.Header().Set(http.TrailerPrefix+"X-Sum", r.Trailer.Get("X-Sum"))
	})
	pr, pw := io.Pipe()
	r, _ := http.NewRequest("POST", s.url("/functions/v1/hello"), pr)
	r.Trailer = http.Header{"X-Sum": {"42"}}
	answers := make(chan *http.Response, 1)
	go func() {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Error(err)
		}
		answers <- resp
	}()
	io.WriteString(pw, "0\n")
	resp := <-answers
	if resp == nil {
		return
	}
	defer resp.Body.Close()
	br := bufio.NewReader(resp.Body)
	for i := range 10 {
		line, err := br.ReadString('\n')
		if line != fmt.Sprintf("echo %d\n", i) || err != nil {
			t.Fatalf("line %d: %q, %v", i, line, err)
		}
		if i < 9 {
			fmt.Fprintf(pw, "%d\n", i+1)
		}
	}
	pw.Close()
	io.Copy(io.Discard, br)
	if got := resp.Trailer.Get("X-Sum"); got != "42" {
		t.Errorf("trailer there and back = %q", got)
	}
	if rec := s.logs.wait(t, "request", 1); rec.text("bytes_in") != "20" || rec.text("bytes_out") != "70" {
		t.Errorf("bytes in %s, out %s", rec.text("bytes_in"), rec.text("bytes_out"))
	}
}

func TestBodiesKeepTheirFraming(t *testing.T) {
	type framed struct {
		length int64
		te     []string
		body   string
	}
	seen := make(chan framed, 1)
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		seen <- framed{r.ContentLength, r.TransferEncoding, string(text)}
	})
	const head = "POST /functions/v1/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for _, tt := range []struct {
		send string
		want framed
	}{
		{head + "Content-Length: 5\r\n\r\nhello", framed{5, nil, "hello"}},
		{head + "Content-Length: 0\r\n\r\n", framed{0, nil, ""}},
		{head + "\r\n", framed{0, nil, ""}},
		{head + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", framed{-1, []string{"chunked"}, "hello"}},
		{strings.Replace(head, "POST", "GET", 1) + "Content-Length: 2\r\n\r\nhi", framed{2, nil, "hi"}},
	} {
		s.raw(tt.send)
		if got := <-seen; fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%q arrived as %v", tt.send, got)
		}
	}
}
