package verify

import (
	"context"
	"math"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
)

// laws holds every run that was made so far, those with planted faults too,
// against the laws of the ledger and of the stages.
func laws(_ context.Context, r *rig, x *Experiment) error {
	var balance, legs, order, rows, counts, jobs int64
	worst := 0.0
	for _, one := range r.results {
		l := one.Ledger
		jobs += l.Scheduled
		balance += abs(l.Scheduled - l.Notified - l.Lost - l.Abandoned)
		lost := l.Lost
		for _, n := range l.LostByLeg {
			lost -= n
		}
		legs += abs(lost)
		for _, pair := range [][2]int64{
			{l.Scheduled, l.Sent}, {l.Sent, l.Acked}, {l.Sent, l.Popped},
			{l.Popped, l.Finished}, {l.Finished, l.Published}, {l.Finished, l.Notified},
		} {
			order += max(0, pair[1]-pair[0])
		}
		var sent, notified int64
		for _, s := range one.Timeline {
			sent += s.Sent
			notified += s.Notified
		}
		rows += abs(sent-l.Sent) + abs(notified-l.Notified)
		for _, s := range one.Stages {
			counts += abs(s.Count - one.Window.Completed)
		}
		worst = max(worst, imbalance(one))
	}
	x.exactly("scheduled = notified + lost + abandoned, difference", 0, balance)
	x.exactly("lost = the sum of its legs, difference", 0, legs)
	x.exactly("a later count above an earlier one", 0, order)
	x.exactly("the timeline's rows add up to the ledger, difference", 0, rows)
	x.exactly("every stage holds every completed job, difference", 0, counts)
	x.expect("end_to_end = lateness + queue + work + notify, worst mean", 0, &worst, 1e-5, unitMS)
	x.show("runs that were held against it", new(float64(len(r.results))), "")
	x.show("jobs in them", new(float64(jobs)), unitJobs)
	return nil
}

// imbalance is by how many milliseconds the mean of end_to_end and the sum of
// its parts' means differ. Each job's parts are exact in nanoseconds, so only
// the rounding of sums remains.
func imbalance(r *result.Result) float64 {
	mean := func(s metric.Stage) float64 {
		if m := r.Stages[s].MeanNS; m != nil {
			return *m
		}
		return 0
	}
	parts := mean(metric.Lateness) + mean(metric.Queue) + mean(metric.WorkTime) + mean(metric.Notify)
	return math.Abs(mean(metric.EndToEnd)-parts) / 1e6
}

func abs(n int64) int64 { return max(n, -n) }
