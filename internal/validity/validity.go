// Package validity judges whether the figures of a run can be trusted: whether they
// are those of the server and the workers, or those of the generator, of the process
// that measures, or of an overloaded host. It measures nothing itself. Begin reading
// at [Judge].
package validity

import (
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/result"
)

// Measured is what a run knows about itself besides its result. A nil pointer means
// not measured.
type Measured struct {
	Limited   string // which limit stopped or held back the load, empty when none did
	Negative  int64  // jobs with a stage of negative length
	Strangers int64  // jobs that arrived without having been popped by this run

	Schedule    Schedule
	Connections Connections
	Host        hoststat.Stat
	Probes      probe.Findings
	// Queue is the length of the queue in the window, and Workers the share of the
	// consumers that had a job, each as sampled and by the jobs' stamps.
	Queue, Workers Sampled
	Usage          usage.Usage
	Course         Course
	Faults         Faults
}

// Schedule is how well an open loop kept its schedule.
type Schedule struct {
	SentInTime *float64      // share of the window's jobs sent before its end
	LateShare  *float64      // share of jobs later than LateLimit
	LateLimit  time.Duration // from which lateness on a job counts as held up
	TailShare  *float64      // share of the slowest 1% that is mostly lateness
}

// Connections is what happened to the connections of a run.
type Connections struct {
	Resubscribed int64 // subscriptions that broke and were renewed
	Unconfirmed  int64 // subscriptions that did not answer at the end
	LostPops     int64 // jobs, at most, that were lost with connections
	PoolTimeouts int64 // waits for a connection that timed out
}

// Sampled is the mean of a quantity by samples, and by the jobs' stamps.
type Sampled struct {
	Mean, Stamps *float64
	// Noise is the standard error of Mean. Bias is by how much the samples can all
	// be off in one direction, because they were late or missing for a while.
	Noise, Bias float64
}

// Course is how latency and the backlog developed over the run.
type Course struct {
	WarmupNeeded *time.Duration // what MSER-5 says
	// WarmupExcess is latency before WarmupNeeded over latency after it.
	WarmupExcess float64
	Settled      bool
	Drift        *float64      // ratio of the medians of the window's halves
	DriftSpreads float64       // their difference in spreads
	Stalled      time.Duration // the longest time in which the server answered nothing
	BacklogSlope *float64      // growth of the backlog as a share of the rate
	SlopeLimit   float64
}

// The limits on the host that also hold without a run.
const (
	// MostSteal is the share of the CPUs' time that the hypervisor may give to other
	// machines.
	MostSteal = 0.05
	// MostHiccup is by how much a thread that only waits may wake too late, whatever
	// the latency of the jobs is. Above it, a quarter of that latency is allowed.
	MostHiccup = 500 * time.Microsecond
)

// Undecided is the effect of a check that can neither pass nor fail.
const Undecided = "undecided"

// Judge judges the run by its result, which is complete except for its verdict and
// its thresholds, and by what else was measured. Notes qualify single figures
// without lowering the verdict; a result has them among its warnings.
func Judge(r *result.Result, m Measured) (v result.Validity, notes []string) {
	j := judged(r, m, probesOf(r, m.Probes))
	if !j.observed() {
		j.laws()
	}
	j.settling()
	j.v.Triage, j.v.Usage = j.triage(), result.Usage(m.Usage)
	return j.v, j.notes
}

// judged has made the checks that can also be made before the end.
func judged(r *result.Result, m Measured, p probes) *judge {
	j := &judge{r: r, m: m, p: p, v: result.Validity{Verdict: result.Valid, Reasons: []string{}, Checks: map[string]result.Check{}}}
	j.outcome()
	j.limit() // the cause of much that follows
	if !j.closed() {
		j.pace()
	}
	j.account()
	j.machine()
	return j
}

// probes are the latencies of the control probes and of the jobs, all at the same
// quantile: the highest one that all of them have, whose name is at.
type probes struct {
	at                       string
	stage                    metric.Stage // the headline
	hiccup, echo, ping       *time.Duration
	whole, lateness, work    *time.Duration
	pickup                   *time.Duration
	longestHiccup, worstPing *time.Duration
}

// name is the jobs' stage with the quantile.
func (p probes) name() string { return string(p.stage) + "." + p.at }

func probesOf(r *result.Result, found probe.Findings) probes {
	for _, q := range []string{"p99", "p95", "p90", "p50"} {
		at := func(h *latency.Histogram) *time.Duration {
			share, _ := metric.QuantileShare(q)
			if h == nil {
				return nil
			} else if v, err := h.Quantile(share, 0); err == nil {
				return new(time.Duration(v))
			}
			return nil
		}
		p := probes{at: q, stage: r.Scenario.Headline(), hiccup: at(found.Hiccup), echo: at(found.Echo), ping: at(found.Ping)}
		p.whole, p.lateness = stageAt(r, p.stage, q), stageAt(r, metric.Lateness, q)
		p.pickup = stageAt(r, metric.Pickup, q)
		if p.work = stageAt(r, metric.WorkTime, q); p.work == nil {
			p.work = stageAt(r, metric.Running, q) // workers that report only that they begin and that they are done
		}
		if p.whole == nil || found.Hiccup != nil && p.hiccup == nil || found.Ping != nil && p.ping == nil {
			continue
		}
		if h := found.Hiccup; h != nil && h.Count() > 0 {
			p.longestHiccup = new(time.Duration(h.Max()))
		}
		if h := found.Ping; h != nil && h.Count() > 0 {
			p.worstPing = new(time.Duration(h.Max()))
		}
		return p
	}
	return probes{}
}

// stageAt is a quantile of a stage, nil when the stage has none.
func stageAt(r *result.Result, stage metric.Stage, quantile string) *time.Duration {
	v, _, ok := r.Metric(string(stage) + "." + quantile)
	if !ok || math.IsInf(v, 0) {
		return nil
	}
	return new(time.Duration(v))
}
