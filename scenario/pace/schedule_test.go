package pace_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestConstantSharesInterleaveToTheWholeSchedule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := pace.Rate{Jobs: rapid.Int64Range(1, 1_000_000).Draw(t, "jobs"), Per: time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "per"))}
		batch := rapid.IntRange(1, 20).Draw(t, "batch")
		producers := rapid.IntRange(1, 9).Draw(t, "producers")
		var groups []pace.Group
		const each = 50
		for i := range producers {
			share := pace.Schedule{Rate: rate, Batch: batch}.Share(i, producers)
			last := time.Duration(-1)
			for range each {
				g := share.Next()
				if g.Due < last {
					t.Fatalf("share %d of %d goes back from %s to %s", i, producers, last, g.Due)
				}
				last = g.Due
				groups = append(groups, g)
			}
		}
		slices.SortFunc(groups, func(a, b pace.Group) int { return int(a.First - b.First) })
		for i, g := range groups {
			if want := int64(i * batch); g.First != want || g.Jobs != batch || g.Due != rate.At(want) {
				t.Fatalf("group %d = %+v, want job %d due at %s", i, g, want, rate.At(want))
			}
		}
	})
}

func TestDueTimesHaveNoDrift(t *testing.T) {
	t.Parallel()
	// A third of a nanosecond, rounded once a job, would be 333 ms after 10^9.
	if got, want := (pace.PerSecond(300_000)).At(3e9), 10_000*time.Second; got != want {
		t.Errorf("job 3e9 at 300000/s is due at %s, want %s", got, want)
	}
	if got, want := (pace.Rate{Jobs: 7, Per: time.Second}).At(7e9), 1e9*time.Second; got != want {
		t.Errorf("job 7e9 at 7/s is due at %s, want %s", got, want)
	}
}

func TestCountByATimeIsTheInverseOfDueTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := pace.Rate{Jobs: rapid.Int64Range(1, 10_000_000).Draw(t, "jobs"), Per: time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "per"))}
		at := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "at"))
		n := rate.Before(at)
		if n > 0 && rate.At(n-1) >= at {
			t.Fatalf("%d jobs before %s, but the last of them is due at %s", n, at, rate.At(n-1))
		}
		if rate.At(n) < at {
			t.Fatalf("%d jobs before %s, but the next is due at %s", n, at, rate.At(n))
		}
	})
}

func TestPoissonArrivalsAreExponentialAndRepeatable(t *testing.T) {
	t.Parallel()
	const n, producers = 20_000, 4
	draw := func(seed uint64) []float64 {
		var due []float64
		for i := range producers {
			share := pace.Schedule{Rate: pace.PerSecond(1000), Arrivals: pace.Poisson, Seed: seed}.Share(i, producers)
			for range n / producers {
				due = append(due, share.Next().Due.Seconds())
			}
		}
		slices.Sort(due)
		return due
	}
	due := draw(42)
	if !slices.Equal(due, draw(42)) {
		t.Fatal("the same seed gave other arrivals")
	}
	if slices.Equal(due, draw(43)) {
		t.Fatal("another seed gave the same arrivals")
	}
	// Kolmogorov-Smirnov against the exponential distribution: the critical
	// value at 1% is 1.63/sqrt(n). The superposition thins out near its end,
	// where some shares are over, so the last tenth is left alone.
	gaps := make([]float64, 0, n)
	for i := 1; i < n*9/10; i++ {
		gaps = append(gaps, due[i]-due[i-1])
	}
	slices.Sort(gaps)
	var d float64
	for i, g := range gaps {
		f := 1 - math.Exp(-1000*g)
		d = max(d, math.Abs(f-float64(i)/float64(len(gaps))), math.Abs(f-float64(i+1)/float64(len(gaps))))
	}
	if limit := 1.63 / math.Sqrt(float64(len(gaps))); d > limit {
		t.Errorf("the gaps differ from exponential ones by %f, more than %f", d, limit)
	}
}
