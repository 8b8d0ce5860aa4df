package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// do compares stored results, or runs both sides, writes the record and shows it.
func (c *comparing) do(ctx context.Context, args []string) error {
	if len(args) == 2 {
		return c.compareStored(args[0], args[1])
	}
	if err := c.alone(args); err != nil {
		return err
	}
	pl, err := c.plan(args)
	if err != nil {
		return err
	}
	ctx, signals := interrupt.Listen(ctx, c.p.console)
	defer signals.Close()
	if c.page, err = c.p.openLive(ctx, c.live, c.verb); err != nil {
		return err
	}
	defer c.page.close()
	reserved, err := outcome.Reserve(c.p.console, c.verb, pl.place)
	if err != nil {
		return err
	}
	defer outcome.Release(reserved)
	r := pl.record
	results, err := c.runs(ctx, pl, false)
	c.page.remove(string(compare.Base))
	c.page.remove(string(compare.Candidate))
	if signals.Happened() && len(r.Runs) == 0 {
		c.page.failed("comparison", r.Name, "The comparison was interrupted during the first pair.")
		return problem.Exit(problem.Interrupted, "interrupted during the first pair; nothing was written", "")
	}
	if err != nil {
		c.page.failed("comparison", r.Name, err.Error())
		return problem.Failed(err)
	}
	c.page.show("comparison", render.Of(r))
	return c.ended(r, reserved[0], render.Runs(results)...)
}

// ended stores the record and shows it.
func (c *comparing) ended(r *compare.Record, reserved *store.Reservation, more ...render.File) error {
	endings := outcome.Outcomes{c.verdict(r)}
	endings.Err(c.stored(r, reserved, more...))
	endings.Err(c.p.print(render.Of(r), c.json, render.Options{}))
	if c.p.step().Wanted(c.Given("github"), c.github) {
		endings.Err(c.p.step().Summary(func(w io.Writer) error { return render.Of(r).Encode(w, "md", render.Options{}) }))
		c.p.step().Annotate(endings[0])
	}
	return outcome.Worst(endings)
}

// stored stores the record, and says where it is.
func (c *comparing) stored(r *compare.Record, reserved *store.Reservation, more ...render.File) error {
	err := reserved.Write(render.Of(r), more...)
	c.p.noteResults(c.verb+": ", outcome.Kept(reserved, err))
	return err
}

// runs makes the runs of a comparison and completes its record.
func (c *comparing) runs(ctx context.Context, pl comparePlan, all bool) (map[string]*result.Result, error) {
	r := pl.record
	dir, err := os.MkdirTemp("", "queuedyno-"+c.verb+"-*")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the runs: %w", err)
	}
	defer os.RemoveAll(dir)
	base, candidate := &child{contender: pl.sides[compare.Base], label: r.Base.Label}, &child{contender: pl.sides[compare.Candidate], label: r.Candidate.Label}
	kids := &children{
		sides: map[compare.Side]*child{compare.Base: base, compare.Candidate: candidate}, dir: dir, environ: c.p.environ, getenv: c.p.getenv,
		results: map[string]*result.Result{}, postgres: c.postgres.Source, page: c.page,
	}
	for side, a := range pl.sides {
		if a.command == "" {
			if err := a.file(filepath.Join(dir, string(side)+".yaml")); err != nil {
				return nil, err
			}
		}
	}
	c.p.console.Note("%s: %s, at most %s, seed %d", c.verb, r.Name, number.Plural(r.MostPairs, "pair"), r.Seed)
	for _, d := range r.Differences() {
		c.p.console.Note("%s: %s: %s against %s", c.verb, d.What, cmp.Or(d.Base, "(none)"), cmp.Or(d.Candidate, "(none)"))
	}
	r.StartedAt = time.Now().UTC()
	var left time.Duration
	var steps []string
	going := func(state string) {
		soFar := *r
		soFar.EndedAt = time.Now().UTC()
		c.page.going("comparison", render.Of(&soFar), render.Progress{State: state + ".", Steps: slices.Clone(steps)})
	}
	err = compare.Compare(ctx, r, compare.Options{
		Metrics: pl.metrics, Run: kids.run, Patience: 5, All: all,
		Idle:  func(ctx context.Context) (compare.Idle, error) { return idle(ctx, c.idle) },
		Found: func(base, candidate *compare.Run) ([]paired.Metric, error) { return c.found(r, kids, base, candidate) },
		Next: func(side compare.Side, pair int, l time.Duration) {
			left = l
			going(c.announce(side, pair, l))
		},
		Done: func(pair int) {
			line := pairLine(r, pair)
			steps = append(steps, line)
			if left > 0 {
				line += fmt.Sprintf("; at most %s left", left.Round(time.Second))
			}
			c.p.console.Note("%s: %s", c.verb, line)
			going(line)
		},
		Look: func(v paired.Verdict) {
			words := fmt.Sprintf("after %s: %s", number.Plural(r.Pairs, "pair"), lookWords(r, v))
			c.p.console.Note("%s: %s", c.verb, words)
			steps = append(steps, words)
			going(words)
		},
	})
	c.p.console.Wipe()
	r.EndedAt = time.Now().UTC()
	r.Base.Redis, r.Base.Postgres = base.redis, base.postgres
	r.Candidate.Redis, r.Candidate.Postgres = candidate.redis, candidate.postgres
	if k := r.Base.Redis.Kind; k == "url" {
		r.Warnings = append(r.Warnings, "used an existing Redis, so it was not restarted between runs")
	} else if k == "embedded" {
		r.Warnings = append(r.Warnings, "used the embedded server, which is for trying things out: its results say nothing about Redis")
	}
	return kids.results, err
}

// found names the metrics of commands by what the first pair printed.
func (c *comparing) found(r *compare.Record, kids *children, base, candidate *compare.Run) ([]paired.Metric, error) {
	first, second := kids.sides[compare.Base].printed, kids.sides[compare.Candidate].printed
	if (first == nil) != (second == nil) {
		return nil, errors.New("one command printed Go benchmark lines and the other a result.json, which cannot be compared")
	}
	if first != nil {
		before := len(r.Warnings)
		metrics, err := r.FindBenchmarks(c.metrics, base, candidate, *first, *second)
		kids.naming = r.Benchmarks
		for _, w := range r.Warnings[before:] {
			c.p.console.Note("%s: warning: %s", c.verb, w)
		}
		return metrics, err
	}
	metrics, problems := compare.Resolve(c.metrics, measuredBy(slices.Collect(maps.Values(kids.results))).defaults(), nil)
	if len(problems) > 0 {
		return nil, fmt.Errorf("--metric: %s", strings.Join(problems, "; "))
	}
	return metrics, nil
}

// announce says on a terminal what is going on now, and returns what it said.
func (c *comparing) announce(side compare.Side, pair int, left time.Duration) string {
	words, rest := fmt.Sprintf("pair %d: %s", pair, side), ""
	if left > 0 {
		rest = fmt.Sprintf("at most %s left", left.Round(time.Second))
	}
	if c.p.console.Live {
		c.p.console.Draw(strings.TrimRight(c.verb+": "+words+" …  "+rest, " "))
	}
	if rest != "" {
		words += ", " + rest
	}
	return words
}

// pairLine is a pair and the most telling of its figures.
func pairLine(r *compare.Record, pair int) string {
	at := map[compare.Side]compare.Run{}
	for _, run := range r.Runs {
		if run.Pair == pair {
			at[run.Side] = run
		}
	}
	base, candidate := at[compare.Base], at[compare.Candidate]
	line := fmt.Sprintf("pair %d", pair)
	first, second := base, candidate
	if base.LeftWithOther() { // the other one says why
		first, second = candidate, base
	}
	for _, run := range []compare.Run{first, second} {
		if run.Left != "" {
			why := run.Left
			if len(run.Reasons) > 0 {
				why += ": " + run.Reasons[0]
			}
			return line + ": excluded: " + why
		}
	}
	for _, telling := range []string{"end_to_end.p50", "p50-ns", "ns/op", "achieved_rate", ""} {
		for _, name := range slices.Sorted(maps.Keys(base.Figures)) {
			if a, b := base.Figures[name], candidate.Figures[name]; strings.HasSuffix(name, telling) && a > 0 && b > 0 {
				return line + fmt.Sprintf(": %s %s", name, number.Change(b/a-1))
			}
		}
	}
	return line
}

// lookWords are what a look found.
func lookWords(r *compare.Record, v paired.Verdict) string {
	words := string(v)
	if v != paired.Inconclusive {
		return words
	}
	var open []string
	for _, f := range r.Figures {
		if f.Gate && f.Verdict == paired.Inconclusive {
			open = append(open, f.Name)
		}
	}
	if len(open) == 0 {
		return words
	}
	return words + ", open: " + strings.Join(open, ", ")
}

// verdict is the exit code of a comparison, and what is to be said of it.
func (c *comparing) verdict(r *compare.Record) outcome.Outcome {
	e := outcome.Outcome{Name: r.Name}
	say := func(code int, hint string) outcome.Outcome {
		e.Code = code
		e.Problems = append(e.Problems, problem.Problem{What: fmt.Sprintf("%s: %s", r.Verdict, strings.Join(r.Reasons, "; ")), Hint: hint})
		return e
	}
	switch {
	case r.Interrupted:
		return say(problem.Interrupted, "")
	case r.Verdict == paired.Pass:
		return e
	case r.Verdict == paired.Fail:
		return say(problem.Regression, "")
	case r.Verdict == paired.Invalid:
		return say(problem.Invalid, "the runs in the results say why; try a longer run, a lower rate or a quieter host")
	case c.inconclusive == "pass":
		c.p.console.Note("%s: inconclusive counts as pass: %s", c.verb, strings.Join(r.Reasons, "; "))
		return e
	case c.inconclusive == "fail":
		return say(problem.Regression, "inconclusive counts as fail")
	}
	if open := lookWords(r, r.Verdict); r.Benchmarks != nil && open == string(r.Verdict) {
		return say(problem.Invalid, "let both commands print the same benchmarks, or name those that decide, e.g. --metric 'NAME ns/op:10%'")
	}
	if r.Stored {
		return say(problem.Invalid, "try more or longer runs that alternate, or wider margins; queuedyno compare SCENARIO makes them")
	}
	return say(problem.Invalid, "try more --pairs, longer runs or wider margins; queuedyno calibrate finds the margins of this host")
}
