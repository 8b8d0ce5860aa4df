package scenario

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/queuedyno/queuedyno/internal/nearest"
)

// scenarioReader reads one scenario and remembers where it found what.
type scenarioReader struct {
	*file
	s Scenario
	// at are the places of the keys by the path of the field.
	at map[string]position
	// bad are the fields that could not be read.
	bad map[string]bool
}

// scenario reads one entry below "scenarios". Problems that need the whole
// scenario are found by [Scenario.Validate] and placed at the key concerned.
func (f *file) scenario(e entry) Scenario {
	r := &scenarioReader{file: f, s: Scenario{Name: e.key}, at: map[string]position{"name": e.at}, bad: map[string]bool{}}
	if !r.mapping("", e.value) {
		// Still a place where the name can be wrong.
		r.bad["load"] = true
	}
	if !r.has("load.rate", "load.steps", "load.replay") && !r.s.Load.Observed && !r.bad["producers"] && !r.bad["load"] {
		r.bad["load.rate"] = true
		f.faultAt(r.place("load"), "load.rate is missing; write load: {rate: 1000/s}, rate: max for a closed loop, or steps")
	}
	v := validator{Scenario: r.s.WithDefaults()}
	v.all()
	for _, found := range v.found {
		if r.doubtful(found) {
			continue
		}
		f.faultAt(r.place(found.Field), "%s", found.Problem)
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

// place is where the key of a field stands, or else that of what it is a part of.
func (r *scenarioReader) place(field string) position {
	for {
		if at, has := r.at[field]; has {
			return at
		}
		cut := strings.LastIndexByte(field, '.')
		if cut < 0 {
			return r.at["name"]
		}
		field = field[:cut]
	}
}

// sections are the mappings inside of a scenario, and what each looks like.
var sections = []struct{ path, example string }{
	{"load", "{rate: 1000/s, duration: 10s}"},
	{"load.replay", "{file: arrivals.csv, column: time, speed: 2}"},
	{"work", "{time: 1ms}"},
	{"tenants", "{count: 100, skew: 1.1}"},
	{"hold", "{from: 5s, for: 10s}"},
	{"entry", "{postgres: {table: jobs}}"},
	{"entry.postgres", "{table: jobs, connections: 10}"},
	{"entry.http", `{url: "http://127.0.0.1:3000/jobs", id: jobId}`},
	{"exit", `{websocket: {url: "ws://127.0.0.1:3000/ws"}}`},
	{"exit.websocket", `{url: "ws://127.0.0.1:3000/ws", clients: 20}`},
}

// example is what the mapping at a path looks like.
func example(path string) string {
	for _, s := range sections {
		if s.path == path {
			return s.example
		}
	}
	return "{load: {rate: 1000/s}}"
}

// keys are the names of the keys right below a path.
func (r *scenarioReader) keys(path string) (names []string) {
	for _, f := range r.fields {
		rest, below := strings.CutPrefix(f.Key, under(path))
		name, _, _ := strings.Cut(rest, ".")
		if below && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// current is the key, or the one that it became.
func (r *scenarioReader) current(key string) string {
	for _, f := range r.fields {
		section := f.Key[:strings.LastIndexByte(f.Key, '.')+1]
		if f.Formerly != "" && section+strings.ReplaceAll(f.Formerly, "-", "_") == key {
			return f.Key
		}
	}
	return key
}

// under is what the paths of the keys below a path begin with.
func under(path string) string {
	if path == "" {
		return ""
	}
	return path + "."
}

// mapping reads the mapping at a path, of which the keys are known.
func (r *scenarioReader) mapping(path string, n ast.Node) bool {
	entries, ok := r.entries(n, example(path))
	if !ok {
		return false
	}
	names := r.keys(path)
	r.choose(path)
	for _, e := range entries {
		key := r.current(under(path) + e.key)
		name := strings.TrimPrefix(key, under(path))
		if !slices.Contains(names, name) {
			r.faultAt(e.at, "unknown key %q%s", e.key, r.hint(e.key, names))
			continue
		}
		if name != e.key && slices.ContainsFunc(entries, func(o entry) bool { return o.key == name }) {
			r.faultAt(e.at, "%s and its old name %s are both given; remove one", key, e.key)
			continue
		}
		r.at[key] = e.at
		if !r.value(key, e.value) {
			r.bad[key] = true
		}
	}
	if path == "load.replay" && r.s.Load.Replay.File == "" {
		r.fault(n, "the file is missing; write replay: {file: arrivals.csv}")
		return false
	}
	return r.chosen(path, n, entries)
}

// choose takes a mapping as the choice of what it describes.
func (r *scenarioReader) choose(path string) {
	switch path {
	case "entry.postgres":
		r.s.Entry.Kind = EntryPostgres
	case "entry.http":
		r.s.Entry.Kind = EntryHTTP
	}
}

// chosen checks that a mapping chooses one thing.
func (r *scenarioReader) chosen(path string, n ast.Node, entries []entry) bool {
	switch {
	case path == "entry" && r.has("entry.postgres") && r.has("entry.http"):
		r.fault(n, "jobs come in one way; remove postgres or http")
		return false
	case (path == "entry" || path == "exit" || path == "exit.websocket") && len(entries) == 0:
		r.fault(n, "it is empty; write %s: %s, or remove it", path[strings.LastIndexByte(path, '.')+1:], example(path))
		return false
	}
	return true
}

// value reads the value of a key. It is false after a fault.
func (r *scenarioReader) value(key string, n ast.Node) bool {
	i := slices.IndexFunc(r.fields, func(f Field) bool { return f.Key == key })
	if len(r.keys(key)) > 0 && (i < 0 || isMapping(r.resolve(n))) {
		return r.mapping(key, n)
	}
	f := r.fields[i]
	if f.whole != nil {
		if ok, is := f.whole(r, n); is {
			return ok
		}
	}
	set := func(text string) error { return f.Set(&r.s, text) }
	var list *ast.SequenceNode // in the place of one value
	if f.list != nil {
		list, _ = r.resolve(n).(*ast.SequenceNode)
	}
	if list == nil {
		return r.read(n, f.form, f.what, set)
	}
	items, ok := r.texts(list.Values, f.form, f.what)
	if !ok {
		return false
	}
	err := set(f.list(items))
	if err != nil {
		r.refuse(n, err)
	}
	return err == nil
}

// hint says what an unknown key may have been meant to be, or what there is.
func (r *scenarioReader) hint(key string, names []string) string {
	if near := nearest.Clause(key, names); near != "" {
		return near
	}
	for _, s := range sections {
		if slices.Contains(r.keys(s.path), key) {
			return "; it belongs below " + s.path
		}
	}
	return "; the keys here are " + strings.Join(names, ", ")
}

// readThresholds reads a list of thresholds, in every form that there is.
func (r *scenarioReader) readThresholds(n ast.Node) (ok, is bool) {
	all, ok := r.thresholds(n)
	if ok {
		r.s.Thresholds = all
	}
	return ok, true
}

// readUpdate reads the form of updates as a mapping of facts, in which a list holds
// the words of a status.
func (r *scenarioReader) readUpdate(n ast.Node) (ok, is bool) {
	if !isMapping(r.resolve(n)) {
		return false, false
	}
	entries, ok := r.entries(n, "{id: .id, status: .state, completed: [done, ok]}")
	var facts []string
	for _, e := range entries {
		words := []ast.Node{e.value}
		if list, isList := r.resolve(e.value).(*ast.SequenceNode); isList {
			words = list.Values
		}
		texts, good := r.texts(words, textForm, `text in quotes such as "done"`)
		ok = ok && good
		facts = append(facts, e.key+"="+strings.Join(texts, "|"))
	}
	if !ok {
		return false, true
	}
	text, err := mapping(strings.Join(facts, ","))
	if err != nil {
		r.refuse(n, err)
	}
	r.s.Update = text
	return err == nil, true
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
