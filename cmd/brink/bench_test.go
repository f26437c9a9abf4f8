package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"
)

// BenchmarkBrink measures a whole brink against bare peers, all in one run on
// one machine, and prints a table: what brink took, what the peer took, and the
// ratio, which is the figure to compare between machines. Parts can be chosen:
//
//	make bench BENCH=Brink/limits
//
// The whole takes some minutes. The load generator shares the machine with what
// it measures, for brink as for its peers.
func BenchmarkBrink(b *testing.B) {
	s := newStand(b)
	for _, part := range []struct {
		name string
		run  func(*stand, *testing.B)
	}{
		{"serve", (*stand).benchServe},
		{"reload", (*stand).benchReload},
		{"sockets", (*stand).benchSockets},
		{"go", (*stand).benchGo},
		{"build", (*stand).benchBuild},
		{"limits", (*stand).benchLimits},
		{"sampling", (*stand).benchSampling},
	} {
		b.Run(part.name, func(b *testing.B) {
			s.B = b
			part.run(s, b)
			b.ReportMetric(0, "ns/op") // the table has the figures
		})
	}
	s.table.print()
}

// table collects what was measured.
type table struct{ rows []row }

type row struct{ figure, brink, peer, ratio string }

func (t *table) title(text string) { t.rows = append(t.rows, row{figure: text}) }

// add adds one figure of brink's and of its peer's; which is what the peer is.
func (t *table) add(figure, brink, peer, which string, ratio float64) {
	t.rows = append(t.rows, row{"  " + figure, brink, peer + "  " + which, fmt.Sprintf("%.3g", ratio)})
}

// times adds a figure that is a duration.
func (t *table) times(figure string, brink, peer time.Duration, which string) {
	t.add(figure, readable(brink), readable(peer), which, float64(brink)/float64(peer))
}

// rates adds a figure that is a number for each second.
func (t *table) rates(figure string, brink, peer float64, which string) {
	t.add(figure, fmt.Sprintf("%.0f/s", brink), fmt.Sprintf("%.0f/s", peer), which, brink/peer)
}

func (t *table) print() {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	fmt.Fprint(w, "\n\tbrink\tpeer\tratio\n")
	for _, r := range t.rows {
		if r.brink == "" {
			fmt.Fprintf(w, "%s\t\t\t\n", r.figure)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.figure, r.brink, r.peer, r.ratio)
	}
	w.Flush()
	os.Stdout.Write(out.Bytes())
}

// readable prints a duration with three digits or so.
func readable(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", ms(d))
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", ms(d))
	}
	return fmt.Sprintf("%.0f µs", ms(d)*1000)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile returns the value below which the share q of all lies.
func quantile[T cmp.Ordered](all []T, q float64) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func median[T cmp.Ordered](all []T) T { return quantile(all, 0.5) }
