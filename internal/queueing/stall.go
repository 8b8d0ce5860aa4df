package queueing

import (
	"math"
	"time"
)

// Stall is one stall of everything behind an open loop: nothing is served for
// its length, while jobs keep coming at their rate, and what has piled up is
// then worked off in order.
//
// A job that is due u after the stall began waits X(u) = S - (1-rho)u, one
// straight ramp through the stall and the drain, until the backlog is gone at
// u = S/(1-rho). The formulas hold while that lies within the span.
//
// Source: derived so in this project, since publications give the case rho = 0
// only: G. Tene, How NOT to Measure Latency (a stall of 100 s out of 200 s has
// a p75 of 50 s). Correcting a histogram by its expected interval, as
// HdrHistogram can, is that case too and counts (1-rho) times too few jobs.
type Stall struct {
	// Length is how long nothing is served.
	Length time.Duration
	// Span is the length of the whole schedule.
	Span time.Duration
	// Utilisation is the arrival rate over the rate at which a backlog is
	// served, rho, from 0 to below 1.
	Utilisation float64
}

// Quantile is the wait that the share p of all jobs of the schedule does not
// exceed, 0 below the ramp: max(0, S - (1-rho)T(1-p)).
func (s Stall) Quantile(p float64) time.Duration {
	return max(0, s.Length-scale(s.Span, (1-s.Utilisation)*(1-p)))
}

// Tail is the share of all jobs that wait longer than x.
func (s Stall) Tail(x time.Duration) float64 {
	if x >= s.Length {
		return 0
	}
	return (s.Length - max(0, x)).Seconds() / ((1 - s.Utilisation) * s.Span.Seconds())
}

// Ramp is the share of all jobs that wait at all.
func (s Stall) Ramp() float64 { return s.Tail(0) }

// Drained is how long after its beginning the stall is over for good, its
// backlog worked off. The closed form holds when the span goes on until then.
func (s Stall) Drained() time.Duration { return scale(s.Length, 1/(1-s.Utilisation)) }

// QuantileSpread is the standard deviation of [Stall.Quantile] under Poisson
// arrivals of the given rate in jobs per second: sqrt(T(1-p)/R). It does not
// depend on the utilisation. Under constant arrivals it is zero.
//
// Source: the j = RT(1-p) arrivals above the quantile are Poisson, and each
// moves it by 1/R; simulation agrees within 6%.
func (s Stall) QuantileSpread(p, rate float64) time.Duration {
	return seconds(math.Sqrt(s.Span.Seconds() * (1 - p) / rate))
}

// scale is d times f.
func scale(d time.Duration, f float64) time.Duration { return seconds(d.Seconds() * f) }
