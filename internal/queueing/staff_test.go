package queueing_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/queueing"
)

func TestStaffIsTheSmallestNumberThatMeetsTheDemand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := queueing.Demand{
			Queue: queueing.Queue{
				Rate:       rapid.Float64Range(0.1, 5000).Draw(t, "rate"),
				Service:    time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(100*time.Millisecond)).Draw(t, "service")),
				ArrivalSCV: rapid.Float64Range(0, 2).Draw(t, "arrivals"),
				ServiceSCV: rapid.Float64Range(0, 4).Draw(t, "services"),
			},
			Quantile: rapid.SampledFrom([]float64{0.5, 0.9, 0.99, 0.999}).Draw(t, "quantile"),
			Limit:    time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "limit")),
		}
		c, ok := d.Staff()
		if !ok {
			t.Fatal("no number of workers meets it")
		}
		if p := d.With(c); !p.Meets || p.Utilisation > 0.8 || p.Wait > d.Limit {
			t.Fatalf("%d workers: %+v", c, p)
		}
		if c > 1 && d.With(c-1).Meets {
			t.Fatalf("%d workers, but %d meet it too", c, c-1)
		}
	})
}

func TestAStallNeedsHeadroom(t *testing.T) {
	t.Parallel()
	d := queueing.Demand{
		Queue:    queueing.Queue{Rate: 1000, Service: 10 * time.Millisecond, ArrivalSCV: 1, ServiceSCV: 1},
		Quantile: 0.99, Limit: time.Second, Stall: time.Second, StallEvery: 5 * time.Minute,
	}
	// 1/((1-rho)300) <= 0.01 asks for rho <= 2/3: 15 workers for a load of 10.
	if c, ok := d.Staff(); c != 15 || !ok {
		t.Errorf("%d, %t; want 15", c, ok)
	}
	d.StallEvery = 50 * time.Second // 2% of the jobs are delayed by any number
	if c, ok := d.Staff(); ok {
		t.Errorf("%d workers meet what none can", c)
	}
}

// The quantiles of simulated queues lie where the formulas are said to be good.
func TestPlannedWaitsMeetSimulatedOnes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		workers   int
		rho, scv  float64
		low, high float64 // simulated over planned p99
	}{
		{1, 0.7, 1, 0.92, 1.08}, // exact, up to chance
		{4, 0.7, 1, 0.92, 1.08},
		{16, 0.8, 1, 0.9, 1.1},
		{4, 0.85, 0, 0.84, 1.16},
		{16, 0.7, 0, 0.80, 1.25},
	} {
		const s = 10 * time.Millisecond
		q := queueing.Queue{Workers: c.workers, Rate: c.rho * float64(c.workers) / s.Seconds(), Service: s, ArrivalSCV: 1, ServiceSCV: c.scv}
		random := rand.New(rand.NewPCG(5, uint64(c.workers)))
		waits := drawWaits(random, 400_000, q)
		slices.Sort(waits)
		got := waits[len(waits)*99/100].Seconds() / q.WaitQuantile(0.99).Seconds()
		if got < c.low || got > c.high {
			t.Errorf("%d workers at %v, service SCV %v: p99 is %.3f times the formula, want %v to %v", c.workers, c.rho, c.scv, got, c.low, c.high)
		}
	}
}

// drawWaits draws n waits of a queue with Poisson arrivals and constant (SCV 0)
// or exponential (SCV 1) service.
func drawWaits(random *rand.Rand, n int, q queueing.Queue) []time.Duration {
	free := make([]float64, q.Workers)
	waits := make([]time.Duration, n)
	at := 0.0
	for i := range waits {
		at += random.ExpFloat64() / q.Rate
		first := 0
		for k := range free {
			if free[k] < free[first] {
				first = k
			}
		}
		start := max(at, free[first])
		service := q.Service.Seconds()
		if q.ServiceSCV == 1 {
			service *= random.ExpFloat64()
		}
		free[first] = start + service
		waits[i] = time.Duration((start - at) * 1e9)
	}
	return waits
}

func TestRoughQueuesAreCalledSo(t *testing.T) {
	t.Parallel()
	good := queueing.Queue{Workers: 4, Rate: 280, Service: 10 * time.Millisecond, ArrivalSCV: 1, ServiceSCV: 1}
	if why := good.Rough(); why != "" {
		t.Errorf("M/M/4 at 0.7 is called rough: %s", why)
	}
	for name, change := range map[string]func(*queueing.Queue){
		"busy":     func(q *queueing.Queue) { q.Rate = 380 },
		"variable": func(q *queueing.Queue) { q.ServiceSCV = 4 },
		"regular":  func(q *queueing.Queue) { q.ArrivalSCV = 0 },
	} {
		q := good
		change(&q)
		if q.Rough() == "" {
			t.Errorf("%s: %+v is not called rough", name, q)
		}
	}
}
