package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

// experiment is one that can be made.
type experiment struct {
	name, question, setup string
	span                  time.Duration // about how long a try takes
	do                    func(ctx context.Context, r *rig, x *Experiment) error
}

// plan lists the experiments in their order. The laws come last: they hold for
// the runs of all others.
func plan() []experiment {
	all := append(stalls(false), experiment{
		name:     "closed-loop",
		question: "What does a tool that waits for each answer report of that stall?",
		setup:    fmt.Sprintf("%d jobs in flight, as fast as they come back, for %s; the server stopped for %s", closedTokens, stallSpan, stallLength),
		span:     stallSpan, do: closedLoop,
	})
	all = append(append(all, stalls(true)...), experiment{
		name:     "server-pause",
		question: fmt.Sprintf("When a fault pauses the server for %s, do latencies and recovery follow from its length?", pauseLength),
		setup:    fmt.Sprintf("%d jobs/s, constant arrivals, for %s, %d workers at %s a job", stallRate, pauseSpan, pausing().Consumers, pausing().Work.Time),
		span:     pauseSpan, do: pauseAsFault,
	})
	one := queue{workers: 1, rate: 300, work: 1800 * time.Microsecond, span: 12 * time.Second, within: 0.25}
	four := queue{workers: 4, rate: 700, work: 4 * time.Millisecond, span: 12 * time.Second, within: 0.30}
	all = append(all,
		experiment{name: "queue-one-worker", question: "Is the wait for one worker what queueing theory says?",
			setup: one.setup("M/D/1, exact"), span: one.span, do: one.do},
		experiment{name: "queue-four-workers", question: "Is the wait for four workers what queueing theory says?",
			setup: four.setup("M/D/4, by Allen and Cunneen"), span: four.span, do: four.do},
		experiment{name: "losses", question: "Is every job that is lost on the way found, and on the right leg?",
			setup: "600 jobs, 6 or 12 lost on each leg", span: 2 * time.Second, do: lostOnTheWay},
		experiment{name: "left-in-queue", question: "Are the jobs that no consumer took found in the list?",
			setup: "400 jobs, of which the workers take 275", span: 2 * time.Second, do: leftInTheQueue},
		experiment{name: "cut-off", question: "Does a run that is ended at once account for every job?",
			setup: "100 jobs; the push of one hangs, three workers never finish", span: 2 * time.Second, do: cutOff},
		experiment{name: "strangers", question: "Are duplicates, disorder, damage and strangers counted exactly?",
			setup: "500 jobs, each fault planted five times", span: time.Second, do: strangers},
	)
	for _, p := range []pacing{
		{rate: 100, median: 200 * time.Microsecond, tail: time.Millisecond},
		{rate: 1000, median: 150 * time.Microsecond, tail: time.Millisecond},
		{rate: 10_000, median: 300 * time.Microsecond, tail: 5 * time.Millisecond},
	} {
		all = append(all, experiment{
			name: fmt.Sprintf("pacing-%d", p.rate), question: fmt.Sprintf("Are jobs sent when they are due, at %d jobs/s?", p.rate),
			setup: fmt.Sprintf("%d jobs/s for %s", p.rate, pacingSpan), span: pacingSpan, do: p.do,
		})
	}
	return append(all, experiment{
		name: "laws", question: "Do the ledger and the stages add up in every run made here?",
		setup: "all runs above, those with planted faults and failed tries too", do: laws,
	})
}

// stalls are those of the server, or of the workers.
func stalls(workers bool) (all []experiment) {
	for _, arrivals := range []pace.Arrivals{pace.Constant, pace.Poisson} {
		for _, loaded := range []bool{false, true} {
			all = append(all, stall{arrivals: arrivals, workers: workers, loaded: loaded}.experiment())
		}
	}
	return all
}

// experiment is the stall as one that can be made.
func (s stall) experiment() experiment {
	name, who := "server-stall", "the server"
	if s.workers {
		name, who = "worker-stall", "all workers"
	}
	verb := "stops"
	if s.workers {
		verb = "stop"
	}
	name += "-" + string(s.arrivals)
	load := "one worker without work"
	if s.loaded {
		name += "-loaded"
		load = fmt.Sprintf("%d workers at %s a job", s.scenario().Consumers, s.scenario().Work.Time)
	}
	return experiment{
		name:     name,
		question: fmt.Sprintf("When %s %s for %s, does every job that was due then show it?", who, verb, stallLength),
		setup:    fmt.Sprintf("%d jobs/s, %s arrivals, for %s, %s", stallRate, s.arrivals, stallSpan, load),
		span:     stallSpan, do: s.do,
	}
}

func (q queue) setup(theory string) string {
	return fmt.Sprintf("%d jobs/s, poisson arrivals, for %s, %s of work (%s)", q.rate, q.span, q.work, theory)
}

// choose is the plan, or those parts of it that are named.
func choose(only []string) ([]experiment, error) {
	all := plan()
	if len(only) == 0 {
		return all, nil
	}
	for _, name := range only {
		if !slices.ContainsFunc(all, func(e experiment) bool { return e.name == name }) {
			return nil, fmt.Errorf("%w %q; the experiments are %s", ErrUnknown, name, strings.Join(Names(), ", "))
		}
	}
	return slices.DeleteFunc(all, func(e experiment) bool { return !slices.Contains(only, e.name) }), nil
}

// left is about how long the experiments take.
func left(all []experiment) time.Duration {
	var sum time.Duration
	for _, e := range all {
		sum += e.span
	}
	return sum
}
