package capacity

import (
	"math"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/line"
)

// Backlog is how many jobs were due and not done, sample by sample, over a trial.
type Backlog struct {
	at   []float64 // seconds
	jobs []float64
}

// Add adds a sample. Samples come in the order of time.
func (b *Backlog) Add(at time.Duration, jobs int64) {
	b.at, b.jobs = append(b.at, at.Seconds()), append(b.jobs, float64(jobs))
}

// Growth is how a backlog moved over a trial.
type Growth struct {
	// PerS is by how many jobs a second it grew in the last two thirds, and Error
	// the standard error of that.
	PerS, Error float64
	// Returned reports whether it came back, in every sixth of the last half, to
	// the lowest that it was in the first half. A backlog that does is not growing:
	// the system had caught up with all that had arrived by then.
	Returned bool
	// Span is the length of the part that it was judged by, in seconds; 0 where there
	// were too few samples to tell anything.
	Span float64
}

const (
	blocks     = 20 // of a trial, whose means the slope is fitted to
	blockSkip  = 7  // the first third, in which the system may still settle
	leastCount = 2  // samples of a block
	sixths     = 6
	// A backlog of whole jobs hides a growth of less than one. With fewer jobs than
	// this, a line that clearly rises outweighs that the backlog came back to within
	// a job.
	leastJobs = 400
)

// Growth fits a line to the backlog between two moments of a trial.
//
// The samples follow each other too closely to be independent, so the line is fitted
// to the means of blocks, and its error allows for the correlation of what is left
// from one block to the next.
func (b *Backlog) Growth(from, to time.Duration) Growth {
	var sum, count [blocks]float64
	var lowest [sixths]float64
	for i := range lowest {
		lowest[i] = math.Inf(1)
	}
	start, length := from.Seconds(), (to - from).Seconds()
	for i, at := range b.at {
		part := (at - start) / length
		if part < 0 || part >= 1 {
			continue
		}
		k, s := int(part*blocks), int(part*sixths)
		sum[k] += b.jobs[i]
		count[k]++
		lowest[s] = min(lowest[s], b.jobs[i])
	}
	var x, y []float64
	for k := blockSkip; k < blocks; k++ {
		if count[k] >= leastCount {
			x, y = append(x, start+(float64(k)+0.5)/blocks*length), append(y, sum[k]/count[k])
		}
	}
	if len(x) < (blocks-blockSkip)/2 {
		return Growth{}
	}
	g := Growth{Returned: true, Span: length / 2}
	g.PerS, g.Error = trend(x, y)
	// A job more or less is the phase of the samples.
	slices.Sort(lowest[:sixths/2])
	base := lowest[sixths/4]
	for _, low := range lowest[sixths/2:] {
		g.Returned = g.Returned && low <= base+1+base/10
	}
	return g
}

// trend is the slope of the straight line through the points by least squares, and its
// standard error.
func trend(x, y []float64) (slope, e float64) {
	through, _ := line.Through(x, y)
	var square, lagged, before float64
	for i := range x {
		left := through.Residual(x[i], y[i])
		square += left * left
		lagged += left * before
		before = left
	}
	if square == 0 {
		return through.Slope, 0
	}
	r := min(0.9, max(0, lagged/square))
	return through.Slope, math.Sqrt(square / float64(len(x)-2) / through.XX * (1 + r) / (1 - r))
}

// Verdict says whether a load of so many jobs a second can go on for the horizon:
// good, bad, or inconclusive where the trial was too short to tell. Now is the
// latency that the limit is on as it was at the end of the trial.
//
// What a job waits grows by the growth of the backlog over the rate at which jobs
// are done. The load can go on when the backlog does not grow, and when latency stays
// within the limit even if it grows by as much as two standard errors allow; it
// cannot when it breaks the limit even if it grows by as little.
func (g Growth) Verdict(rate float64, now, limit, horizon time.Duration) Verdict {
	done := max(rate-g.PerS, rate/100)
	after := func(perS float64) float64 { return now.Seconds() + max(0, perS)/done*horizon.Seconds() }
	low, high := g.PerS-2*g.Error, g.PerS+2*g.Error
	returned := g.Returned && (g.Span*rate >= leastJobs || g.PerS <= 4*g.Error)
	switch {
	case g.Span == 0:
		return Inconclusive
	case returned:
		return Good
	case after(low) > limit.Seconds():
		return Bad
	case low <= 0 && after(high) <= limit.Seconds():
		return Good
	}
	return Inconclusive
}
