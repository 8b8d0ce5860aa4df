package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Backend is a queue of one run's own, which is closed after it.
type Backend interface {
	jobqueue.Backend
	io.Closer
}

// Lab makes trials of a scenario.
type Lab struct {
	// Scenario is what is tried; its rate, length, warm-up and thresholds are
	// the trial's.
	Scenario scenario.Scenario
	// SLO are the limits that make a trial good. Without one on lost jobs, none
	// may be lost.
	SLO []threshold.Threshold
	// Open connects to a queue that no one else uses. It returns nil for a scenario that
	// sees its jobs only at the user's API.
	Open func(ctx context.Context, runID string) (Backend, error)
	// Run are the options of each run; its ID and its Progress are set here.
	Run engine.Options
	// Horizon is for how long the load is meant to go on: a backlog that grows so
	// slowly that the trial keeps the SLO must keep it for that long, too. Zero means
	// [Horizon].
	Horizon time.Duration
	// Saw is called with the result of every run.
	Saw func(*result.Result)

	upset bool // the last trial was invalid
}

// WithLoss adds the limit that no job may be lost to limits that say nothing
// of it.
func WithLoss(slo []threshold.Threshold) []threshold.Threshold {
	for _, t := range slo {
		if t.Metric == "lost" {
			return slo
		}
	}
	return append(slo[:len(slo):len(slo)], threshold.Threshold{Metric: "lost", Op: threshold.Equal})
}

// Probe makes one trial: a separate run on a separate queue, drained and
// judged. It is a [capacity.Probe]; when Run.Stop is closed or the context ends
// it returns [capacity.ErrCut], and [capacity.ErrLate] when the trial has not
// drained within its time. It makes one trial at a time.
func (l *Lab) Probe(ctx context.Context, t capacity.Trial) (capacity.Outcome, error) {
	if t.Within <= 0 {
		return l.try(ctx, t)
	}
	bound, cancel := context.WithTimeout(ctx, t.Within)
	defer cancel()
	out, err := l.try(bound, t)
	if err != nil && bound.Err() != nil && !l.stopped(ctx) {
		err = capacity.ErrLate
	}
	return out, err
}

func (l *Lab) try(ctx context.Context, t capacity.Trial) (capacity.Outcome, error) {
	began := time.Now()
	if err := l.rest(ctx, t.Within); err != nil {
		return capacity.Outcome{}, err
	}
	o := l.Run
	o.ID = flight.NewID()
	backend, err := l.Open(ctx, o.ID)
	if err != nil {
		return capacity.Outcome{}, err
	}
	var queue jobqueue.Backend // nil for a black box
	if backend != nil {
		defer backend.Close()
		queue = backend
	}
	slo := WithLoss(l.SLO)
	hard, cancel := context.WithCancel(ctx)
	defer cancel()
	s := l.scenario(t, slo)
	cut := ""
	// The load ends when someone stops it from outside, and when it is judged.
	load, end := context.WithCancel(context.Background())
	defer end()
	if l.Run.Stop != nil {
		go func() {
			select {
			case <-l.Run.Stop:
				end()
			case <-load.Done():
			}
		}()
	}
	w := &watch{
		limits: limitsOf(slo), rate: t.Rate, horizon: cmp.Or(l.Horizon, Horizon), stop: end,
		from: s.Warmup, next: t.Length, longest: longest(t),
	}
	if t.Kind != capacity.Ceiling {
		o.Stop, o.Sampled, o.Interval = load.Done(), w.sampled, w.done
	}
	o.Progress = func(g engine.Progress) {
		if why := flooded(s, slo, g); why != "" && cut == "" {
			cut = why
			cancel()
		}
	}
	r, err := engine.Run(hard, s, queue, o)
	var died *engine.WorkersError
	switch {
	case l.stopped(ctx):
		return capacity.Outcome{}, capacity.ErrCut
	case errors.As(err, &died):
		// Whatever such a trial shows, it is not what the system carries.
		return capacity.Outcome{}, fmt.Errorf("workers of a trial ended in it: %w", err)
	case r == nil:
		return capacity.Outcome{}, err
	case err != nil && cut == "" || r.Run.Failed && cut == "":
		return capacity.Outcome{}, errors.Join(errors.New("the run failed"), err)
	}
	if l.Saw != nil {
		l.Saw(r)
	}
	out := capacity.Outcome{
		Verdict: capacity.Good, Reasons: []string{}, Achieved: r.Rates.AchievedPerS,
		Limit: limitOf(r), Run: r.Run.ID, Figures: figuresOf(r),
	}
	if t.Kind == capacity.Ceiling {
		out.Error = spread(r)
		if out.Limit.Part == usage.Workers && !r.Scenario.External {
			out.Bound = out.Achieved + max(2*out.Error, slack*out.Achieved)
		}
	} else {
		if w.verdict == "" {
			w.judge() // the run ended before the time came
		}
		out.Verdict, out.Reasons, out.Passing = Judge(r, slo, cut, w.growing)
		if w.next != t.Length {
			out.Measured = w.next
		}
	}
	l.upset = out.Verdict == capacity.Invalid
	out.Took = time.Since(began)
	return out, nil
}

// slack is by how much a load may seem to be carried at a higher rate than a closed
// loop carried.
const slack = 0.01

// longest is how long the trial may become.
func longest(t capacity.Trial) time.Duration { return max(t.Length, t.Longest) }

// spread is the standard error of the achieved rate, from tenths of the window.
func spread(r *result.Result) float64 {
	const parts = 10
	var done, span [parts]float64
	from, to := float64(r.Window.FromNS)/1e9, float64(r.Window.ToNS)/1e9
	for _, row := range r.Timeline {
		if i := int((row.ElapsedS - row.LengthS/2 - from) / (to - from) * parts); row.ElapsedS-row.LengthS/2 >= from && i < parts {
			done[i], span[i] = done[i]+float64(row.Notified), span[i]+row.LengthS
		}
	}
	var n, sum, square float64
	for i := range done {
		if span[i] > 0 {
			rate := done[i] / span[i]
			n, sum, square = n+1, sum+rate, square+rate*rate
		}
	}
	if n < 2 {
		return 0
	}
	return math.Sqrt(max(0, square-sum*sum/n) / (n - 1) / n)
}

// idle is how long the system is left alone before each trial, so that the sockets and the
// disk of the last one settle.
const idle = 500 * time.Millisecond

// idleFor is how long to leave the system alone before the next trial, which may take so
// much time in all; 0 means no limit. It is up to ten times as long after an invalid trial,
// in which the host was disturbed.
func (l *Lab) idleFor(within time.Duration) time.Duration {
	switch {
	case !l.upset:
		return idle
	case within > 0:
		return max(idle, min(10*idle, within/20))
	}
	return 10 * idle
}

// rest leaves the system alone for a while.
func (l *Lab) rest(ctx context.Context, within time.Duration) error {
	wait := time.NewTimer(l.idleFor(within))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
	case <-l.Run.Stop:
	}
	return capacity.ErrCut
}

func (l *Lab) stopped(ctx context.Context) bool {
	select {
	case <-l.Run.Stop:
		return true
	default:
		return ctx.Err() != nil
	}
}

// warmup is how much of a trial is not measured: a second, or two of a long one.
func warmup(length time.Duration) time.Duration {
	switch {
	case length >= 20*time.Second:
		return 2 * time.Second
	case length >= 4*time.Second:
		return time.Second
	}
	return length / 4
}

// scenario is what the trial runs.
func (l *Lab) scenario(t capacity.Trial, slo []threshold.Threshold) scenario.Scenario {
	s := l.Scenario
	arrivals := s.Load.Arrivals
	s.Thresholds = nil
	// A system of long jobs takes their length to fill.
	s.Warmup = max(warmup(t.Length), min(2*s.Work.Time*time.Duration(max(1, s.Batch)), t.Length))
	s.Load = scenario.Load{Duration: s.Warmup + t.Length}
	s.DrainTimeout = drainLimit(s, slo)
	if s.Seed != 0 {
		// Each trial has different arrivals: the same ones every time would be the
		// same luck every time.
		s.Seed = (s.Seed + uint64(t.N)) & (1<<53 - 1)
	}
	if t.Kind == capacity.Ceiling {
		s.DrainTimeout = max(s.DrainTimeout, 10*time.Second)
		if s.Work.Time == 0 {
			// Enough that round trips do not limit it.
			s.Load.InFlight = max(s.WithDefaults().Load.InFlight, 64*s.Batch)
		}
		return s.WithDefaults()
	}
	s.Load.Rate, s.Load.Arrivals, s.Load.Duration = RateOf(t.Rate), arrivals, s.Warmup+longest(t)
	return s.WithDefaults()
}

// RateOf is the rate of so many jobs per second, exact to a thousandth of one.
func RateOf(perSecond float64) pace.Rate {
	jobs, per := max(1, int64(math.Round(perSecond*1000))), 1000*time.Second
	for jobs%10 == 0 && per > time.Second {
		jobs, per = jobs/10, per/10
	}
	return pace.Rate{Jobs: jobs, Per: per}
}

// flooded is why a trial need not go on: more jobs are on their way than the
// limits can ever allow. It is empty while that is not so.
func flooded(s scenario.Scenario, slo []threshold.Threshold, g engine.Progress) string {
	if s.Load.Closed() {
		return ""
	}
	most := patience(slo) + 2*s.Work.Time*time.Duration(s.Batch)
	held := time.Duration(float64(g.Backlog) / s.Load.Rate.Float() * float64(time.Second))
	if held <= most {
		return ""
	}
	have, limit := apart(held, most)
	return fmt.Sprintf("after %.0f s the backlog held %s of jobs, more than %s: the trial was ended", g.Elapsed.Seconds(), have, limit)
}
