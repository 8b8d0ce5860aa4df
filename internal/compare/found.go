package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/paired"
)

// Found are the metrics of figures whose names are only known from what commands
// printed. Unless some are asked for, those with units that are known to be steady
// gate, or all where no such unit occurs. The name of a metric may be that of its unit
// alone. Higher says of which figures more is better. A figure that one side lacks
// does not gate; where it would have, missing has it if the candidate lacks it. The
// faults are in what was asked for.
func Found(asked []paired.Metric, base, candidate map[string]float64, higher func(name string) bool) (metrics []paired.Metric, missing, faults []string) {
	union := maps.Clone(base)
	maps.Copy(union, candidate)
	names := slices.Sorted(maps.Keys(union))
	isAsked := func(a paired.Metric, name string) bool {
		_, unit := SplitFigure(name)
		return a.Name == name || a.Name == unit
	}
	gates := false
	for _, name := range names {
		m := paired.Metric{Name: name, HigherBetter: higher(name), Margin: 0.5}
		_, unit := SplitFigure(name)
		if margin, known := steadyUnits()[unit]; known {
			m.Margin, m.Gate = margin, len(asked) == 0
		}
		for _, a := range asked {
			if isAsked(a, name) {
				m.Gate = true
				if a.Margin > 0 {
					m.Margin = a.Margin
				}
			}
		}
		gates = gates || m.Gate
		metrics = append(metrics, m)
	}
	for i := range metrics {
		m := &metrics[i]
		if !gates && len(asked) == 0 {
			m.Margin, m.Gate = 0.1, true
		}
		_, inBase := base[m.Name]
		_, inCandidate := candidate[m.Name]
		if m.Gate && !inCandidate {
			missing = append(missing, m.Name)
		}
		m.Gate = m.Gate && inBase && inCandidate
	}
	for _, a := range asked {
		_, inBase := base[a.Name]
		switch _, inCandidate := candidate[a.Name]; {
		case !slices.ContainsFunc(names, func(name string) bool { return isAsked(a, name) }):
			faults = append(faults, fmt.Sprintf("the commands printed no %q; they printed %s", a.Name, strings.Join(names, ", ")))
		case inCandidate && !inBase:
			faults = append(faults, fmt.Sprintf("only the candidate printed %q: there is nothing to compare it with", a.Name))
		}
	}
	return metrics, missing, faults
}

// nameBenchmarks names the figures of the first pair of commands that print Go
// benchmarks, and warns of what one side printed and the other did not.
func (r *Record) nameBenchmarks(base, candidate *Run, ofBase, ofCandidate Printed) {
	naming, warnings := NamingOf(ofBase, ofCandidate)
	r.Benchmarks = &naming
	r.Warnings = append(r.Warnings, warnings...)
	base.Figures, base.Lines = naming.Figures(ofBase)
	candidate.Figures, candidate.Lines = naming.Figures(ofCandidate)
	for _, side := range []struct {
		who         string
		mine, other map[string]float64
		printed     Printed
	}{{"baseline", base.Figures, candidate.Figures, ofBase}, {"candidate", candidate.Figures, base.Figures, ofCandidate}} {
		if only := missingOn(side.mine, side.other); len(only) > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf("only the %s has %s", side.who, listed(only)))
		}
		if n := len(side.printed.Unread); n > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf("the %s printed benchmark lines without figures (%d), the first: %.120s", side.who, n, side.printed.Unread[0]))
		}
	}
	for _, key := range []string{"goos", "goarch", "cpu"} {
		a, b := valuesOf(key, ofBase.Lines), valuesOf(key, ofCandidate.Lines)
		if !a[""] && !b[""] && !shared(a, b) {
			r.Warnings = append(r.Warnings, fmt.Sprintf("the two sides differ in %s: %s against %s", key, oneOf(a), oneOf(b)))
		}
	}
}

// oneOf is the first of the values by their order.
func oneOf(values map[string]bool) string { return slices.Sorted(maps.Keys(values))[0] }

// nothingShared says why no figure that decides is on both sides.
func (r *Record) nothingShared(base, candidate map[string]float64, ofBase, ofCandidate Printed) error {
	var why []string
	if only := missingOn(base, candidate); len(only) > 0 {
		why = append(why, "only the baseline has "+listed(only))
	}
	if only := missingOn(candidate, base); len(only) > 0 {
		why = append(why, "only the candidate has "+listed(only))
	}
	same := func(of func(Line) string) bool {
		names := map[string]bool{}
		for _, l := range ofBase.Lines {
			names[of(l)] = true
		}
		return slices.ContainsFunc(ofCandidate.Lines, func(l Line) bool { return names[of(l)] })
	}
	switch {
	case same(func(l Line) string { return l.Config["pkg"] + " " + strings.TrimSuffix(l.Name, l.procs()) }):
		why = append(why, "the GOMAXPROCS suffixes differ: run both with the same -cpu and GOMAXPROCS")
	case same(func(l Line) string { return l.Name }):
		why = append(why, "the packages differ: benchmarks are the same only within one package")
	}
	return fmt.Errorf("%w that decides: %s", ErrNothingShared, strings.Join(why, "; "))
}

// FindBenchmarks names the figures of the first pair and finds the metrics of the
// comparison. Faults in what was asked for come as one error.
func (r *Record) FindBenchmarks(asked []paired.Metric, base, candidate *Run, ofBase, ofCandidate Printed) ([]paired.Metric, error) {
	r.nameBenchmarks(base, candidate, ofBase, ofCandidate)
	asked = slices.Clone(asked)
	for i := range asked {
		asked[i].Name = r.Benchmarks.Asked(asked[i].Name)
	}
	higher := func(name string) bool { return ofBase.Higher(name) || ofCandidate.Higher(name) }
	metrics, missing, faults := Found(asked, base.Figures, candidate.Figures, higher)
	if len(faults) > 0 {
		return nil, fmt.Errorf("--metric: %s", strings.Join(faults, "; "))
	}
	r.Missing = missing
	if !slices.ContainsFunc(metrics, func(m paired.Metric) bool { return m.Gate }) {
		return metrics, r.nothingShared(base.Figures, candidate.Figures, ofBase, ofCandidate)
	}
	return metrics, nil
}
