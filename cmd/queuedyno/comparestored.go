package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/report"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/comparison"
	"github.com/queuedyno/queuedyno/scenario/gate/paired"
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
	if err := usageErr(faults...); err != nil {
		return err
	}
	r := &comparison.Record{
		Schema: comparison.Schema, Kind: "compare", Name: candidate[0].Run.Scenario, Tool: build().tool(), Host: base[0].Host,
		Base:      comparison.Arm{Label: "baseline", Settings: storedSettings(baseName, base[0]), Redis: base[0].Redis},
		Candidate: comparison.Arm{Label: "candidate", Settings: storedSettings(candidateName, candidate[0]), Redis: candidate[0].Redis},
	}
	r.StartedAt, r.EndedAt = time.Now().UTC(), time.Now().UTC()
	metrics, faults := c.chosen(r, worked(base) && worked(candidate))
	dir := c.directory(r.Name+"-compare", time.Now())
	if err := report.CheckComparisonTarget(dir, c.force.get()); err != nil {
		faults = append(faults, faultOf(err))
	}
	if err := usageErr(faults...); err != nil {
		return err
	}
	comparison.Stored(r, base, candidate, metrics, c.force.get())
	endings := []ending{c.verdict(r)}
	if err := report.WriteComparison(dir, r, nil, c.force.get()); err != nil {
		endings = append(endings, failedEnding("", err))
	} else {
		c.p.console.note("compare: results in %s", contents(dir))
	}
	return worst(append(endings, c.show(r)...))
}

// storedSettings are what a stored result was a run of.
func storedSettings(name string, r *scenario.Result) map[string]string {
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
func results(names string) (all []*scenario.Result, faults []fault) {
	for _, name := range strings.Split(names, ",") {
		paths := []string{name}
		if inner := resultsIn(name); len(inner) > 0 {
			paths = inner
		}
		for _, path := range paths {
			r, err := report.Load(path)
			if err != nil {
				faults = append(faults, faultOf(err))
				continue
			}
			all = append(all, r)
		}
	}
	if n := len(all); len(faults) == 0 && n < paired.LeastPairs {
		faults = append(faults, fault{
			fmt.Sprintf("%q holds %s, and a comparison takes at least %d a side: one run says nothing of how runs vary", names, plural(n, "result"), paired.LeastPairs),
			"name several with commas between, or a directory that holds them; queuedyno compare SCENARIO makes the runs by turns",
		})
	}
	return all, faults
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
