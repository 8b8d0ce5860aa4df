package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
)

// latestWord means the result that ended last.
const latestWord = "latest"

// latest puts the result that ended last in the place of the word. What really
// has that name comes first.
func (r *reporting) latest(results []string) ([]string, error) {
	at := slices.Index(results, latestWord)
	if at < 0 {
		if r.flags.Written("out") {
			return nil, problem.Usage(problem.Problem{What: "--out requires latest", Hint: "queuedyno report latest --out DIR"})
		}
		return results, nil
	}
	if _, err := os.Lstat(latestWord); err == nil {
		r.p.console.Note("report: %q is a path here, so it is reported instead of the result that ended last", latestWord)
		return results, nil
	}
	found, notes, err := store.Latest(r.out)
	if err != nil {
		return nil, problem.Usage(problem.Of(err))
	}
	for _, note := range notes {
		r.p.console.Note("report: %s", note)
	}
	r.p.console.Note("report: latest is %q, %s that ended %s", found.Path, found.What, found.EndedAt.UTC().Format("2006-01-02 15:04:05Z"))
	results = slices.Clone(results)
	results[at] = found.Path
	return results, nil
}

// redrawn makes the missing files of the results.
func (r *reporting) redrawn(problems []problem.Problem, results []string) error {
	for _, flag := range []string{"format", "stage", "output", "force"} {
		if r.flags.Written(flag) {
			problems = append(problems, problem.Problem{What: fmt.Sprintf("--%s does not apply with --redraw, which writes every missing file", flag), Hint: "remove one of them"})
		}
	}
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	var endings []outcome.Outcome
	for _, name := range results {
		made, err := store.Redraw(name)
		switch {
		case len(made) > 0:
			r.p.console.Note("report: %s: made %s", name, strings.Join(made, ", "))
		case err == nil:
			r.p.console.Note("report: %s: no file is missing", name)
		}
		if err != nil {
			endings = append(endings, outcome.Failed("", err))
		}
	}
	return outcome.Worst(endings)
}
