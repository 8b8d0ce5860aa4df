package scenario

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Field describes one field of a [Scenario]: its key in a file, its flag, how it is
// read and written, and where it is shown. The flags and their
// environment variables, scenario files, --vary, shell completion, the columns of
// summary.csv and the table in docs/scenarios.md all come from [Fields].
type Field struct {
	// Key is the path of the key in a scenario file, such as "load.max_in_flight".
	Key string
	// Flag is the long name of the flag and Short its letter. Both may be empty.
	Flag, Short string
	// Formerly is the old name of the flag, and of the key in its section, which
	// still works. Help does not show it.
	Formerly string
	// Group is the heading that the flag has in the help.
	Group string
	// Usage is the help of the flag; the word in backquotes is the name of the value.
	Usage string
	// Switch means that the flag needs no value, Many that it may be repeated. With
	// Many the text is a list with separators, and an empty Separator means a comma.
	Switch, Many bool
	// Path means that the value is the name of a file.
	Path      bool
	Separator string
	// Words are what shell completion offers, each with its meaning after a tab or
	// without.
	Words []string
	// Verbs are the verbs that have the flag.
	Verbs []string
	// Vary says how `capacity --vary` varies the field, nil for not at all.
	Vary *Vary
	// Columns are those of the field in summary.csv.
	Columns []Column
	// Describes means that the field does not change the run: two scenarios that
	// differ in nothing else are the same load on the same pipeline.
	Describes bool

	also  string // the key of a second field that has the same flag
	form  form
	what  string // what a file holds here, for messages: "a duration such as 10s"
	get   func(Scenario) string
	set   func(*Scenario, string) error
	list  func(items []string) string                  // makes one text of a list in a file, nil for no list
	yaml  func(Scenario) string                        // writes the value in a file, nil for what get says
	free  bool                                         // any text: it is written in quotes
	whole func(*scenarioReader, ast.Node) (bool, bool) // reads what only a file can hold; see read
}

// Vary is how a field is varied.
type Vary struct {
	// Least is the smallest value.
	Least int
	// Together is true for pools that work in parallel, to which a law of scaling
	// applies.
	Together bool
	// Parse reads a value.
	Parse func(text string) (int, error)
}

// Column is one column of summary.csv.
type Column struct {
	Name string
	// Cell is what it holds for a scenario that has its defaults.
	Cell func(Scenario) string
}

// Get is the text of the field as Set reads it, empty where the field is at zero.
func (f Field) Get(s Scenario) string { return f.get(s) }

// Set reads the text into the field. After an error the scenario is unchanged.
func (f Field) Set(s *Scenario, text string) error { return f.set(s, text) }

// For reports whether the verb has the flag.
func (f Field) For(verb string) bool { return f.Flag != "" && slices.Contains(f.Verbs, verb) }

// Settings are the keys of a scenario file that are set, each with its value as a
// text, without those that leave the run unchanged and without the seed.
func (s Scenario) Settings() map[string]string {
	set := map[string]string{}
	for _, p := range s.pairs(Fields(), "") {
		if !p.describes {
			set[p.key] = strings.TrimSuffix(strings.TrimPrefix(p.value, "{"), "}")
		}
	}
	return set
}
