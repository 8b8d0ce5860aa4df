package scenario

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

// fileKey is a valid key of a mapping and how its value is read into the
// scenario. The function returns false after a fault.
type fileKey struct {
	name string
	read func(ast.Node) bool
}

// scenarioReader reads one scenario and remembers where it found what.
type scenarioReader struct {
	*file
	s Scenario
	// at are the places of the keys by the path of the field.
	at map[string]position
	// bad are the fields that could not be read.
	bad map[string]bool
}

// scenario reads one entry below "scenarios". Faults that need the whole
// scenario are found by [Scenario.Validate] and placed at the key concerned.
func (f *file) scenario(e entry) Scenario {
	r := &scenarioReader{file: f, s: Scenario{Name: e.key}, at: map[string]position{"name": e.at}, bad: map[string]bool{}}
	if !r.mapping("", e.value, "{load: {rate: 1000/s}}", r.keys()) {
		// Still a place where the name can be wrong.
		r.bad["load"] = true
	}
	if !r.has("load.rate", "load.stages", "load.replay") && !r.s.Load.Observed && !r.bad["producers"] && !r.bad["load"] {
		at, has := r.at["load"]
		if !has {
			at = e.at
		}
		r.bad["load.rate"] = true
		f.faultAt(at, "load.rate is missing; write load: {rate: 1000/s}, rate: max for a closed loop, or stages")
	}
	v := validator{Scenario: r.s.WithDefaults()}
	v.all()
	for _, found := range v.found {
		if r.doubtful(found) {
			continue
		}
		at, has := r.at[found.Field]
		if !has {
			at = e.at
		}
		f.faultAt(at, "%s", found.Fault)
	}
	return r.s
}

// has reports whether one of the keys stands in the file.
func (r *scenarioReader) has(fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { _, has := r.at[f]; return has })
}

// doubtful reports whether a finding rests on a field that could not be read:
// such a field has its fault already, and what follows from it is not known.
func (r *scenarioReader) doubtful(found finding) bool {
	for _, field := range append(found.with, found.Field) {
		section, _, _ := strings.Cut(field, ".")
		if r.bad[field] || r.bad[section] {
			return true
		}
	}
	return false
}

// mapping reads a mapping of known keys; prefix is the path to it.
func (r *scenarioReader) mapping(prefix string, n ast.Node, example string, keys []fileKey) bool {
	entries, ok := r.entries(n, example)
	if !ok {
		return false
	}
	names := make([]string, len(keys))
	read := map[string]func(ast.Node) bool{}
	for i, k := range keys {
		names[i], read[k.name] = k.name, k.read
	}
	for _, e := range entries {
		if read[e.key] == nil {
			r.faultAt(e.at, "unknown key %q%s", e.key, r.hint(e.key, names))
			continue
		}
		r.at[prefix+e.key] = e.at
		if !read[e.key](e.value) {
			r.bad[prefix+e.key] = true
		}
	}
	return true
}

// hint says what an unknown key may have been meant to be, or what there is.
func (r *scenarioReader) hint(key string, names []string) string {
	if near := meant(key, names); near != "" {
		return near
	}
	for _, section := range []string{"load", "work", "tenants", "hold"} {
		for _, inner := range r.sectionKeys(section) {
			if inner.name == key {
				return "; it belongs below " + section
			}
		}
	}
	return "; the keys here are " + strings.Join(names, ", ")
}

func (r *scenarioReader) keys() []fileKey {
	s := &r.s
	return append([]fileKey{
		{"description", into(&s.Description, r.words)},
		{"load", func(n ast.Node) bool {
			return r.mapping("load.", n, "{rate: 1000/s, duration: 10s}", r.sectionKeys("load"))
		}},
		{"producers", r.producers},
		{"consumers", r.consumers},
		{"subscribers", into(&s.Subscribers, r.pool)},
		{"batch", into(&s.Batch, r.pool)},
		{"payload", r.payload},
		{"work", func(n ast.Node) bool {
			return r.mapping("work.", n, "{time: 1ms}", r.sectionKeys("work"))
		}},
		{"warmup", into(&s.Warmup, r.span)},
		{"drain_timeout", into(&s.DrainTimeout, r.length)},
		{"thresholds", into(&s.Thresholds, r.thresholds)},
		{"seed", into(&s.Seed, r.seed)},
	}, r.pipelineKeys()...)
}

// sectionKeys are the keys of the mappings within a scenario.
func (r *scenarioReader) sectionKeys(section string) []fileKey {
	switch s := &r.s; section {
	case "work":
		return []fileKey{
			{"time", r.service},
			{"fail", into(&s.Work.FailRate, r.ratio)},
			{"running", into(&s.Work.Running, r.truth)},
		}
	case "tenants":
		return []fileKey{{"count", into(&s.Tenants.Count, r.pool)}, {"skew", into(&s.Tenants.Skew, r.number)}}
	case "replay":
		p := &s.Load.Replay
		return []fileKey{{"file", into(&p.File, r.words)}, {"column", into(&p.Column, r.column)}, {"speed", into(&p.Speed, r.number)},
			{"unit", into(&p.Unit, r.unit)}, {"spread", into(&p.Spread, r.truth)}}
	case "hold":
		return []fileKey{{"from", into(&s.Hold.From, r.span)}, {"for", into(&s.Hold.For, r.length)}}
	}
	l := &r.s.Load
	return []fileKey{
		{"rate", into(&l.Rate, r.rate)},
		{"stages", into(&l.Steps, r.steps)},
		{"replay", r.replay},
		{"duration", into(&l.Duration, r.length)},
		{"jobs", into(&l.Jobs, r.positive)},
		{"arrivals", into(&l.Arrivals, r.arrivals)},
		{"in_flight", into(&l.InFlight, r.pool)},
		{"max_in_flight", into(&l.MaxInFlight, r.pool)},
		{"max_backlog", into(&l.MaxBacklog, r.positive)},
		{"think", into(&l.Think, r.length)},
	}
}

// into makes a function that reads a value and keeps it when there is one.
func into[T any](to *T, read func(ast.Node) (T, bool)) func(ast.Node) bool {
	return func(n ast.Node) bool {
		v, ok := read(n)
		if ok {
			*to = v
		}
		return ok
	}
}

func (r *scenarioReader) arrivals(n ast.Node) (pace.Arrivals, bool) {
	text, ok := r.words(n)
	if ok && text == "" {
		r.fault(n, "arrivals are constant or poisson")
		return "", false
	}
	return pace.Arrivals(text), ok
}

// within is the place of a byte of a text. Where the text does not stand in
// its line as it is, because of escapes or line breaks, it is the place where
// the text begins.
func (r *scenarioReader) within(n ast.Node, text string, offset int) position {
	at := placeOf(n)
	if at.line > len(r.lines) || offset > len(text) {
		return at
	}
	line := []rune(r.lines[at.line-1])
	for _, quote := range []int{0, 1} {
		start := at.column - 1 + quote
		if start <= len(line) && strings.HasPrefix(string(line[start:]), text) {
			return position{at.line, start + 1 + utf8.RuneCountInString(text[:offset])}
		}
	}
	return at
}
