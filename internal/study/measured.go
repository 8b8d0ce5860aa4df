package study

import (
	"fmt"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// Measured takes the service time, its variation, and the rate where none is
// set, from a run, and says in From and Notes which figures they are.
func (s *Staffing) Measured(r *result.Result) error {
	c, err := cycleOf(r)
	if err != nil {
		return err
	}
	s.Service, s.ServiceCV = c.mean, c.cv
	s.From, s.Notes = "measured in run "+r.Run.ID, c.notes
	if s.Rate == 0 {
		s.Rate = r.Rates.AchievedPerS
		switch {
		case r.Rates.OfferedPerS != nil:
			s.Rate = *r.Rates.OfferedPerS
		case r.Observed != nil && r.Observed.ArrivedPerS != nil:
			s.Rate = *r.Observed.ArrivedPerS
			s.Notes = append(s.Notes, "the rate is that of the arrivals: the jobs that ended, and those by which the queue grew")
		case r.Observed != nil:
			s.Notes = append(s.Notes, "the rate is that of the jobs that ended: how many arrived is not known")
		}
	}
	if s.Rate <= 0 {
		return &problem.Hinted{What: fmt.Sprintf("result %s: no job arrived, so there is no rate to plan for", r.Run.ID), Remedy: "give --rate"}
	}
	return nil
}

// cycle is for how long a job occupied a worker.
type cycle struct {
	mean  time.Duration
	cv    float64
	notes []string
}

// cycleOf is the cycle of a run's workers. For consumers of the run it is the work,
// and the round trip that publishes and asks for the next job. For external workers
// it is what they say about their work, or else what their notifications show.
func cycleOf(r *result.Result) (cycle, error) {
	others := r.Scenario.External || r.Scenario.Load.Observed
	if n := r.Scenario.Batch; n > 1 && !others {
		return cycle{}, &problem.Hinted{What: fmt.Sprintf("result %s: its workers took %d jobs at a time, and a job's time holds the wait for the others of its batch", r.Run.ID, n), Remedy: "measure with a batch of 1, or give --service"}
	}
	if !others && r.Scenario.Notify != jobqueue.NoNotify {
		return sumOf(r, nil, metric.WorkTime, metric.Publish)
	}
	if measures(r, metric.WorkTime) {
		return sumOf(r, []string{"the service time is the stage work; the round trips to Redis are not in it"}, metric.WorkTime)
	}
	if measures(r, metric.Running) {
		notes := []string{"the service time is the stage running, from RUNNING to the end as heard: the ways of two notifications are in it, that of the end makes it longer, that of RUNNING shorter"}
		if n := r.Stages[metric.Running].Censored; n > 0 {
			notes = append(notes, fmt.Sprintf("%d jobs of which the beginning or the end was not heard are not in its mean", n))
		}
		return sumOf(r, notes, metric.Running)
	}
	return cycle{}, &problem.Hinted{What: fmt.Sprintf("result %s: for how long its workers were busy was not measured: they said neither how long they worked (the stage work) nor RUNNING (the stage running)", r.Run.ID), Remedy: "give --service"}
}

// measures reports whether the run measured the stage.
func measures(r *result.Result, stage metric.Stage) bool {
	s := r.Stages[stage]
	return s != nil && s.MeanNS != nil && s.StddevNS != nil
}

// sumOf is the cycle that is made of these stages.
func sumOf(r *result.Result, notes []string, stages ...metric.Stage) (cycle, error) {
	var ns, variance float64
	for _, stage := range stages {
		if !measures(r, stage) {
			return cycle{}, &problem.Hinted{What: fmt.Sprintf("result %s: no job went through the stage %s", r.Run.ID, stage), Remedy: "give --service"}
		}
		ns += *r.Stages[stage].MeanNS
		variance += *r.Stages[stage].StddevNS * *r.Stages[stage].StddevNS
	}
	if ns < 1 {
		return cycle{}, &problem.Hinted{What: fmt.Sprintf("result %s: its workers were busy for no time at all", r.Run.ID), Remedy: "give --service"}
	}
	return cycle{time.Duration(ns), math.Sqrt(variance) / ns, notes}, nil
}
