package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Naming says by which name the figures of benchmarks are known. A benchmark is
// identified by its package, its full name, its GOMAXPROCS suffix and the
// configuration that tells lines of one side apart; what all lines of both sides
// share is left out of the name.
type Naming struct {
	// Package and Procs are what all lines share: their package, and their
	// suffix such as "-8". They are empty where the lines differ.
	Package string `json:"package,omitempty"`
	Procs   string `json:"procs,omitempty"`
	// Keys are the configuration keys that are part of the name.
	Keys []string `json:"keys,omitempty"`
}

// NamingOf finds the names for the lines of both sides, and what looks as if it
// distinguish lines and cannot.
func NamingOf(base, candidate Printed) (n Naming, warnings []string) {
	all := slices.Concat(base.Lines, candidate.Lines)
	if len(all) == 0 {
		return n, nil
	}
	n.Package, n.Procs = all[0].Config["pkg"], all[0].procs()
	for _, l := range all {
		if l.Config["pkg"] != n.Package {
			n.Package = ""
		}
		if l.procs() != n.Procs {
			n.Procs = ""
		}
	}
	keys := map[string]bool{}
	for _, l := range all {
		for key := range l.Config {
			keys[key] = key != "pkg"
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !keys[key] || !tellsApart(key, base.Lines) && !tellsApart(key, candidate.Lines) {
			continue
		}
		a, b := valuesOf(key, base.Lines), valuesOf(key, candidate.Lines)
		switch {
		case a[""] || b[""]: // a log message looks like that: "redis: connection closed"
		case shared(a, b):
			n.Keys = append(n.Keys, key)
		default:
			warnings = append(warnings, fmt.Sprintf("lines of one benchmark differ in %q, and the two sides have no value in common: the lines count as one benchmark", key))
		}
	}
	return n, warnings
}

// tellsApart reports whether lines of one benchmark differ in that key.
func tellsApart(key string, lines []Line) bool {
	first := map[string]string{}
	for _, l := range lines {
		id := l.Config["pkg"] + " " + l.Name
		if v, seen := first[id]; seen && v != l.Config[key] {
			return true
		}
		first[id] = l.Config[key]
	}
	return false
}

func valuesOf(key string, lines []Line) map[string]bool {
	values := map[string]bool{}
	for _, l := range lines {
		values[l.Config[key]] = true
	}
	return values
}

func shared(a, b map[string]bool) bool {
	for v := range a {
		if b[v] {
			return true
		}
	}
	return false
}

// name is the name of the benchmark of a line. No part of it has a space within.
func (n Naming) name(l Line) string {
	name := strings.TrimSuffix(l.Name, n.Procs)
	for _, key := range slices.Backward(n.Keys) {
		name = key + "=" + strings.Join(strings.Fields(l.Config[key]), "_") + " " + name
	}
	if pkg := l.Config["pkg"]; pkg != "" && pkg != n.Package {
		name = strings.Join(strings.Fields(pkg), "_") + " " + name
	}
	return name
}

// Figures are those of one execution by benchmark and unit, "Pop/batch=1 ns/op".
// Of several lines of one benchmark, as -count prints them, each is the median;
// lines says of how many.
func (n Naming) Figures(p Printed) (figures map[string]float64, lines map[string]int) {
	figures, lines = map[string]float64{}, map[string]int{}
	samples := map[string][]float64{}
	for _, l := range p.Lines {
		for unit, v := range l.Figures {
			key := n.name(l) + " " + unit
			samples[key] = append(samples[key], v)
		}
	}
	for key, all := range samples {
		slices.Sort(all)
		if m := (all[(len(all)-1)/2] + all[len(all)/2]) / 2; m >= 0 {
			figures[key], lines[key] = m, len(all)
		}
	}
	return figures, lines
}

// Asked is the name used here for a figure as go test prints it, with "Benchmark",
// the package and the suffix.
func (n Naming) Asked(name string) string {
	benchmark, unit := SplitFigure(name)
	if benchmark == "" {
		return name
	}
	parts := strings.Fields(benchmark)
	if n.Package != "" && parts[0] == n.Package {
		parts = parts[1:]
	}
	if len(parts) == 0 {
		return name
	}
	last := &parts[len(parts)-1]
	*last = strings.TrimSuffix(strings.TrimPrefix(*last, "Benchmark"), n.Procs)
	return strings.Join(append(parts, unit), " ")
}

// Text is what the benchmark format says of that benchmark: its configuration
// lines, empty without any, and its full name.
func (n Naming) Text(benchmark string) (config []string, name string) {
	parts := strings.Fields(benchmark)
	if len(parts) == 0 {
		return nil, ""
	}
	before, pkg := parts[:len(parts)-1], n.Package
	if len(before) > len(n.Keys) {
		pkg, before = before[0], before[1:]
	}
	if pkg != "" {
		config = append(config, "pkg: "+pkg)
	}
	for _, one := range before {
		key, value, _ := strings.Cut(one, "=")
		config = append(config, key+": "+value)
	}
	return config, "Benchmark" + parts[len(parts)-1] + n.Procs
}

// missingOn lists the benchmarks of one side that the other lacks, and the
// figures of shared benchmarks that it lacks.
func missingOn(has, lacks map[string]float64) (out []string) {
	benchmarks := map[string]bool{}
	for name := range lacks {
		b, _ := SplitFigure(name)
		benchmarks[b] = true
	}
	for name := range has {
		if _, both := lacks[name]; both {
			continue
		}
		if b, _ := SplitFigure(name); !benchmarks[b] {
			name = cmp.Or(b, name)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
