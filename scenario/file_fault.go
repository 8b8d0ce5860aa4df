package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// faultExample is what a fault looks like in a file.
const faultExample = "{at: 10s, for: 2s, pause: redis}"

// readFaults reads a list of faults. One that cannot be read keeps its place in the
// list, so that those after it have their numbers.
func (r *scenarioReader) readFaults(n ast.Node) (ok, is bool) {
	items, ok := r.items(n, "["+faultExample+"]")
	for i, item := range items {
		if i == maxFaults {
			r.fault(item, "more than %d faults; remove some", maxFaults)
			return false, true
		}
		field := fmt.Sprintf("faults[%d]", i)
		one, good := r.readFault(field, item)
		if !good {
			r.bad[field], ok = true, false
		}
		r.s.Faults = append(r.s.Faults, one)
	}
	return ok, true
}

// readFault reads one fault.
func (r *scenarioReader) readFault(field string, n ast.Node) (f Fault, ok bool) {
	value := r.resolve(n)
	if value == nil {
		return f, false
	}
	r.at[field] = placeOf(value)
	if !isMapping(value) {
		ok = r.read(value, textForm, "a fault such as "+faultExample, func(text string) (err error) {
			f, err = parseFault(text)
			return err
		})
		return f, ok
	}
	entries, ok := r.entries(value, faultExample)
	chosen := ""
	for _, e := range entries {
		r.at[field+"."+e.key] = e.at
		if !r.faultKey(field, &f, e, &chosen) {
			ok = false
		}
	}
	if ok && chosen == "" {
		r.fault(value, "it does not say what happens; write one of %s, such as %s", strings.Join(kindWords(), ", "), faultExample)
		return f, false
	}
	if ok && !slices.ContainsFunc(entries, func(e entry) bool { return e.key == "at" }) {
		r.fault(value, "at is missing: when the fault begins, such as %s", faultExample)
		return f, false
	}
	return f, ok
}

// kindWords are the keys of which a fault has one.
func kindWords() []string { return each(faultKinds(), plain[FaultKind]) }

// faultKey reads one key of a fault. chosen is the kind that was found before it.
func (r *scenarioReader) faultKey(field string, f *Fault, e entry, chosen *string) bool {
	kinds := kindWords()
	switch {
	case slices.Contains(kinds, e.key):
		if *chosen != "" {
			r.faultAt(e.at, "a fault is one thing; remove %s or %s, or write them as two faults", *chosen, e.key)
			return false
		}
		*chosen = e.key
		if e.key == string(NetworkFault) {
			return r.readNetwork(field, f, e)
		}
		return r.read(e.value, textForm, "the target of "+e.key, func(text string) error { return f.choose(FaultKind(e.key), text) })
	case slices.Contains(ownKeys(false), e.key):
		k := keyOfFault(e.key)
		return r.read(e.value, k.form, k.what, func(text string) error { return f.set(e.key, text) })
	}
	r.faultAt(e.at, "unknown key %q%s", e.key, orList(e.key, append(ownKeys(false), kinds...)))
	return false
}
