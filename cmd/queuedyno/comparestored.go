package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// stored compares results that were made before.
func (c *comparing) stored(baseName, candidateName string) error {
	faults := slices.Clone(c.faults)
	for _, flag := range slices.Sorted(maps.Keys(c.given)) {
		switch flag {
		case "metric", "calibration", "inconclusive", "json", "quiet", "out", "name", "force", "github":
		default:
			if c.onCommandLine(flag) {
				faults = append(faults, fault{fmt.Sprintf("--%s is for runs, and stored results are named", flag), "leave it out"})
			}
		}
	}
	base, more := results(baseName)
	faults = append(faults, more...)
	candidate, more := results(candidateName)
	faults = append(faults, more...)
	faults = append(faults, distinct(base, candidate)...)
	if err := usageErr(faults...); err != nil {
		return err
	}
	r := &compare.Record{
		Schema: compare.Schema, Kind: "compare", Name: candidate[0].Run.Scenario, Tool: build().tool(), Host: base[0].Host,
		Base:      compare.Arm{Label: "baseline", Settings: storedSettings(baseName, base[0]), Redis: base[0].Redis},
		Candidate: compare.Arm{Label: "candidate", Settings: storedSettings(candidateName, candidate[0]), Redis: candidate[0].Redis},
	}
	r.StartedAt, r.EndedAt = time.Now().UTC(), time.Now().UTC()
	metrics, faults := c.chosen(r, worked(base) && worked(candidate))
	least := compare.LeastPairs(metrics)
	for _, side := range []struct {
		name string
		all  []*result.Result
	}{{baseName, base}, {candidateName, candidate}} {
		if n := len(side.all); n < least {
			faults = append(faults, fault{
				fmt.Sprintf("%q holds %s: with so few the metrics that decide cannot fail", side.name, plural(n, "result")),
				fmt.Sprintf("make at least %d a side, or name fewer metrics with --metric: one takes %d; queuedyno compare SCENARIO makes the runs by turns", least, paired.LeastPairs),
			})
		}
	}
	where := c.place("compare", r.Name, r.Name+"-compare", time.Now())
	if err := where.check(); err != nil {
		faults = append(faults, faultOf(err))
	}
	if err := usageErr(faults...); err != nil {
		return err
	}
	reserved, err := c.reserve("compare", where)
	if err != nil {
		return err
	}
	defer release(reserved)
	compare.Stored(r, base, candidate, metrics, c.force.get())
	endings := append([]ending{c.verdict(r)}, c.kept(reserved[0], reserved[0].Write(render.Of(r)))...)
	return worst(append(endings, c.show(r)...))
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
	if src, err := c.p.findScenarios(c.file.get()); err == nil && src.has(args[0]) {
		return nil // a directory that has the name of a scenario
	}
	return usageErr(fault{
		fmt.Sprintf("the second result is missing: %q is the baseline, and nothing is named to compare it with", args[0]),
		fmt.Sprintf("name the candidate too: queuedyno compare %s CANDIDATE", args[0]),
	})
}

// storedSettings are what a stored result was a run of.
func storedSettings(name string, r *result.Result) map[string]string {
	set := arm{scenario: r.Scenario, source: r.Redis.Kind, shown: r.Run.Worker}.settings()
	set["results"] = name
	set["redis_version"] = r.Redis.Version
	set["commit"] = r.Tool.Commit
	for k, v := range r.Run.Tags {
		set["tag "+k] = v
	}
	return set
}

// results reads one side: results with commas between, or a directory of them.
func results(names string) (all []*result.Result, faults []fault) {
	for _, name := range strings.Split(names, ",") {
		paths := []string{name}
		if inner := resultsIn(name); len(inner) > 0 {
			paths = inner
		}
		for _, path := range paths {
			r, err := store.LoadAs[*result.Result](path)
			if err != nil {
				faults = append(faults, faultOf(err))
				continue
			}
			all = append(all, r)
		}
	}
	return all, faults
}

// distinct refuses a run that is named more than once. On both sides it would be
// compared with itself, which always passes, and twice on one side it would count
// as two.
func distinct(base, candidate []*result.Result) (faults []fault) {
	seen := map[string]string{}
	for _, side := range []struct {
		name string
		all  []*result.Result
	}{{"baseline", base}, {"candidate", candidate}} {
		for _, r := range side.all {
			before, again := seen[r.Run.ID]
			seen[r.Run.ID] = side.name
			if !again || r.Run.ID == "" || len(faults) > 0 {
				continue
			}
			f := fault{fmt.Sprintf("run %s of %s is in the baseline and in the candidate: it would be compared with itself", r.Run.ID, r.Run.StartedAt.UTC().Format("2006-01-02 15:04:05Z")), "name results of different runs"}
			if before == side.name {
				f.what = fmt.Sprintf("run %s is named twice in the %s, where each counts as a run of its own", r.Run.ID, side.name)
			}
			faults = append(faults, f)
		}
	}
	return faults
}

// resultsIn are the results in a directory that is none itself.
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

// sortedNames are the names of figures.
func sortedNames(figures map[string]float64) []string { return slices.Sorted(maps.Keys(figures)) }
