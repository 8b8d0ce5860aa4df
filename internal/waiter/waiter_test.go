package waiter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/waiter"
)

var kinds = map[string]func() (waiter.Waiter, error){"precise": waiter.Precise, "coarse": waiter.Coarse}

func TestWaitersNeverReturnEarlyAndStopAtOnce(t *testing.T) {
	t.Parallel()
	for name, open := range kinds {
		w, err := open()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []time.Duration{-time.Second, 0, 50 * time.Microsecond, 3 * time.Millisecond} {
			from := time.Now()
			if !w.Wait(d) || time.Since(from) < d {
				t.Errorf("%s: Wait(%s) ended after %s", name, d, time.Since(from))
			}
		}
		ended := make(chan bool)
		go func() { ended <- w.Wait(time.Hour) }()
		w.Stop()
		w.Stop()
		if <-ended || w.Wait(time.Hour) || w.Wait(0) {
			t.Errorf("%s: a stopped waiter says that the time is over", name)
		}
		if err := w.Close(); err != nil {
			t.Errorf("%s: Close = %v", name, err)
		}
	}
}

// BenchmarkOvershoot shows by how much a wait of 200 µs is too long.
func BenchmarkOvershoot(b *testing.B) {
	for name, open := range kinds {
		b.Run("waiter="+name, func(b *testing.B) {
			w, err := open()
			if err != nil {
				b.Fatal(err)
			}
			const d = 200 * time.Microsecond
			over := make([]float64, 0, b.N)
			for range b.N {
				from := time.Now()
				w.Wait(d)
				over = append(over, float64(time.Since(from)-d))
			}
			slices.Sort(over)
			b.ReportMetric(over[len(over)/2], "p50-over-ns")
			b.ReportMetric(over[len(over)*99/100], "p99-over-ns")
			b.ReportMetric(0, "ns/op")
		})
	}
}
