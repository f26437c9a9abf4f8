package gateway

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/coder/websocket"
)

// The upstream of the benchmarks answers by hand, so that little of what they
// measure is its own.
func bareWorker(_ int, conn net.Conn, br *bufio.Reader) {
	for {
		for {
			line, err := br.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")); err != nil {
			return
		}
	}
}

func quiet(s *stage) { s.gateway.log = slog.New(slog.DiscardHandler) }

// hammer sends requests on one connection for each parallel client.
func hammer(b *testing.B, network, addr string) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial(network, addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		br := bufio.NewReader(conn)
		for pb.Next() {
			io.WriteString(conn, "GET /functions/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:54321\r\nAuthorization: Bearer x\r\nAccept: */*\r\n\r\n")
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
		}
	})
}

func BenchmarkHello(b *testing.B) {
	b.Run("direct", func(b *testing.B) {
		s := serveRaw(b, hello(), bareWorker)
		hammer(b, "unix", s.worker.path)
	})
	b.Run("gateway", func(b *testing.B) {
		s := serveRaw(b, hello(), bareWorker)
		quiet(s)
		hammer(b, "tcp", s.server.Listener.Addr().String())
	})
	b.Run("nethttp", func(b *testing.B) { // no upstream at all
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
		defer srv.Close()
		hammer(b, "tcp", srv.Listener.Addr().String())
	})
	b.Run("reverseproxy", func(b *testing.B) { // net/http's own, tuned
		s := serveRaw(b, hello(), bareWorker)
		to, _ := url.Parse("http://worker")
		transport := &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "unix", s.worker.path)
			}}
		defer transport.CloseIdleConnections() // the worker waits for its clients to leave
		proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) }, Transport: transport}
		srv := httptest.NewServer(proxy)
		defer srv.Close()
		hammer(b, "tcp", srv.Listener.Addr().String())
	})
}

func BenchmarkUpload(b *testing.B) {
	const size = 64 << 20
	s := serve(b, hello(), func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	quiet(s)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		r, _ := http.NewRequest("POST", s.url("/functions/v1/hello"), io.LimitReader(zeros{}, size))
		r.ContentLength = size
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func BenchmarkWebSocketEcho(b *testing.B) {
	for name, size := range map[string]int{"64B": 64, "1MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			s := serve(b, hello(), sockets(echo))
			quiet(s)
			c := s.websocket(nil)
			message := bytes.Repeat([]byte("x"), size)
			b.SetBytes(2 * int64(size))
			b.ReportAllocs()
			for b.Loop() {
				c.Write(b.Context(), websocket.MessageBinary, message)
				if _, _, err := c.Read(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
