package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"brink/policy"
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
				if !strings.HasPrefix(l, "Date: ") && l != "Connection: close" {
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

func TestContinueComesFromTheFunction(t *testing.T) {
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hello/refuse" {
			http.Error(w, "no", http.StatusRequestEntityTooLarge)
			return
		}
		text, _ := io.ReadAll(r.Body)
		w.Write(text)
	})
	s.gateway.times.expect = time.Hour
	const head = " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
	conn, br := s.dial()
	io.WriteString(conn, "POST /functions/v1/hello"+head)
	if line, err := br.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	br.ReadString('\n')
	io.WriteString(conn, "hello")
	if rest, _ := io.ReadAll(br); !strings.HasSuffix(string(rest), "\r\n\r\nhello") {
		t.Errorf("got %q", rest)
	}
	if got := s.raw("POST /functions/v1/hello/refuse" + head); !strings.HasPrefix(got, "HTTP/1.1 413 ") {
		t.Errorf("got %q", got)
	}
}

func TestContinueIsGivenToServersThatDoNotSaySo(t *testing.T) {
	s := serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
		r, _ := http.ReadRequest(br)
		io.Copy(io.Discard, r.Body)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	s.quick()
	conn, br := s.dial()
	io.WriteString(conn, "POST /functions/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
	if line, err := br.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	io.WriteString(conn, "hello")
	if rest, _ := io.ReadAll(br); !strings.Contains(string(rest), "HTTP/1.1 200 OK") {
		t.Errorf("got %q", rest)
	}
}

func TestClientDisconnectAbortsTheFunction(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("streaming=%v", stream), func(t *testing.T) {
			started, aborted := make(chan struct{}), make(chan struct{})
			s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
				if stream {
					io.WriteString(w, "x")
					w.(http.Flusher).Flush()
				}
				close(started)
				<-r.Context().Done()
				close(aborted)
			})
			ctx, cancel := context.WithCancel(t.Context())
			r, _ := http.NewRequestWithContext(ctx, "GET", s.url("/functions/v1/hello"), nil)
			answered := make(chan struct{})
			go func() {
				if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
					close(answered)
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}()
			<-started
			if stream {
				<-answered
			}
			cancel()
			<-aborted
			rec := s.logs.wait(t, "request", 1)
			if !strings.Contains(rec.text("cause"), "the client went away") {
				t.Errorf("record %v", rec.attrs)
			}
			if want := map[bool]string{false: "499", true: "200"}[stream]; rec.text("status") != want {
				t.Errorf("status %s, want %s", rec.text("status"), want)
			}
			if released, _, _ := s.worker.counts(); released != 1 {
				t.Errorf("released %d times", released)
			}
		})
	}
}

func TestAbortedUploadAbortsTheFunction(t *testing.T) {
	failed := make(chan error, 1)
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		failed <- err
	})
	conn, _ := s.dial()
	io.WriteString(conn, "POST /functions/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbegun")
	conn.Close()
	if err := <-failed; err == nil {
		t.Error("the function saw a complete body")
	}
	if rec := s.logs.wait(t, "request", 1); rec.text("status") != "499" {
		t.Errorf("record %v", rec.attrs)
	}
}

func TestAnswerBeforeTheBodyWasRead(t *testing.T) {
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Content-Length", "4")
		io.WriteString(w, "nope")
	})
	s.quick()
	conn, br := s.dial()
	io.WriteString(conn, "POST /functions/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegun")
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "nope" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	s.logs.wait(t, "request", 1)
}

// stuckBytes is more than all socket buffers on the way hold together.
const stuckBytes = 64 << 20

func TestUploadWaitsForASlowFunction(t *testing.T) {
	hold := make(chan struct{})
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) {
		<-hold
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	conn, br := s.dial()
	fmt.Fprintf(conn, "POST /functions/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", stuckBytes)
	piece, sent := make([]byte, 1<<20), 0
	for sent < stuckBytes { // until nobody takes any more
		conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := conn.Write(piece[:min(len(piece), stuckBytes-sent)])
		sent += n
		if err != nil {
			break
		}
	}
	if sent == stuckBytes {
		t.Fatal("the gateway took all of a body that nobody read")
	}
	close(hold)
	conn.SetWriteDeadline(time.Time{})
	for sent < stuckBytes {
		n, err := conn.Write(piece[:min(len(piece), stuckBytes-sent)])
		if err != nil {
			t.Fatal(err)
		}
		sent += n
	}
	rest, _ := io.ReadAll(br)
	if !strings.HasSuffix(string(rest), fmt.Sprint(stuckBytes)) {
		t.Errorf("got %q", rest)
	}
}

func TestConnectionsAreReusedUntilTheWorkerEnds(t *testing.T) {
	s := serve(t, hello(), func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	for range 20 {
		s.do("POST", "/functions/v1/hello", nil, strings.NewReader("hi"))
	}
	if n := s.worker.accepts.Load(); n > 4 { // a body may still be on its way when its answer is through
		t.Errorf("%d connections for 20 requests", n)
	}
	p := s.gateway.pools.of(&fakeLease{f: s.worker})
	s.worker.end(policy.ReasonEarlyDrop)
	<-p.gone
	if l := p.get(); l != nil {
		t.Error("an idle connection outlived its worker")
	}
}

func TestPerRequestConnectionsAreNotKept(t *testing.T) {
	fn := hello()
	fn.Kind = policy.PerRequest
	s := serve(t, fn, func(w http.ResponseWriter, r *http.Request) {})
	for range 3 {
		s.get("/functions/v1/hello")
	}
	if n := s.worker.accepts.Load(); n != 3 {
		t.Errorf("%d connections for 3 requests", n)
	}
}

func TestClosedIdleConnectionIsNotUsed(t *testing.T) {
	closed := make(chan struct{}, 8)
	s := serveRaw(t, hello(), func(_ int, conn net.Conn, br *bufio.Reader) {
		http.ReadRequest(br)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		conn.Close()
		closed <- struct{}{}
	})
	for range 5 {
		if resp, _ := s.get("/functions/v1/hello"); resp.StatusCode != 200 {
			t.Fatalf("status %d", resp.StatusCode)
		}
		<-closed
	}
}

func TestARequestIsNeverSentTwice(t *testing.T) {
	for _, header := range []http.Header{nil, {"Idempotency-Key": {"1"}}} {
		got := make(chan int, 8)
		s := serveRaw(t, hello(), func(n int, conn net.Conn, br *bufio.Reader) {
			for i := 0; ; i++ {
				if _, err := http.ReadRequest(br); err != nil {
					return
				}
				got <- n
				if i == 1 {
					return // breaks off on the reused connection
				}
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		s.quick()
		s.get("/functions/v1/hello")
		resp, text := s.do("GET", "/functions/v1/hello", header, nil)
		if resp.StatusCode != 500 || !strings.Contains(text, "WORKER_ERROR") {
			t.Errorf("status %d, %s", resp.StatusCode, text)
		}
		if len(got) != 2 || <-got != 0 || <-got != 0 {
			t.Error("the second request did not go to the first connection, or went out again")
		}
	}
}
