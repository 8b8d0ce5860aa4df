package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

const (
	// defaultBudget is what each search has by default.
	defaultBudget = 2 * time.Minute
	// mostCells is how many searches one command makes at most.
	mostCells = 100
)

// varied takes down what is to be varied, and checks every combination.
func (c *searching) varied(r *study.Record, all []study.Dimension) (problems problem.List) {
	for _, what := range study.CheckDimensions(all) {
		problems.Add(c.Source("vary")+": "+what, "")
	}
	cells := 1
	for _, d := range all {
		cells = min(cells*max(1, len(d.Values)), 10*mostCells)
		problems = append(problems, c.Refuse("gives a value to what --vary varies", "leave one of them out", d.Field)...)
	}
	if cells > mostCells {
		problems.Add(fmt.Sprintf("%s: more than %d combinations", c.Source("vary"), mostCells), "give fewer values")
	}
	problems = append(problems, c.Refuse("does not apply with --vary", "measure the curve of one value: remove --vary", "curve")...)
	if len(problems) > 0 {
		return problems
	}
	r.Vary, r.Cells = all, study.Cells(all)
	for _, cell := range r.Cells {
		for _, f := range study.At(r.Scenario, all, cell.Values).Validate() {
			problems.Add(fmt.Sprintf("%s: at %s: %s", c.Source("vary"), study.Name(all, cell.Values), f), "")
		}
	}
	return problems
}

// shares sets the lengths of the trials by what each of so many searches has of
// the budget.
func (c *searching) shares(r *study.Record, slo []threshold.Threshold, searches int) {
	r.Budget = cmp.Or(c.budget, defaultBudget*time.Duration(searches))
	share := r.Budget / time.Duration(searches)
	r.Trial = cmp.Or(c.trial, study.TrialWithin(slo, share))
	r.Confirm = cmp.Or(c.confirm, capacity.ConfirmLength(r.Trial, share).Round(time.Millisecond))
}

// vary searches at every combination of values that is still to be searched,
// each with its share of what is left of the budget, and stores what is known after
// each.
func (s *search) vary(ctx context.Context) error {
	pending := study.Pending(s.r.Cells)
	left := s.r.Budget
	say := s.c.p.console.Note
	if len(pending) == 0 {
		say("capacity: every search is finished")
		return nil
	}
	say("capacity: %d searches in at most %s, %s each: trials of %s, confirmation trials of %s; time that one does not need goes to the next",
		len(pending), left, console.Short(left/time.Duration(len(pending))), s.r.Trial, s.r.Confirm)
	var err error
	for i, place := range pending {
		cell := &s.r.Cells[place]
		share := left / time.Duration(len(pending)-i)
		name := study.Name(s.r.Vary, cell.Values)
		began := time.Now()
		cell.Trials, cell.Answer, err = s.find(ctx, study.At(s.r.Scenario, s.r.Vary, cell.Values), cell.Trials, share, name+": ")
		left -= time.Since(began)
		cell.Interrupted = err != nil || s.signals.Happened()
		if err != nil || cell.Interrupted {
			break
		}
		say("capacity: %s: %s", name, cellWords(cell.Answer))
		// Many searches take long, and not everything that ends them can be heard.
		s.r.Scaling = study.Scale(s.r.Vary, s.r.Cells)
		if err = s.storeSoFar(); err != nil {
			break
		}
	}
	s.r.Scaling = study.Scale(s.r.Vary, s.r.Cells)
	return err
}

// dimensionWords are the dimensions as they were given.
func dimensionWords(all []study.Dimension) string {
	words := make([]string, len(all))
	for i, d := range all {
		words[i] = d.String()
	}
	return strings.Join(words, " ")
}

// cellWords are the answer of one search among several, in short.
func cellWords(a capacity.Answer) string {
	words := string(a.Status)
	switch a.Status {
	case capacity.Confirmed:
		words = perSecond(a.Rate) + ", confirmed"
		if !a.Narrow() {
			words = "at least " + perSecond(a.Rate) + "; up to " + perSecond(a.High) + " is not ruled out"
		}
	case capacity.Estimated:
		words = "about " + perSecond(a.Rate) + ", not confirmed"
	case capacity.AtLeast:
		words = "at least " + perSecond(a.Rate)
	case capacity.NoRate:
		words = "no rate meets the SLO"
	case capacity.Unknown:
		words = "unknown: " + a.Why
	}
	if a.Limit.Part != "" {
		words += "; limited by: " + strings.ReplaceAll(a.Limit.Part, "_", " ")
	}
	return words
}

// variedEnding is the exit code of several searches, and what is to be said of
// them.
func (s *search) variedEnding(say func(code int, what, hint string) outcome.Outcome, e outcome.Outcome) outcome.Outcome {
	open := map[capacity.Status][]string{}
	for _, c := range s.r.Cells {
		status := c.Answer.Status
		if status == capacity.Confirmed {
			status = capacity.Estimated // where it is not narrow
		}
		if !c.Settled() {
			open[status] = append(open[status], study.Name(s.r.Vary, c.Values))
		}
	}
	const more = "--resume continues from here; a larger --budget allows more trials"
	var problems problem.List
	for _, one := range []struct {
		status     capacity.Status
		what, hint string
	}{
		{capacity.AtLeast, "the load generator reached its limit first, so the answer is a lower bound: at %s", "use a larger machine, or a separate one for Redis"},
		{capacity.Estimated, "the answer is not confirmed, or a higher one is not ruled out: at %s", more},
		{capacity.Unknown, "there is no answer: at %s", more},
	} {
		if names := open[one.status]; len(names) > 0 {
			problems.Add(fmt.Sprintf(one.what, strings.Join(names, ", ")), one.hint)
		}
	}
	if len(problems) == 0 {
		return e
	}
	last := problems[len(problems)-1]
	e = say(problem.Invalid, last.What, last.Hint)
	e.Problems = slices.Concat(problems[:len(problems)-1], e.Problems)
	return e
}

// trialsMade is whether there is anything to write.
func trialsMade(r *study.Record) bool {
	return len(r.Trials) > 0 || slices.ContainsFunc(r.Cells, func(c study.Cell) bool { return len(c.Trials) > 0 })
}
