package queueing

import (
	"fmt"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/number"
)

// Demand is what a pool of workers has to meet.
type Demand struct {
	// Queue is the load; its Workers do not count.
	Queue Queue
	// Quantile of the wait that has to be within Limit, 0 < Quantile < 1.
	Quantile float64
	Limit    time.Duration
	// Name is what the reasons of a plan call the limit, empty where there is no
	// other to take it for.
	Name string
	// Stall is for how long everything may stand still once in StallEvery. While
	// it lasts jobs gather, and they wait; so long as the headroom works them
	// off, the share that waits must be within the quantile too. Zero means none.
	Stall, StallEvery time.Duration
}

// Plan is how a demand fares with a number of workers.
type Plan struct {
	Workers     int     `json:"workers"`
	Utilisation float64 `json:"utilisation"`
	// WaitProbability is the share of jobs that wait at all.
	WaitProbability float64 `json:"wait_probability"`
	// MeanWait and Wait, at the demand's quantile, are [Unstable] where there is
	// no steady state.
	MeanWait time.Duration `json:"mean_wait_ns"`
	Wait     time.Duration `json:"wait_ns"`
	// StallShare is the share of all jobs that the demand's stalls delay.
	StallShare float64 `json:"stall_share"`
	// Burst is by which factor the rate may rise before the workers cannot keep
	// up, less 1.
	Burst float64 `json:"burst"`
	// Meets reports whether the demand is met, and Why not.
	Meets bool   `json:"meets"`
	Why   string `json:"why"`
}

// mostBusy is the share of the workers' time that may be taken: what is left is for bursts,
// stalls and jobs that grow.
const mostBusy = 0.8

// mostWorkers is beyond any pool; the formulas are linear in it.
const mostWorkers = 1_000_000

// With is how the demand fares with that many workers.
func (d Demand) With(workers int) Plan {
	q := d.Queue
	q.Workers = workers
	p := Plan{
		Workers: workers, Utilisation: q.Utilisation(), WaitProbability: q.WaitProbability(),
		MeanWait: q.MeanWait(), Wait: q.WaitQuantile(d.Quantile), Burst: 1/q.Utilisation() - 1,
	}
	if d.StallEvery > 0 {
		// A stall of length s delays all jobs until the headroom has worked off
		// what gathered: s/(1-rho) of the time (the sawtooth behind [Stall]).
		p.StallShare = 1
		if p.Utilisation < 1 {
			p.StallShare = min(1, d.Stall.Seconds()/((1-p.Utilisation)*d.StallEvery.Seconds()))
		}
	}
	switch {
	case p.Utilisation >= 1:
		p.Why = "the workers cannot keep up"
	case p.Utilisation > mostBusy:
		p.Why = fmt.Sprintf("the workers are busy more than %s of the time", number.Percent(mostBusy))
	case p.Wait > d.Limit:
		p.Why = "the wait is too long" + d.named()
	case p.StallShare > 1-d.Quantile:
		p.Why = "a stall delays too many jobs" + d.named()
	default:
		p.Meets = true
	}
	return p
}

func (d Demand) named() string {
	if d.Name == "" {
		return ""
	}
	return " for " + d.Name
}

// Staff is the smallest number of workers that meets the demand. ok is false
// when no number does: a stall that is too long for the quantile is so for any.
func (d Demand) Staff() (workers int, ok bool) {
	// More workers never make it worse, so halving the range finds the least.
	low, high := max(1, int(math.Floor(min(d.Queue.Load(), mostWorkers)))), 1
	for high = low; !d.With(high).Meets; high *= 2 {
		if high > mostWorkers {
			return 0, false
		}
	}
	for low < high {
		if middle := (low + high) / 2; d.With(middle).Meets {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return high, true
}

// Rough says why the formulas are rough for this queue, empty where simulation
// found the 99% quantile of the wait within a sixth.
func (q Queue) Rough() string {
	switch {
	case q.ServiceSCV > 2:
		return "service times vary so much (squared coefficient of variation above 2) that the wait may be a third longer or shorter"
	case q.Utilisation() > 0.9:
		return "above a utilisation of 0.9 every error in rate or service time is multiplied"
	case q.ArrivalSCV < 0.5 && (q.Utilisation() < 0.85 || q.Workers > 4):
		return "for arrivals more regular than random ones the predicted wait is too long, which is the safe side"
	case q.ServiceSCV > 1.5:
		return "for service times that vary more than exponential ones the wait may be a tenth longer or shorter"
	}
	return ""
}
