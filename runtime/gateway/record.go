package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"brink/policy"
)

// visit is one request while it is being served, and what its record says.
// Only the goroutine that serves it uses it.
type visit struct {
	id     string
	start  time.Time
	method string
	path   string

	function string
	worker   string
	status   int
	in, out  int64 // body bytes from and to the client; for a socket, all bytes
	socket   bool
	closed   int    // close code that passed, 0 for none
	cause    string // set when brink itself made the answer, or cut it
	would    string
	quiet    bool // recorded at debug level: health checks
	wrote    bool // the status line may be on its way
	abort    bool // the client's connection has to be cut

	limits   policy.Limits // of function; valid when measured
	measured bool
	before   policy.Usage
	after    policy.Usage
}

func newVisit(r *http.Request) *visit {
	return &visit{id: newID(), start: time.Now(), method: r.Method, path: r.URL.Path}
}

// newID returns a version 4 UUID, the form of the hosted request ids.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	text := hex.AppendEncode(make([]byte, 0, 36), b[:4])
	for _, part := range [][]byte{b[4:6], b[6:8], b[8:10], b[10:]} {
		text = hex.AppendEncode(append(text, '-'), part)
	}
	return string(text)
}

// record writes the request's one record.
func (g *Gateway) record(v *visit) {
	level := slog.LevelInfo
	if v.quiet {
		level = slog.LevelDebug
	}
	if !g.log.Enabled(context.Background(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 21)
	attrs = append(attrs,
		slog.String("request_id", v.id),
		slog.String("method", v.method),
		slog.String("path", v.path),
		slog.Int("status", v.status),
		slog.Float64("duration_ms", milliseconds(time.Since(v.start))),
		slog.Int64("bytes_in", v.in),
		slog.Int64("bytes_out", v.out),
	)
	if v.function != "" {
		attrs = append(attrs, slog.String("function", v.function))
	}
	if v.worker != "" {
		attrs = append(attrs, slog.String("worker", v.worker))
	}
	if v.measured {
		attrs = append(attrs,
			slog.Float64("cpu_ms", milliseconds(max(v.after.CPU-v.before.CPU, 0))),
			slog.Float64("wall_ms", milliseconds(v.after.Wall)),
			slog.Int64("memory_bytes", v.after.Memory),
			slog.Int64("peak_bytes", v.after.Peak),
		)
		attrs = appendShares(attrs, v.limits, v.after)
	}
	if v.socket {
		attrs = append(attrs, slog.Bool("socket", true))
	}
	if v.closed != 0 {
		attrs = append(attrs, slog.Int("close_code", v.closed))
	}
	if v.cause != "" {
		attrs = append(attrs, slog.String("cause", v.cause))
	}
	if v.would != "" {
		attrs = append(attrs, slog.String("would", v.would))
	}
	g.log.LogAttrs(context.Background(), level, "request", attrs...)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// appendShares says how near its limits the worker has come: 1 is the limit.
// Usage is the worker's over its whole life, as the limits are.
func appendShares(attrs []slog.Attr, l policy.Limits, u policy.Usage) []slog.Attr {
	if l.Enforcement == policy.Off {
		return attrs
	}
	for _, s := range []struct {
		key         string
		used, limit int64
	}{
		{"cpu_share", int64(u.CPU), int64(l.CPUHard)},
		{"memory_share", u.Peak, l.Memory},
		{"wall_share", int64(u.Wall), int64(l.WallClock)},
	} {
		if s.limit > 0 {
			attrs = append(attrs, slog.Float64(s.key, math.Round(1000*float64(s.used)/float64(s.limit))/1000))
		}
	}
	return attrs
}

// wouldHave says what the hosted platform would have done with a request, when
// limits are only warned about. A worker passes a limit once: that concerns the
// requests on it then. Hosted, later ones get a fresh worker, so for them their
// own cost counts. waited is the time to the first response byte.
func (v *visit) wouldHave(waited time.Duration) string {
	l := v.limits
	if l.Enforcement != policy.Warn {
		return ""
	}
	var over []string
	weigh := func(before, after, limit int64, text func(used int64) string) {
		switch {
		case limit <= 0 || after < limit:
		case before < limit:
			over = append(over, text(after))
		case after-before >= limit:
			over = append(over, text(after-before))
		}
	}
	weigh(int64(v.before.CPU), int64(v.after.CPU), int64(l.CPUHard), func(used int64) string {
		return fmt.Sprintf("CPU %s of %s", short(time.Duration(used)), short(l.CPUHard))
	})
	weigh(v.before.Peak, v.after.Peak, l.Memory, func(used int64) string {
		return fmt.Sprintf("memory %d MB of %d MB", used/policy.MiB, l.Memory/policy.MiB)
	})
	weigh(int64(v.before.Wall), int64(v.after.Wall), int64(l.WallClock), func(used int64) string {
		return fmt.Sprintf("wall clock %s of %s", short(time.Duration(used)), short(l.WallClock))
	})
	switch {
	case len(over) > 0 && v.socket:
		return fmt.Sprintf("hosted, this socket would have been dropped (%s)", strings.Join(over, ", "))
	case len(over) > 0:
		return fmt.Sprintf("this would have been %d when hosted (%s)", StatusWorkerLimit, strings.Join(over, ", "))
	case l.IdleTimeout > 0 && waited >= l.IdleTimeout:
		return fmt.Sprintf("this would have been 504 when hosted (first byte after %s of %s)", short(waited), short(l.IdleTimeout))
	}
	return ""
}

// short prints a duration in seconds with one digit: "2.4 s".
func short(d time.Duration) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
}
