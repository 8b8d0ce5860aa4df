// Package level is the mean of a quantity that is sampled now and then, with how far off
// it can be: by chance, and because samples came late or not at all. Begin reading at
// [Level].
package level

import (
	"math"
	"time"
)

// SamplePeriod is how often, on average, the length of the queue is asked for.
// It is sampled independently, so that it can be compared with what the jobs'
// own stamps say, and at random moments: a fixed period would see a load with a
// constant rate always in the same phase.
const SamplePeriod = 50 * time.Millisecond

// Level is a running account of a quantity that is looked at now and then, such as
// the length of the queue: its mean over time, and by how much that can be wrong.
//
// Each sample counts for the time around it. A process that is held up looks less
// often in that time, so a plain mean of the samples would leave it out.
type Level struct {
	N    int64
	At   int64 // of the last sample, in nanoseconds
	last float64

	span, area float64 // nanoseconds between samples, and the sum of value × time
	variance   float64 // of area
	blind      float64 // the most that area can be off by in gaps too long to see into
	late       float64 // by how much it may have moved while samples were late, added up
	Transit    float64 // jobs between the queue and this process, added up
}

// blindAfter is the gap between two samples from which on the second says nothing
// of what was in between: twice the longest that is planned.
const blindAfter = int64(3 * SamplePeriod)

// Add notes that the quantity was v at a moment. It can have risen by at most reach
// since the last sample, however briefly, and can have moved by at most late since
// the moment at which this one was meant to be taken.
func (l *Level) Add(at int64, v, reach, late float64) {
	if l.N > 0 {
		gap := at - l.At
		g := float64(gap)
		l.span += g
		l.area += g * (l.last + v) / 2
		if gap > blindAfter {
			l.blind += g * (max(l.last, v) + reach)
		} else {
			// What moves between two samples moves within a gap as well: values
			// that have nothing to do with each other differ by twice their
			// variance in the mean square, those of a slow course by little.
			l.variance += g * g * (v - l.last) * (v - l.last) / 2
		}
	}
	l.N++
	l.At, l.last = at, v
	l.late += late
}

// minSamples is how many samples a mean takes.
const minSamples = 20

// Mean is the mean over time, nil when there are too few samples.
func (l *Level) Mean() *float64 {
	if l.N < minSamples || l.span <= 0 {
		return nil
	}
	m := l.area / l.span
	return &m
}

// Noise is the standard error of the mean as a mean over the time that was looked
// At; the course of the quantity itself is no error.
func (l *Level) Noise() float64 {
	if l.span <= 0 {
		return math.Inf(1)
	}
	return math.Sqrt(l.variance) / l.span
}

// Bias is by how much the mean can be off in one direction, in a window of some
// nanoseconds in which the quantity rises so many times a second: what happened in
// gaps, and while the samples were late. A process is held up when there is much
// to do, so late samples are no random ones.
func (l *Level) Bias(window, perSecond float64) float64 {
	if l.N == 0 || l.span <= 0 {
		return math.Inf(1)
	}
	bias := l.blind/l.span + l.late/float64(l.N)
	if unseen := window - l.span; unseen > 2*float64(blindAfter) { // at both ends
		bias += unseen / window * (l.area/l.span + perSecond*unseen/1e9)
	}
	return bias
}
