package supervisor

import (
	"context"
	"testing"
	"time"

	"brink/policy"
)

func TestRequestsWaitForALongBuildUnderBothPolicies(t *testing.T) {
	for _, kind := range []policy.Kind{policy.PerRequest, policy.PerWorker} {
		inBubble(t, kind, func(w *world) {
			w.fn.Fingerprint = "slow to build"
			w.fn.Prepare = func(context.Context) error {
				<-time.After(time.Minute)
				return nil
			}
			w.Apply(t.Context(), []Function{w.fn})
			const n = 6
			ends := make(chan error, n)
			for range n {
				go func() {
					l, err := w.Acquire(w.t.Context(), "hello")
					if err == nil {
						l.Release()
					}
					ends <- err
				}()
			}
			for range n {
				if err := <-ends; err != nil {
					t.Errorf("%v: %v", kind, err)
				}
			}
		})
	}
}
