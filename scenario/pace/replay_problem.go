package pace

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// problem is what is wrong with some lines of a recorded load.
type problem struct {
	first, last int    // lines
	count       int    // of lines
	what        string // of the first line
	hint        string
}

// problems are those of a file, one for all lines of a kind.
type problems map[string]*problem

// add notes a problem of a kind in a line. what tells it of the first such line.
func (p problems) add(line int, kind, what, hint string) {
	known := p[kind]
	if known == nil {
		known = &problem{first: line, what: what, hint: hint}
		p[kind] = known
	}
	known.last = line
	known.count++
}

// err is all of them in the order of their first lines.
func (p problems) err() error {
	all := slices.SortedFunc(maps.Values(p), func(a, b *problem) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.what, b.what))
	})
	var errs []error
	for _, one := range all {
		text := fmt.Sprintf("line %d: %s", one.first, one.what)
		if one.count > 1 {
			text += fmt.Sprintf(" (%d such lines, the last is line %d)", one.count, one.last)
		}
		if one.hint != "" {
			text += "; " + one.hint
		}
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}
