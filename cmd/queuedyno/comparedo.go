package main

import (
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
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// do makes the runs, writes the record and shows it.
func (c *comparing) do(ctx context.Context, pl comparePlan) error {
	ctx, signals := listen(ctx, c.p.console)
	defer signals.close()
	reserved, err := c.reserve(c.verb, pl.place)
	if err != nil {
		return err
	}
	defer release(reserved)
	r := pl.record
	results, err := c.runs(ctx, pl, false)
	if signals.happened() && len(r.Runs) == 0 {
		return &failure{exitInterrupted, []fault{{what: "interrupted before the first pair was over; nothing was written"}}}
	}
	if err != nil {
		return failed(err)
	}
	endings := []ending{c.verdict(r)}
	endings = append(endings, c.kept(reserved[0], reserved[0].Write(render.Of(r), render.Runs(results)...))...)
	endings = append(endings, c.show(r)...)
	return worst(endings)
}

// kept ends the reservation of a directory in which a result was stored, or not,
// and says where it is.
func (c *comparing) kept(reserved *store.Reservation, err error) (endings []ending) {
	reserved.Release()
	if err != nil {
		endings = append(endings, failedEnding("", err))
	}
	if dir := keptIn(reserved, err); dir != "" {
		c.p.console.note("%s: results in %s", c.verb, contents(dir))
	}
	return endings
}

// runs makes the runs of a comparison and completes its record.
func (c *comparing) runs(ctx context.Context, pl comparePlan, all bool) (map[string]*result.Result, error) {
	r := pl.record
	dir, err := os.MkdirTemp("", "queuedyno-"+c.verb+"-*")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the runs: %w", err)
	}
	defer os.RemoveAll(dir)
	kids := &children{arms: pl.arms, dir: dir, env: c.p.env, printed: map[compare.Side]compare.Printed{}, results: map[string]*result.Result{}, redis: map[compare.Side]result.Redis{}}
	for side, a := range pl.arms {
		if a.command == "" {
			if err := a.file(filepath.Join(dir, string(side)+".yaml")); err != nil {
				return nil, err
			}
		}
	}
	c.p.console.note("%s: %s, at most %s, seed %d", c.verb, r.Name, plural(r.MostPairs, "pair"), r.Seed)
	for _, d := range r.Differences() {
		c.p.console.note("%s: %s: %s against %s", c.verb, d.What, orNothing(d.Base), orNothing(d.Candidate))
	}
	r.StartedAt = time.Now().UTC()
	var left time.Duration
	err = compare.Compare(ctx, r, compare.Options{
		Metrics: pl.metrics, Run: kids.run, Patience: 5, All: all,
		Idle: func(ctx context.Context) (compare.Idle, error) { return idle(ctx, c.idle.or(time.Second)) },
		Found: func(base, candidate *compare.Run) ([]paired.Metric, error) {
			return c.found(r, kids, base, candidate)
		},
		Next: func(side compare.Side, pair int, l time.Duration) {
			left = l
			c.announce(side, pair, l)
		},
		Done: func(pair int) {
			line := pairLine(r, pair)
			if left > 0 {
				line += fmt.Sprintf("; at most %s left", left.Round(time.Second))
			}
			c.p.console.note("%s: %s", c.verb, line)
		},
		Look: func(v paired.Verdict) {
			c.p.console.note("%s: after %s: %s", c.verb, plural(r.Pairs, "pair"), lookWords(r, v))
		},
	})
	c.p.console.wipe()
	r.EndedAt = time.Now().UTC()
	r.Base.Redis, r.Candidate.Redis = kids.redis[compare.Base], kids.redis[compare.Candidate]
	if k := r.Base.Redis.Kind; k == "url" {
		r.Warnings = append(r.Warnings, "the Redis was an existing one, so it was not fresh for each run")
	} else if k == "embedded" {
		r.Warnings = append(r.Warnings, "the embedded server is for trying things out: its figures say nothing about Redis")
	}
	return kids.results, err
}

func orNothing(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// found names the metrics of commands by what the first pair printed.
func (c *comparing) found(r *compare.Record, kids *children, base, candidate *compare.Run) ([]paired.Metric, error) {
	var asked []paired.Metric
	if c.metrics != nil {
		asked = c.metrics.all
	}
	switch len(kids.printed) {
	case 1:
		return nil, errors.New("one command printed Go benchmark lines and the other a result.json, which cannot be compared")
	case 2:
		before := len(r.Warnings)
		metrics, err := r.FindBenchmarks(asked, base, candidate, kids.printed[compare.Base], kids.printed[compare.Candidate])
		kids.naming = r.Benchmarks
		for _, w := range r.Warnings[before:] {
			c.p.console.note("%s: warning: %s", c.verb, w)
		}
		return metrics, err
	}
	metrics, faults := compare.Resolve(asked, defaults(worked(slices.Collect(maps.Values(kids.results)))), nil)
	if len(faults) > 0 {
		return nil, fmt.Errorf("--metric: %s", strings.Join(faults, "; "))
	}
	return metrics, nil
}

// worked reports whether all the runs had workers of their own.
func worked(all []*result.Result) bool {
	return !slices.ContainsFunc(all, func(r *result.Result) bool { return r.Run.Worker == "" })
}

// announce says on a terminal what is going on now.
func (c *comparing) announce(side compare.Side, pair int, left time.Duration) {
	if !c.p.console.live {
		return
	}
	line := fmt.Sprintf("%s: pair %d: %s …", c.verb, pair, side)
	if left > 0 {
		line += fmt.Sprintf("  at most %s left", left.Round(time.Second))
	}
	c.p.console.draw(line)
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
			return line + ": left out: " + why
		}
	}
	for _, telling := range []string{"end_to_end.p50", "p50-ns", "ns/op", "achieved_rate", ""} {
		for _, name := range sortedNames(base.Figures) {
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

// show writes the record to standard output and to GitHub.
func (c *comparing) show(r *compare.Record) (endings []ending) {
	d, format := render.Of(r), "text"
	if c.recordJSON.get() {
		format = "json"
	}
	if err := d.Encode(c.p.stdout, format, render.Options{}); err != nil {
		endings = append(endings, failedEnding("", fmt.Errorf("write to standard output: %w", err)))
	}
	if !c.p.onGitHub(c.github) {
		return endings
	}
	if err := c.p.stepSummary(func(w io.Writer) error { return d.Encode(w, "md", render.Options{}) }); err != nil {
		endings = append(endings, failedEnding("", err))
	}
	c.p.annotateEnding(c.verdict(r))
	return endings
}

// verdict is the exit code of a comparison, and what is to be said of it.
func (c *comparing) verdict(r *compare.Record) ending {
	e := ending{name: r.Name}
	say := func(code int, hint string) ending {
		e.code = code
		e.faults = append(e.faults, fault{fmt.Sprintf("%s: %s", r.Verdict, strings.Join(r.Reasons, "; ")), hint})
		return e
	}
	switch {
	case r.Interrupted:
		return say(exitInterrupted, "")
	case r.Verdict == paired.Pass:
		return e
	case r.Verdict == paired.Fail:
		return say(exitRegression, "")
	case r.Verdict == paired.Invalid:
		return say(exitInvalid, "the runs in the results say why; a longer run, a lower rate or a quieter host helps")
	case c.inconclusive.get() == "pass":
		c.p.console.note("%s: inconclusive counts as pass: %s", c.verb, strings.Join(r.Reasons, "; "))
		return e
	case c.inconclusive.get() == "fail":
		return say(exitRegression, "inconclusive counts as fail")
	}
	if open := lookWords(r, r.Verdict); r.Benchmarks != nil && open == string(r.Verdict) {
		return say(exitInvalid, "have both commands print the same benchmarks, or name those that decide, such as --metric 'NAME ns/op:10%'")
	}
	if r.Stored {
		return say(exitInvalid, "more runs by turns, longer ones or wider margins decide more; queuedyno compare SCENARIO makes them")
	}
	return say(exitInvalid, "more --pairs, longer runs or wider margins decide more; queuedyno calibrate finds the margins of this host")
}
