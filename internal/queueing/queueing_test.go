package queueing_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/queueing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s = %v, want %v within %v", what, got, want, within)
	}
}

func TestErlangFormulasAgreeWithFractionsWorkedByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		workers int
		load    float64
		b, c    float64
	}{
		{1, 0.5, 1. / 3, 0.5},
		{2, 1, 1. / 5, 1. / 3},
		{3, 2, 4. / 19, 4. / 9},
		{4, 0, 0, 0},
	} {
		near(t, "ErlangB", queueing.ErlangB(c.workers, c.load), c.b, 1e-12)
		near(t, "ErlangC", queueing.ErlangC(c.workers, c.load), c.c, 1e-12)
	}
}

func TestErlangCKeepsItsLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		load := rapid.Float64Range(0.01, 500).Draw(t, "load")
		workers := rapid.IntRange(1, 600).Draw(t, "workers")
		c := queueing.ErlangC(workers, load)
		if c < 0 || c > 1 {
			t.Fatalf("ErlangC(%d, %v) = %v, want a probability", workers, load, c)
		}
		if more := queueing.ErlangC(workers+1, load); more > c {
			t.Fatalf("ErlangC rises from %v to %v with one more worker", c, more)
		}
		if float64(workers) > load && queueing.ErlangB(workers, load) > c {
			t.Fatalf("fewer jobs wait (%v) than would be turned away", c)
		}
	})
}

func TestMeanWaitIsExactWhereTheoryIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rho := rapid.Float64Range(0.05, 0.95).Draw(t, "rho")
		s := time.Duration(rapid.Int64Range(int64(100*time.Microsecond), int64(time.Second)).Draw(t, "service"))
		q := queueing.Queue{Workers: 1, Rate: rho / s.Seconds(), Service: s, ArrivalSCV: 1, ServiceSCV: 1}
		want := rho / (1 - rho) * s.Seconds()
		if got := q.MeanWait().Seconds(); math.Abs(got-want) > 1e-8+1e-9*want {
			t.Fatalf("M/M/1: %v, want %v", got, want)
		}
		// P(W > t) = rho exp(-(mu - lambda)t).
		p := rapid.Float64Range(0.5, 0.9999).Draw(t, "p")
		wantQ := max(0, math.Log(rho/(1-p))*s.Seconds()/(1-rho))
		if got := q.WaitQuantile(p).Seconds(); math.Abs(got-wantQ) > 1e-8+1e-9*wantQ {
			t.Fatalf("M/M/1 quantile %v: %v, want %v", p, got, wantQ)
		}
		q.ServiceSCV = 0
		want = rho / (2 * (1 - rho)) * s.Seconds()
		if got := q.MeanWait().Seconds(); math.Abs(got-want) > 1e-8+1e-9*want {
			t.Fatalf("M/D/1: %v, want %v", got, want)
		}
	})
}

func TestAQueueThatCannotKeepUpHasNoWait(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{400, 401, 1e9} {
		q := queueing.Queue{Workers: 4, Rate: rate, Service: 10 * time.Millisecond, ArrivalSCV: 1, ServiceSCV: 1}
		if q.MeanWait() != queueing.Unstable || q.WaitQuantile(0.5) != queueing.Unstable || q.WaitProbability() != 1 {
			t.Errorf("at %v jobs/s: wait %v, p50 %v, probability %v; want a queue without end", rate, q.MeanWait(), q.WaitQuantile(0.5), q.WaitProbability())
		}
		if !math.IsInf(q.MeanWaitError(time.Hour), 1) {
			t.Errorf("at %v jobs/s the error of the mean is %v, want infinite", rate, q.MeanWaitError(time.Hour))
		}
	}
}

func TestConstantArrivalsAndServiceNeverWait(t *testing.T) {
	t.Parallel()
	q := queueing.Queue{Workers: 2, Rate: 100, Service: 19 * time.Millisecond}
	if q.MeanWait() != 0 || q.WaitQuantile(0.99) != 0 {
		t.Errorf("mean %v, p99 %v; want 0", q.MeanWait(), q.WaitQuantile(0.99))
	}
}

// poisson draws n arrivals at the given rate in jobs per second.
func poisson(random *rand.Rand, n int, rate float64) []time.Duration {
	at := make([]time.Duration, n)
	sum := 0.0
	for i := range at {
		sum += random.ExpFloat64()
		at[i] = time.Duration(sum / rate * float64(time.Second))
	}
	return at
}

func mean(all []time.Duration) float64 {
	var sum time.Duration
	for _, d := range all {
		sum += d
	}
	return sum.Seconds() / float64(len(all))
}

func TestSimulatedWaitsMeetTheFormulas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		workers   int
		rho       float64
		low, high float64 // of simulated over formula
	}{
		{1, 0.6, 0.97, 1.03}, // exact, up to chance
		{1, 0.8, 0.96, 1.04},
		{4, 0.7, 1.00, 1.10}, // Allen and Cunneen are a little low
		{8, 0.8, 1.00, 1.10},
	} {
		const s = 2 * time.Millisecond
		q := queueing.Queue{Workers: c.workers, Rate: c.rho * float64(c.workers) / s.Seconds(), Service: s, ArrivalSCV: 1}
		random := rand.New(rand.NewPCG(1, uint64(c.workers)))
		got := mean(queueing.Waits(poisson(random, 300_000, q.Rate), s, c.workers)) / q.MeanWait().Seconds()
		if got < c.low || got > c.high {
			t.Errorf("M/D/%d at %v: simulated %.3f times the formula, want %v to %v", c.workers, c.rho, got, c.low, c.high)
		}
	}
}

func TestMeanWaitErrorIsThatOfSimulatedRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		workers int
		rho     float64
	}{{1, 0.5}, {1, 0.6}, {1, 0.8}, {4, 0.7}} {
		const s, span, runs = 2 * time.Millisecond, 10 * time.Second, 300
		q := queueing.Queue{Workers: c.workers, Rate: c.rho * float64(c.workers) / s.Seconds(), Service: s, ArrivalSCV: 1}
		random := rand.New(rand.NewPCG(2, uint64(c.workers)))
		var sum, square float64
		for range runs {
			m := mean(queueing.Waits(poisson(random, int(q.Rate*span.Seconds()), q.Rate), s, c.workers))
			sum += m
			square += m * m
		}
		m := sum / runs
		got := math.Sqrt(square/runs-m*m) / m
		if ratio := q.MeanWaitError(span) / got; ratio < 0.8 || ratio > 1.25 {
			t.Errorf("M/D/%d at %v: formula %.4f, simulated %.4f", c.workers, c.rho, q.MeanWaitError(span), got)
		}
	}
}

func TestWaitsKeepTheirLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.Int64Range(0, 1000), 1, 200).Draw(t, "gaps")
		workers := rapid.IntRange(1, 8).Draw(t, "workers")
		s := time.Duration(rapid.Int64Range(1, 2000).Draw(t, "service"))
		at := make([]time.Duration, len(gaps))
		for i, g := range gaps {
			at[i] = time.Duration(g)
			if i > 0 {
				at[i] += at[i-1]
			}
		}
		waits := queueing.Waits(at, s, workers)
		more := queueing.Waits(at, s, workers+1)
		for n := range waits {
			if waits[n] < 0 || more[n] > waits[n] {
				t.Fatalf("job %d waits %d, and %d with one more worker", n, waits[n], more[n])
			}
			// No worker is idle while a job waits, and none does two at once.
			busy := 0
			for k := range n {
				if start := at[k] + waits[k]; start <= at[n]+waits[n] && start+s > at[n]+waits[n] {
					busy++
				}
			}
			if busy >= workers {
				t.Fatalf("job %d starts while %d of %d workers are busy", n, busy, workers)
			}
			if waits[n] > 0 {
				before := at[n] + waits[n] - 1
				busy = 0
				for k := range n {
					if start := at[k] + waits[k]; start <= before && start+s > before {
						busy++
					}
				}
				if busy != workers {
					t.Fatalf("job %d waits while %d of %d workers are busy", n, busy, workers)
				}
			}
		}
	})
}
