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
)

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
	s.gateway.times.leftover = time.Hour // the answer does not wait for the body
	conn, br := s.dial()
	io.WriteString(conn, "POST /functions/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegun")
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "nope" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	conn.Close()
	s.logs.wait(t, "request", 1)
}

// stuckBytes is more than all socket buffers on the way hold together.
const stuckBytes = 64 << 20

func TestIdleTimeoutDoesNotWaitForTheBody(t *testing.T) {
	fn := hello()
	fn.Limits.IdleTimeout = 20 * time.Millisecond
	s := serve(t, fn, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.gateway.times.leftover = time.Hour
	conn, br := s.dial()
	io.WriteString(conn, "POST /functions/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegun")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 504 {
		t.Errorf("%v, %v", resp, err)
	}
	conn.Close()
	s.logs.wait(t, "request", 1)
}

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
