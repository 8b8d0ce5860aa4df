package record

import (
	"testing"
	"time"
)

func TestMergingBinsKeepsEveryCount(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]int64{
		"a minute": int64(7 * time.Millisecond), "an hour": int64(420 * time.Millisecond), "a month": int64(302 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 8600
			c := NewTimeCounts()
			for i := range int64(n) {
				c.Add(i * step)
			}
			if len(c.Bins) > MaxCountBins || cap(c.Bins) > MaxCountBins {
				t.Errorf("%d bins, want at most %d", cap(c.Bins), MaxCountBins)
			}
			if got := c.Between(0, n*step+1<<c.Shift); got != n {
				t.Errorf("%d events in all, want %d", got, n)
			}
			// An edge is at most a bin away from where it is meant to be.
			within := int64(1) + 1<<c.Shift/step
			for _, k := range [][2]int64{{0, 10}, {100, 5000}, {4999, n}} {
				got := c.Between(k[0]*step, k[1]*step)
				if want := k[1] - k[0]; got < want-within || got > want+within {
					t.Errorf("between job %d and job %d: %d, want %d within %d", k[0], k[1], got, want, within)
				}
			}
		})
	}
}

func TestAnHourIsCountedInBinsOfLessThan10ms(t *testing.T) {
	t.Parallel()
	c := NewTimeCounts()
	c.Add(int64(time.Hour))
	if length := time.Duration(1) << c.Shift; length > 10*time.Millisecond {
		t.Errorf("a bin is %s long", length)
	}
}

func TestTheCourseOfLatencyIsBoundedAndKeepsItsSlope(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{10, 1000, 100_000, 1_000_000} {
		c := newCourse()
		for i := range n {
			c.add(i*1000, 5_000_000+i*250)
		}
		if len(c.Kept) > MaxCourse {
			t.Errorf("%d jobs: %d points", n, len(c.Kept))
		}
		if got, want := c.Growth(n*1000), float64(n*250); got < 0.99*want || got > 1.01*want {
			t.Errorf("%d jobs: latency grew by %.0f, want %.0f", n, got, want)
		}
	}
}

func TestBinsOfADayAreBoundedAndKeepEveryJob(t *testing.T) {
	t.Parallel()
	b := Bins{Length: int64(100 * time.Millisecond)}
	const n = 400_000
	step := int64(24*time.Hour) / n
	for i := range int64(n) {
		b.Add(i*step, i)
	}
	b.Add(-1, 5) // prefilled
	if len(b.Of) > MaxBins || len(b.Of) < MaxBins/2 {
		t.Errorf("%d bins of %v, want at most %d", len(b.Of), time.Duration(b.Length), MaxBins)
	}
	var count int64
	sum, last := 0.0, 0.0
	for i, bin := range b.Of {
		count, sum = count+bin.Count, sum+bin.Sum
		mean := bin.Sum / float64(bin.Count)
		if from, to := float64(int64(i)*b.Length/step)-1, float64(int64(i+1)*b.Length/step)+1; bin.Count > 0 && (mean < max(from, last) || mean > to) {
			t.Fatalf("bin %d has the mean %v, want %v to %v", i, mean, from, to)
		}
		last = mean
	}
	if count != n || sum != n*(n-1)/2 {
		t.Errorf("%d jobs with the sum %v, want %d and %d", count, sum, n, n*(n-1)/2)
	}
}
