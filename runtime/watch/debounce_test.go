package watch

import (
	"testing"
	"testing/synctest"
	"time"
)

// touches makes a touch at each of the times and returns when C fired, counted
// from the first one. The clock is that of a synctest bubble.
func touches(t *testing.T, at ...time.Duration) (fired []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDebounce(50*time.Millisecond, 500*time.Millisecond)
		defer d.reset()
		begin := time.Now()
		end := time.After(2 * time.Second)
		for {
			var next <-chan time.Time
			if len(at) > 0 {
				next = time.After(at[0] - time.Since(begin))
			}
			select {
			case <-next:
				d.touch()
				at = at[1:]
			case <-d.C():
				d.reset()
				fired = append(fired, time.Since(begin))
			case <-end:
				return
			}
		}
	})
	return fired
}

func TestDebounce(t *testing.T) {
	const ms = time.Millisecond
	busy := func(from, to, step time.Duration) (all []time.Duration) {
		for d := from; d <= to; d += step {
			all = append(all, d)
		}
		return all
	}
	for name, test := range map[string]struct{ at, want []time.Duration }{
		"nothing":          {nil, nil},
		"one":              {[]time.Duration{10 * ms}, []time.Duration{60 * ms}},
		"a burst is one":   {busy(0, 40*ms, 10*ms), []time.Duration{90 * ms}},
		"two apart":        {[]time.Duration{0, 100 * ms}, []time.Duration{50 * ms, 150 * ms}},
		"never quiet":      {busy(0, 720*ms, 20*ms), []time.Duration{500 * ms, 770 * ms}},
		"quiet after most": {append(busy(0, 480*ms, 40*ms), 600*ms), []time.Duration{500 * ms, 650 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			got := touches(t, test.at...)
			if len(got) != len(test.want) {
				t.Fatalf("fired at %v, want %v", got, test.want)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("fired at %v, want %v", got, test.want)
				}
			}
		})
	}
}

func TestChangesAreMerged(t *testing.T) {
	for _, test := range []struct {
		ops  []Op
		want Op // 0: nothing to report
	}{
		{[]Op{Write, Write}, Write},
		{[]Op{Create, Write}, Create},
		{[]Op{Create, Remove}, 0},
		{[]Op{Create, Remove, Create}, Create},
		{[]Op{Remove, Create}, Write},
		{[]Op{Remove, Create, Remove}, Remove},
		{[]Op{Write, Remove}, Remove},
		{[]Op{Write, Create}, Write},
		{[]Op{Remove, Remove}, Remove},
	} {
		c := changes{}
		for _, op := range test.ops {
			c.add("/x", op)
		}
		if c["/x"] != test.want {
			t.Errorf("%v become %v, want %v", test.ops, c["/x"], test.want)
		}
	}
}
