package scenario

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/queuedyno/queuedyno/internal/nearest"
)

// fileVersion is the one version of scenario files that there is.
const fileVersion = 1

// Parse reads the scenarios of a file, in the order in which they stand there.
// The name is only used in errors. What a file leaves out stays zero; fill it
// in with [Scenario.WithDefaults], after any other change.
//
// A file with faults gives no scenario, and the error is a [FileErrors] with
// all of them: everything that [Scenario.Validate] finds, and what cannot be
// read as a scenario in the first place.
func Parse(name string, data []byte) ([]Scenario, error) {
	f := &file{name: name, fields: Fields()}
	root := f.parse(data)
	if root == nil {
		return nil, f.faults.sorted()
	}
	scenarios := f.root(root)
	if len(f.faults) > 0 {
		return nil, f.faults.sorted()
	}
	return scenarios, nil
}

// file is a scenario file while it is read. It collects faults and reads on
// after each one.
type file struct {
	name   string
	fields []Field
	lines  []string
	faults FileErrors
	// aliases says what each alias stands for.
	aliases map[*ast.AliasNode]ast.Node
	// visited counts the values that were looked at, aliases followed.
	visited int
	// merging is how deep in merged mappings the reading is.
	merging int
}

// position is a place in the file; both numbers begin at 1.
type position struct{ line, column int }

func (f *file) faultAt(at position, format string, args ...any) {
	// The parser places some marks before or behind the text.
	at.line = min(max(at.line, 1), max(len(f.lines), 1))
	source := ""
	if at.line <= len(f.lines) {
		source = f.lines[at.line-1]
	}
	at.column = min(max(at.column, 1), utf8.RuneCountInString(source)+1)
	f.faults = append(f.faults, &FileError{File: f.name, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...), Source: source})
}

func (f *file) fault(n ast.Node, format string, args ...any) {
	f.faultAt(placeOf(n), format, args...)
}

// placeOf is where a node begins in the file.
func placeOf(n ast.Node) position {
	switch n := n.(type) {
	case *ast.MappingNode:
		// A block mapping's own mark is the colon of its first key.
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return placeOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return placeOf(n.Key)
	}
	return placeOfToken(n.GetToken())
}

func placeOfToken(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{t.Position.Line, t.Position.Column}
}

// root reads the whole document.
func (f *file) root(n ast.Node) []Scenario {
	entries, ok := f.entries(n, "version: 1 and scenarios: {...}")
	if !ok {
		return nil
	}
	var scenarios []Scenario
	var version, list bool
	for _, e := range entries {
		switch e.key {
		case "version":
			version = true
			f.version(e.value)
		case "scenarios":
			list = true
			scenarios = f.scenarios(e.value)
		default:
			f.faultAt(e.at, "unknown key %q%s", e.key, nearest.Clause(e.key, []string{"version", "scenarios"}))
		}
	}
	if !version {
		f.faultAt(position{1, 1}, "the version is missing; write version: %d as the first line", fileVersion)
	}
	if !list {
		f.faultAt(position{1, 1}, "there are no scenarios; write them below scenarios:")
	}
	return scenarios
}

func (f *file) version(n ast.Node) {
	v, ok := f.digits(n, "a whole number such as 1")
	if ok && v != fmt.Sprint(fileVersion) {
		f.fault(n, "version %s is not supported; this queuedyno reads version %d", v, fileVersion)
	}
}

func (f *file) scenarios(n ast.Node) []Scenario {
	entries, ok := f.entries(n, "steady: {load: {rate: 1000/s}}")
	if !ok {
		return nil
	}
	if len(entries) == 0 {
		f.fault(n, "there are no scenarios; write at least one, such as steady: {load: {rate: 1000/s}}")
	}
	all := make([]Scenario, 0, len(entries))
	for _, e := range entries {
		all = append(all, f.scenario(e))
	}
	return all
}

// quoted is text from the file, cut to what fits in a message.
func quoted(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "..."
	}
	return fmt.Sprintf("%q", strings.TrimRight(text, "\n"))
}
