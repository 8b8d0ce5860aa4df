package verify

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/queueing"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// queue is a queue that theory solves: Poisson arrivals, a service time that
// does not vary, c workers (M/D/c).
type queue struct {
	workers int
	rate    int64
	work    time.Duration
	span    time.Duration
	// within is the tolerance for the formula. Three standard errors of the
	// run's length lie inside it.
	within float64
}

// recursionWithin is the tolerance for the recursion over the run's own arrivals, which
// leaves nothing to chance: what remains are the host's hiccups.
const recursionWithin = 0.15

func (q queue) do(ctx context.Context, r *rig, x *Experiment) error {
	res, err := r.run(ctx, load{Scenario: scenario.Scenario{
		Name:      "verify-queue",
		Load:      scenario.Load{Rate: pace.PerSecond(q.rate), Duration: q.span, Arrivals: pace.Poisson},
		Consumers: q.workers, Work: scenario.Work{Time: q.work}, DrainTimeout: 5 * time.Second,
	}})
	if err != nil {
		return err
	}
	h := map[metric.Stage]*latency.Histogram{}
	for _, s := range []metric.Stage{metric.WorkTime, metric.Publish, metric.Queue} {
		if h[s], err = histogram(res, s); err != nil {
			return err
		}
	}
	mean := func(s metric.Stage) float64 { return *res.Stages[s].MeanNS }
	service := mean(metric.WorkTime) + mean(metric.Publish)
	variance := h[metric.WorkTime].Stddev()*h[metric.WorkTime].Stddev() + h[metric.Publish].Stddev()*h[metric.Publish].Stddev()
	known := queueing.Waits(arrivals(res), time.Duration(service), q.workers)
	slices.Sort(known)
	free, _ := slices.BinarySearch(known, 1)
	// A job that finds a free worker takes only the way to it, which is no wait;
	// the others spend the same time on it while they wait. Those are the
	// fastest ones, and their median is the way.
	way, err := h[metric.Queue].Quantile(float64(free)/float64(len(known))/2, 0)
	if err != nil {
		return err
	}
	theory := queueing.Queue{
		Workers: q.workers, Rate: float64(q.rate), Service: time.Duration(service),
		ArrivalSCV: 1, ServiceSCV: variance / (service * service),
	}
	waited := new((mean(metric.Queue) - float64(way)) / 1e6)
	formula := ms(theory.MeanWait())
	x.expect("mean wait, by the formula", formula, waited, q.within*formula, unitMS)

	var sum time.Duration
	for _, w := range known {
		sum += w
	}
	exact := ms(sum) / float64(len(known))
	x.expect("mean wait, for these very arrivals", exact, waited, recursionWithin*exact, unitMS)
	for _, q := range []struct {
		name string
		p    float64
	}{{"p75", 0.75}, {"p90", 0.90}} {
		var measured *float64
		if v, err := h[metric.Queue].Quantile(q.p, 0); err == nil {
			measured = new(ms(time.Duration(v - way)))
		}
		at := ms(known[int(math.Ceil(q.p*float64(len(known))))-1])
		x.expect(q.name+" of the wait, for these very arrivals", at, measured, recursionWithin*at+0.2, unitMS)
	}
	x.show("utilisation", new(theory.Utilisation()), unitRatio)
	x.show("service time", new(service/1e6), unitMS)
	x.show("chance alone, one standard error of the formula's mean", new(formula*theory.MeanWaitError(q.span)), unitMS)
	x.exactly("jobs lost", 0, res.Ledger.Lost)
	return nil
}

// arrivals are when the jobs of a run were due: the schedule says it again.
func arrivals(r *result.Result) []time.Duration {
	s := r.Scenario
	share := pace.Schedule{Rate: s.Load.Rate, Arrivals: s.Load.Arrivals, Batch: s.Batch, Seed: r.Run.Seed}.Share(0, s.Producers)
	var all []time.Duration
	for range r.Window.Scheduled {
		all = append(all, share.Next().Due)
	}
	return all
}
