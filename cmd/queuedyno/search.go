package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// search is one search for the capacity, or the rest of one.
type search struct {
	c       *searching
	r       *study.Record
	server  *target.Servers
	signals *interrupt.Signals
	tags    map[string]string
	worker  *searchWorker // nil without --worker
	// standing are the workers that run already, if the consumers are external.
	standing standingWorkers

	reserved *store.Reservation
	// trials and answer are those of the search that goes on, and steps what was said
	// of all trials.
	trials []capacity.Trial
	answer capacity.Answer
	steps  []string
	// moved is why the record had to go elsewhere, nil when it had not.
	moved error
}

// store writes what is known by now.
func (s *search) store() error {
	s.r.EndedAt = time.Now().UTC()
	err := s.reserved.Write(render.Of(s.r))
	var e *store.Error
	if errors.As(err, &e) && e.Err != nil && e.Dir != "" {
		s.moved = err // and stays there
	}
	if err == nil {
		err = s.moved
	}
	return err
}

// storeSoFar is store between two searches. What could be kept anywhere does not
// end the rest.
func (s *search) storeSoFar() error {
	err := s.store()
	if err != nil && outcome.KeptIn(s.reserved, err) != "" {
		return nil
	}
	return err
}

// run searches, measures the curve when it is asked for, and completes the
// record, also when it returns an error.
func (s *search) run(ctx context.Context) error {
	s.r.Tool, s.r.StartedAt = build().tool(), time.Now().UTC()
	if past := s.r.Redis; trialsMade(s.r) && past.Address != "" && (past.Kind != string(s.server.Kind()) || s.server.Kind() == redisserver.URL && past.Address != s.server.Address()) {
		s.warn("this search was started on another Redis (%s %s)", past.Kind, past.Address)
	}
	who := number.Plural(s.r.Scenario.Producers, "producer") + ", " + consumersInBrief(s.r.Scenario)
	if len(s.r.Vary) > 0 {
		who = "by " + dimensionWords(s.r.Vary)
	}
	where := " on " + s.server.Address() + ": " + who
	if s.r.Scenario.Entry.Kind == scenario.EntryHTTP {
		where = ": " + entryInBrief(s.r.Scenario, s.server)
	}
	s.c.p.console.Note("capacity: %s%s, SLO %s", s.r.Scenario.Name, where, strings.Join(s.r.SLO, ", "))
	var err error
	if len(s.r.Vary) > 0 {
		err = s.vary(ctx)
		s.r.Interrupted = s.signals.Happened()
		return err
	}
	s.r.Trials, s.r.Answer, err = s.find(ctx, s.r.Scenario, s.r.Trials, s.r.Budget, "")
	if err == nil && s.c.curve && s.r.Answer.Rate > 0 && !s.signals.Happened() {
		err = s.curve(ctx, s.lab("", s.r.Scenario))
	}
	s.r.Interrupted = s.signals.Happened()
	return err
}

// find searches the capacity of one scenario. Its lines of progress begin with
// name.
func (s *search) find(ctx context.Context, sc scenario.Scenario, past []capacity.Trial, budget time.Duration, name string) ([]capacity.Trial, capacity.Answer, error) {
	lab := s.lab(name, sc)
	s.trials, s.answer = slices.Clone(past), capacity.Answer{}
	return capacity.Search(ctx, lab.Probe, capacity.Options{
		Trial: s.r.Trial, Confirm: s.r.Confirm, Budget: budget,
		Least: 20 / s.r.Trial.Seconds(), Past: past,
		Next: func(t capacity.Trial, left time.Duration) { s.announce(name, t, left) },
		Done: func(t capacity.Trial, a capacity.Answer) {
			s.c.p.console.Note("capacity: %s%s", name, trialLine(t, a))
			s.trials, s.answer = append(s.trials, t), a
			s.steps = append(s.steps, name+trialLine(t, a))
			s.going(name + trialLine(t, a) + ".")
		},
	})
}

func (s *search) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.r.Warnings, text) {
		s.r.Warnings = append(s.r.Warnings, text)
	}
}

// lab is where the trials of a scenario are made. The name begins the lines that are written
// of it.
func (s *search) lab(name string, sc scenario.Scenario) *study.Lab {
	lab := &study.Lab{
		Scenario: sc, SLO: limits(s.r.SLO), Horizon: s.r.Horizon,
		Open: func(ctx context.Context, id string) (study.Backend, error) { return s.open(ctx, sc, id) },
		Run: engine.Options{
			Stop: s.signals.Stop, ServerEnded: s.server.Ended(), Tags: s.tags, Tool: build().tool(),
			Redis:  result.Redis{Kind: string(s.server.Kind()), Address: s.server.Address()},
			Shared: s.c.queue != "", Snapshot: s.c.page.snapshots("trial"),
			Notice: func(text, hint string) { s.c.p.console.Warn("capacity: "+name+text, hint) },
		},
		Saw: func(r *result.Result) {
			s.saw(r)
			s.standing.saw(r)
		},
	}
	lab.Run.Postgres, lab.Run.PostgresKind = s.server.Database()
	if s.c.WorkerCommand() == "" {
		return lab
	}
	s.worker.end() // those of another value
	s.worker = newSearchWorker(s, sc)
	lab.Run.Workers, lab.Run.Worker = s.worker, console.Redact(console.OneLine(s.c.WorkerCommand()))
	lab.Open = func(ctx context.Context, _ string) (study.Backend, error) { return s.worker.open(ctx, sc) }
	lab.Saw = func(r *result.Result) {
		s.saw(r)
		s.worker.saw(r)
	}
	return lab
}

// saw notes what a trial ran on, and shows its report until the next one begins.
func (s *search) saw(r *result.Result) {
	s.r.Redis, s.r.Postgres, s.r.Host = r.Redis, r.Postgres, r.Host
	s.c.page.show("trial", render.Of(r))
}

// open connects to a queue of one run's own, or to that of workers that run already,
// once they are idle. It returns nil when there is no Redis.
func (s *search) open(ctx context.Context, sc scenario.Scenario, id string) (study.Backend, error) {
	if !s.server.HasRedis() {
		return nil, s.standing.wait(ctx)
	}
	queue, channel := runname.Of(id)
	if sc.Entry.Kind == scenario.EntryHTTP {
		queue, channel = jobqueue.DefaultQueue, jobqueue.DefaultChannel
	}
	client, err := jobqueue.Connect(ctx, s.c.config(sc, s.server, cmp.Or(s.c.queue, queue), cmp.Or(s.c.channel, channel)))
	if err != nil {
		return nil, err
	}
	if sc.External {
		if err := s.standing.settle(ctx, client, sc); err != nil {
			client.Close()
			return nil, err
		}
	}
	return client, nil
}

// going shows on the live page what is known so far.
func (s *search) going(state string) {
	r, p := *s.r, render.Progress{State: state}
	if len(r.Vary) > 0 {
		p.Steps = slices.Clone(s.steps)
	} else {
		r.Trials, r.Answer = slices.Clone(s.trials), s.answer
	}
	s.c.page.going("search", render.Of(&r), p)
}

// announce says on a terminal what is going on now, and the live page.
func (s *search) announce(name string, t capacity.Trial, left time.Duration) {
	what := "closed loop"
	if t.Rate > 0 {
		what = perSecond(t.Rate)
	}
	words := fmt.Sprintf("%strial %d (%s) at %s", name, t.N, t.Kind, what)
	rest := fmt.Sprintf("at most %s left", left.Round(time.Second))
	if s.c.p.console.Live {
		s.c.p.console.Draw("capacity: " + words + " …  " + rest)
	}
	s.going(words + ", " + rest + ".")
}

// curve measures the curve and sums it up.
func (s *search) curve(ctx context.Context, lab *study.Lab) error {
	repeats := s.c.repeats
	n := len(capacity.Missing(s.r.Curve, s.r.Answer.Rate, repeats))
	if n == 0 {
		s.c.p.console.Note("capacity: curve: it is complete")
		return nil
	}
	s.c.p.console.Note("capacity: curve: %s, about %s", number.Plural(n, "trial"), (time.Duration(n) * (s.r.Trial + 2*time.Second)).Round(time.Second))
	seed := s.r.Scenario.Seed
	if seed == 0 {
		seed = rand.Uint64()>>11 | 1
	}
	done, soFar := 0, slices.Clone(s.r.Curve)
	s.going(fmt.Sprintf("Curve: 0 of %s.", number.Plural(n, "trial")))
	var err error
	s.r.Curve, err = capacity.Curve(ctx, lab.Probe, s.r.Answer.Rate, repeats, rand.New(rand.NewPCG(seed, 1)), s.r.Curve, capacity.Options{
		Trial: s.r.Trial, Past: s.r.Trials,
		Done: func(t capacity.Trial, _ capacity.Answer) {
			done++
			words := fmt.Sprintf("curve %d of %d: %s: %s", done, n, perSecond(t.Rate), outcomeWords(t))
			s.c.p.console.Note("capacity: %s", words)
			soFar = append(soFar, t)
			s.r.Points = capacity.Points(soFar)
			s.going(words + ".")
		},
	})
	s.r.Points = capacity.Points(s.r.Curve)
	s.r.Knee = capacity.KneeOf(s.r.Points)
	return err
}

// trialLine is a trial and what is known after it.
func trialLine(t capacity.Trial, a capacity.Answer) string {
	if t.Kind == capacity.Ceiling {
		line := fmt.Sprintf("trial %d: closed loop: %s", t.N, perSecond(t.Achieved))
		if t.Limit.Detail != "" {
			line += "; " + t.Limit.Detail
		}
		return line
	}
	line := fmt.Sprintf("trial %d: %s for %s: %s", t.N, perSecond(t.Rate), cmp.Or(t.Measured, t.Length), outcomeWords(t))
	if a.Median > 0 {
		line += fmt.Sprintf("; now %s to %s", perSecond(a.Low), perSecond(a.High))
	}
	return line
}

func outcomeWords(t capacity.Trial) string {
	words := string(t.Verdict)
	if len(t.Reasons) > 0 {
		words += " (" + t.Reasons[0] + ")"
	}
	if p99, ok := t.Figures["end_to_end.p99"]; ok && t.Verdict == capacity.Good {
		words += ", p99 " + console.Short(time.Duration(p99))
	}
	return words
}

// ending is the exit code of the answer, and what is to be said of it.
func (s *search) ending(err error) outcome.Outcome {
	e := outcome.Outcome{Name: s.r.Scenario.Name}
	say := func(code int, what, hint string) outcome.Outcome {
		e.Code, e.Problems = code, append(e.Problems, problem.Problem{What: what, Hint: hint})
		return e
	}
	a := s.r.Answer
	switch {
	case s.r.Interrupted && !trialsMade(s.r):
		return say(problem.Interrupted, "interrupted during the first trial; nothing was written", "")
	case s.r.Interrupted:
		return say(problem.Interrupted, "interrupted; this is the answer so far", "--resume continues from there")
	case err != nil:
		f := problem.Of(err)
		return say(problem.CouldNotRun, f.What, f.Hint)
	case len(s.r.Vary) > 0:
		return s.variedEnding(say, e)
	}
	switch a.Status {
	case capacity.Confirmed:
		if !a.Narrow() {
			return say(problem.Invalid, fmt.Sprintf("the search ended early: up to %s is not ruled out", perSecond(a.High)), "--resume continues from here; a larger --budget allows more trials")
		}
		return e
	case capacity.NoRate:
		return e
	case capacity.AtLeast:
		if a.Limit.External {
			return say(problem.Invalid, "the host was disturbed, so the answer is a lower bound: "+a.Limit.Detail,
				"when the host is idle, --resume continues from here")
		}
		if a.Limit.Part == usage.CPULimit {
			return say(problem.Invalid, "the answer is a lower bound: "+a.Limit.Detail, usage.LimitRemedy)
		}
		return say(problem.Invalid, "the load generator reached its limit first, so the answer is a lower bound: "+a.Limit.Detail,
			"use a larger machine, or a separate one for Redis")
	case capacity.Estimated:
		hint := ""
		if strings.Contains(a.Why, "budget") {
			hint = "--resume continues from here; a larger --budget allows more trials"
		}
		return say(problem.Invalid, "the answer is not confirmed: "+a.Why, hint)
	}
	return say(problem.Invalid, "there is no answer: "+a.Why, "")
}

// slo reads a limit that trials have to hold, each as a whole.
func slo(s string) (threshold.Threshold, error) {
	t, err := threshold.Parse(s)
	if err == nil && t.Watched() {
		return t, fmt.Errorf("%q: over and abort do not apply here: every trial is judged as a whole", s)
	}
	return t, err
}

// limits are those of an SLO whose texts are known to be right.
func limits(texts []string) (all []threshold.Threshold) {
	for _, text := range texts {
		if t, err := threshold.Parse(text); err == nil {
			all = append(all, t)
		}
	}
	return all
}

// sloText is slo, kept as it was written.
func sloText(s string) (string, error) {
	_, err := slo(s)
	return strings.TrimSpace(s), err
}
