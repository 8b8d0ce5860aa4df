package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/store"
)

// latestWord stands for the result that ended last.
const latestWord = "latest"

// latest puts the result that ended last in the place of the word. What really
// has that name comes first.
func (r reporting) latest(results []string) ([]string, error) {
	at := slices.Index(results, latestWord)
	if at < 0 {
		if r.flags.onCommandLine("out") {
			return nil, usageErr(fault{"--out goes with latest only", "queuedyno report latest --out DIR"})
		}
		return results, nil
	}
	if _, err := os.Lstat(latestWord); err == nil {
		r.p.console.note("report: %q is a path here, so it is reported, and not the result that ended last", latestWord)
		return results, nil
	}
	found, notes, err := store.Latest(r.out.or("results"))
	if err != nil {
		return nil, usageErr(faultOf(err))
	}
	for _, note := range notes {
		r.p.console.note("report: %s", note)
	}
	r.p.console.note("report: latest is %q, %s that ended %s", found.Path, found.What, found.EndedAt.UTC().Format("2006-01-02 15:04:05Z"))
	results = slices.Clone(results)
	results[at] = found.Path
	return results, nil
}

// redrawn makes the missing files of the results.
func (r reporting) redrawn(faults []fault, results []string) error {
	for _, flag := range []string{"format", "stage", "output", "force"} {
		if r.flags.onCommandLine(flag) {
			faults = append(faults, fault{fmt.Sprintf("--%s does not go with --redraw, which makes every file that is missing", flag), "leave one of them out"})
		}
	}
	if err := usageErr(faults...); err != nil {
		return err
	}
	var endings []ending
	for _, name := range results {
		made, err := store.Redraw(name)
		switch {
		case len(made) > 0:
			r.p.console.note("report: %s: made %s", name, strings.Join(made, ", "))
		case err == nil:
			r.p.console.note("report: %s: no file is missing", name)
		}
		if err != nil {
			endings = append(endings, failedEnding("", err))
		}
	}
	return worst(endings)
}
