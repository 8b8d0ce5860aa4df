package verify

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/line"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/queueing"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// The stall experiments: half a second in which nothing is served, within a
// schedule that leaves time enough before it and for the drain after it.
const (
	stallLength = 500 * time.Millisecond
	stallAfter  = 1100 * time.Millisecond
	stallSpan   = 4 * time.Second
	stallRate   = 1000
)

// stall is one kind of stall experiment.
type stall struct {
	arrivals pace.Arrivals
	loaded   bool // work that waits, at a utilisation of about 0.6
	workers  bool // the workers stop and not the server
	fault    bool // the scenario pauses the server, see pause.go
}

// quantiles are the six to hold against theory: they lie on the ramp.
func (s stall) quantiles() []float64 {
	if s.fault {
		return []float64{0.85, 0.88, 0.91, 0.94, 0.97, 0.99}
	}
	if s.loaded {
		return []float64{0.80, 0.85, 0.90, 0.94, 0.97, 0.99}
	}
	return []float64{0.90, 0.92, 0.94, 0.96, 0.98, 0.99}
}

func (s stall) scenario() scenario.Scenario {
	out := scenario.Scenario{
		Name:      "verify-stall",
		Load:      scenario.Load{Rate: pace.PerSecond(stallRate), Duration: stallSpan, Arrivals: s.arrivals},
		Consumers: 1, DrainTimeout: 5 * time.Second,
	}
	if s.loaded {
		out.Consumers, out.Work.Time = 6, 3400*time.Microsecond
	}
	return out
}

// backlog is how many jobs are sure to be popped one right after the other once
// the stall is over: those that were due in it, and those that come while a
// loaded pool works these off. A part is left out, since Poisson arrivals may be
// fewer and the pool faster.
func (s stall) backlog() int64 {
	jobs := stallRate * stallLength.Seconds()
	if s.loaded {
		jobs /= 1 - 0.5
	}
	return int64(0.8 * jobs)
}

func (s stall) do(ctx context.Context, r *rig, x *Experiment) error {
	var workers pool
	l := load{Scenario: s.scenario(), hooks: hooks{consumer: workers.wrap}}
	hold := r.o.Server.Stall
	if s.workers {
		hold = workers.hold
	}
	// A stall cannot be shorter than ordered and pass: what is longer, as the
	// one who stalls sees it, is the host's doing and known.
	length := stallLength
	l.meanwhile = func(ctx context.Context, _ func()) error {
		if err := sleep(ctx, stallAfter); err != nil {
			return err
		}
		from := time.Now()
		if err := hold(ctx, stallLength); err != nil {
			return fmt.Errorf("stall: %w", err)
		}
		length = max(length, time.Since(from))
		workers.left.Store(s.backlog())
		return nil
	}
	res, err := r.run(ctx, l)
	if err != nil {
		return err
	}
	_, err = s.hold(x, res, length, workers.cycle())
	return err
}

// hold holds a run against the closed form, which it returns: the zero value where that
// says nothing. The cycle is the time for which a job keeps a consumer while there is a
// backlog.
func (s stall) hold(x *Experiment, res *result.Result, length, cycle time.Duration) (theory queueing.Stall, err error) {
	whole, err := histogram(res, metric.EndToEnd)
	if err != nil {
		return theory, err
	}
	// What arrives over what the consumers carry. It is no figure of the result:
	// the closed form would then agree with itself.
	rho := stallRate * cycle.Seconds() / float64(res.Scenario.Consumers)
	if rho <= 0 || rho > 0.9 {
		x.expect("utilisation, as the workers were timed", 0.5, &rho, 0.4, unitRatio)
		return theory, nil
	}
	// The rank of a quantile counts jobs, so the span is that of so many jobs.
	theory = queueing.Stall{
		Length: length, Utilisation: rho,
		Span: time.Duration(float64(res.Window.Scheduled) / stallRate * float64(time.Second)),
	}
	missing := res.Window.Scheduled - res.Window.Completed
	// A job that met no stall: the median of those outside the ramp.
	calm, err := whole.Quantile((1-theory.Ramp())/2, missing)
	if err != nil {
		return theory, err
	}
	var ps, at []float64
	for _, p := range s.quantiles() {
		wait := theory.Quantile(p)
		if wait < length/20 || wait > length-length/100 {
			continue // off the ramp, where the closed form says nothing
		}
		expected := time.Duration(calm) + wait
		tolerance := max(3*time.Millisecond, time.Duration(0.015*float64(expected)))
		if s.arrivals == pace.Poisson {
			tolerance += 3 * theory.QuantileSpread(p, stallRate)
		}
		var measured *float64
		if v, err := whole.Quantile(p, missing); err == nil {
			measured = new(ms(time.Duration(v)))
			ps, at = append(ps, p), append(at, time.Duration(v).Seconds())
		}
		x.expectTime(fmt.Sprintf("end_to_end.p%v", 100*p), expected, measured, tolerance)
	}
	if len(ps) < 4 {
		x.note("only %d of %d quantiles lie on the ramp, too few to judge", len(ps), len(s.quantiles()))
		x.expect("quantiles on the ramp", float64(len(s.quantiles())), new(float64(len(ps))), 2, "")
		return theory, nil
	}
	// The ramp's slope gives the utilisation once more, from the latencies
	// alone; chance bends it by one over the root of the jobs on the ramp.
	within := 0.03
	if s.arrivals == pace.Poisson {
		within += 3 / math.Sqrt(theory.Ramp()*float64(res.Window.Scheduled))
	}
	ramp, _ := line.Through(ps, at)
	x.expect("utilisation: as the workers were timed, and by the ramp's slope", rho, new(1-ramp.Slope/theory.Span.Seconds()), within, unitRatio)
	if s.loaded {
		// The stages say it a third time: work and publish are what keeps a
		// worker. More workers than we know of would not fit together here.
		stages := time.Duration(*res.Stages[metric.WorkTime].P50NS + *res.Stages[metric.Publish].P50NS)
		x.expect("utilisation: as the workers were timed, and by the stages' medians", rho,
			new(stallRate*stages.Seconds()/float64(res.Scenario.Consumers)), 0.06, unitRatio)
	}
	x.exactly("jobs lost", 0, res.Ledger.Lost)
	return theory, nil
}
