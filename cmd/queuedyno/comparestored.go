package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// compareStored compares results that were made before.
func (c *comparing) compareStored(baseName, candidateName string) error {
	problems := slices.Clone(c.Problems)
	apply := []string{"metric", "calibration", "inconclusive", "json", "quiet", "out", "name", "force", "github"}
	others := slices.DeleteFunc(c.WrittenNames(), func(flag string) bool { return slices.Contains(apply, flag) })
	problems = append(problems, c.Refuse("applies only when compare runs scenarios, not to stored results", "leave it out", others...)...)
	base, more := results(baseName)
	problems = append(problems, more...)
	candidate, more := results(candidateName)
	problems = append(problems, more...)
	problems = append(problems, distinct(base, candidate)...)
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	r := &compare.Record{
		Schema: compare.Schema, Kind: "compare", Name: candidate[0].Run.Scenario, Tool: build().tool(), Host: base[0].Host,
		Base:      compare.Arm{Label: "baseline", Settings: storedSettings(baseName, base[0]), Redis: base[0].Redis, Postgres: base[0].Postgres},
		Candidate: compare.Arm{Label: "candidate", Settings: storedSettings(candidateName, candidate[0]), Redis: candidate[0].Redis, Postgres: candidate[0].Postgres},
	}
	r.StartedAt, r.EndedAt = time.Now().UTC(), time.Now().UTC()
	metrics, problems := c.chosen(r, measuredBy(slices.Concat(base, candidate)))
	least := compare.LeastPairs(metrics)
	for _, side := range []struct {
		name string
		all  []*result.Result
	}{{baseName, base}, {candidateName, candidate}} {
		if n := len(side.all); n < least {
			problems.Add(fmt.Sprintf("%q holds %s: too few for the deciding metrics to fail", side.name, number.Plural(n, "result")),
				fmt.Sprintf("make at least %d for each side, or name fewer metrics with --metric: one takes %d; queuedyno compare SCENARIO alternates the runs", least, paired.LeastPairs))
		}
	}
	where := c.out.Place("compare", r.Name, r.Name+"-compare", time.Now())
	problems.Err(where.Check())
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	reserved, err := outcome.Reserve(c.p.console, "compare", where)
	if err != nil {
		return err
	}
	defer outcome.Release(reserved)
	compare.Stored(r, base, candidate, metrics, c.out.Force)
	return c.ended(r, reserved[0])
}

// alone refuses a result that is named where a scenario, or two results, belong.
func (c *comparing) alone(args []string) error {
	if len(args) != 1 {
		return nil
	}
	first, _, _ := strings.Cut(args[0], ",")
	i, err := os.Stat(first)
	if err != nil || !i.IsDir() && filepath.Ext(first) != ".json" {
		return nil
	}
	if src, err := c.p.findScenarios(c.file); err == nil && src.has(args[0]) {
		return nil // a directory that has the name of a scenario
	}
	return problem.Usage(problem.Problem{
		What: fmt.Sprintf("the second result is missing: %q is the baseline, and there is no candidate", args[0]),
		Hint: fmt.Sprintf("name the candidate too: queuedyno compare %s CANDIDATE", args[0]),
	})
}

// storedSettings are what a stored result was a run of.
func storedSettings(name string, r *result.Result) map[string]string {
	set := contender{scenario: r.Scenario, shown: r.Redis.Kind, shownWorker: r.Run.Worker}.settings()
	set["results"] = name
	set["redis_version"] = r.Redis.Version
	if r.Postgres != nil {
		set["postgres_version"] = r.Postgres.Version
	}
	set["commit"] = r.Tool.Commit
	for k, v := range r.Run.Tags {
		set["tag "+k] = v
	}
	return set
}

// results reads one side: results with commas between, or a directory of them.
func results(names string) (all []*result.Result, problems problem.List) {
	for _, name := range strings.Split(names, ",") {
		paths := []string{name}
		if inner := resultsIn(name); len(inner) > 0 {
			paths = inner
		}
		for _, path := range paths {
			r, err := store.LoadAs[*result.Result](path)
			if err != nil {
				problems = append(problems, problem.Of(err))
				continue
			}
			all = append(all, r)
		}
	}
	return all, problems
}

// distinct refuses a run that is named more than once. On both sides it would be
// compared with itself, which always passes, and twice on one side it would count
// as two.
func distinct(base, candidate []*result.Result) (problems problem.List) {
	seen := map[string]string{}
	for _, side := range []struct {
		name string
		all  []*result.Result
	}{{"baseline", base}, {"candidate", candidate}} {
		for _, r := range side.all {
			before, again := seen[r.Run.ID]
			seen[r.Run.ID] = side.name
			if !again || r.Run.ID == "" || len(problems) > 0 {
				continue
			}
			f := problem.Problem{What: fmt.Sprintf("run %s of %s is in the baseline and in the candidate: it would be compared with itself", r.Run.ID, r.Run.StartedAt.UTC().Format("2006-01-02 15:04:05Z")), Hint: "name results of different runs"}
			if before == side.name {
				f.What = fmt.Sprintf("run %s is named twice in the %s, where each counts as a separate run", r.Run.ID, side.name)
			}
			problems = append(problems, f)
		}
	}
	return problems
}

// resultsIn are the results in a directory that is not a result itself.
func resultsIn(dir string) (paths []string) {
	if _, err := os.Stat(filepath.Join(dir, "result.json")); err == nil {
		return nil
	}
	inner, err := filepath.Glob(filepath.Join(dir, "*", "result.json"))
	if err != nil {
		return nil
	}
	for _, file := range inner {
		paths = append(paths, filepath.Dir(file))
	}
	return paths
}
