// Package flags declares the flags of a command. A flag writes to a variable of
// its verb, belongs to a group in the help, and can also be set in the
// environment: --drain-timeout is QUEUEDYNO_DRAIN_TIMEOUT. The command line wins.
//
// A value that cannot be read is kept in Problems and not returned to pflag, which
// would stop there and hide the other mistakes. Begin reading at [Set].
package flags

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/nearest"
	"github.com/queuedyno/queuedyno/internal/problem"
)

// Set are the flags of one verb.
type Set struct {
	// Problems are the values that could not be read.
	Problems problem.List
	// Notes are remarks for the user, such as that a flag has a new name.
	Notes []string

	set   *pflag.FlagSet
	group string
	// from says for each flag that was set where: "--rate" or "QUEUEDYNO_RATE".
	from map[string]string
	// given are the flags whose value could be read.
	given map[string]bool
	// variable is the one that is being read, empty for the command line.
	variable string
}

// New makes the flags of a verb out of its pflag set.
func New(set *pflag.FlagSet) *Set {
	set.SortFlags = false
	return &Set{set: set, group: other, from: map[string]string{}, given: map[string]bool{}}
}

// Group puts the flags that are declared next under a heading of the help.
func (s *Set) Group(name string) { s.group = name }

// value is a flag as pflag sees it.
type value struct {
	set        *Set
	name, kind string
	written    string // its old name, empty for the name
	read       func(text string) error
	split      func(text string) []string // cuts the text of a variable, nil for one value
}

// Set reads one value.
func (v *value) Set(text string) error {
	from := "--" + cmp.Or(v.written, v.name)
	if v.set.variable != "" {
		from = v.set.variable
	}
	v.set.from[v.name] = from
	if err := v.read(text); err != nil {
		p := problem.Of(err)
		p.What = from + ": " + p.What
		v.set.Add(p)
		return nil
	}
	v.set.given[v.name] = true
	return nil
}

func (v *value) String() string { return "" } // the help says the defaults
func (v *value) Type() string   { return v.kind }

// Files and Dirs are what the values of flags can name, for completion.
const (
	Files = "file"
	Dirs  = "directory"
)

// Completes says of declared flags what their values are the names of.
func (s *Set) Completes(what string, names ...string) {
	for _, name := range names {
		s.set.Lookup(name).Value.(*value).kind = what
	}
}

const groupKey = "group" // of the annotation

func (s *Set) declare(v *value, short, usage string) {
	f := s.set.VarPF(v, v.name, short, usage)
	f.Annotations = map[string][]string{groupKey: {s.group}}
}

// Var declares a flag that parse reads. The word in backquotes in its usage is the
// name of its value.
func Var[T any](s *Set, to *T, name, short, usage string, parse func(string) (T, error)) {
	s.declare(&value{set: s, name: name, kind: "value", read: func(text string) error {
		v, err := parse(text)
		if err == nil {
			*to = v
		}
		return err
	}}, short, usage)
}

// List declares a flag that may be repeated. A variable holds several values with
// sep between them; a space is any white space.
func List[T any](s *Set, to *[]T, name, sep, usage string, parse func(string) (T, error)) {
	split := func(text string) []string { return strings.Split(text, sep) }
	if sep == " " {
		split = strings.Fields
	}
	s.declare(&value{set: s, name: name, kind: "value", split: split, read: func(text string) error {
		v, err := parse(text)
		if err == nil {
			*to = append(*to, v)
		}
		return err
	}}, "", usage)
}

// Text declares a flag for any text.
func (s *Set) Text(to *string, name, short, usage string) {
	Var(s, to, name, short, usage, func(text string) (string, error) { return text, nil })
}

// Toggle declares a flag that needs no value, for what else reads "true".
func Toggle(s *Set, to *[]string, name, short, usage string, parse func(string) (string, error)) {
	Var(s, to, name, short, usage, func(text string) ([]string, error) {
		text, err := parse(text)
		return []string{text}, err
	})
	s.noValue(name)
}

func (s *Set) noValue(name string) {
	f := s.set.Lookup(name)
	f.Value.(*value).kind, f.NoOptDefVal = "bool", "true"
}

// Switch declares a flag that needs no value; =false is possible.
func (s *Set) Switch(to *bool, name, short, usage string) {
	Var(s, to, name, short, usage, literal.Bool)
	s.noValue(name)
}

// Optional declares a flag that may stand without a value, which then is without. A value
// is written --name=VALUE.
func Optional[T any](s *Set, to *T, name, usage, without string, parse func(string) (T, error)) {
	Var(s, to, name, "", usage, parse)
	s.set.Lookup(name).NoOptDefVal = without
}

// HasShort reports whether a flag has that letter.
func (s *Set) HasShort(letter string) bool {
	return letter != "" && s.set.ShorthandLookup(letter) != nil
}

// Formerly declares the old name of a flag, which works and is not in the help.
func (s *Set) Formerly(old, name string) {
	v := *s.set.Lookup(name).Value.(*value)
	read := v.read
	v.written = old
	v.read = func(text string) error {
		was, is := "--"+old, "--"+name
		if s.variable != "" {
			was, is = Variable(old), Variable(name)
		}
		if note := fmt.Sprintf("%s is now called %s", was, is); !slices.Contains(s.Notes, note) {
			s.Notes = append(s.Notes, note)
		}
		return read(text)
	}
	s.set.AddFlag(&pflag.Flag{Name: old, Value: &v, Hidden: true})
}

// Variable is the environment variable of a flag.
func Variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

const prefix = "QUEUEDYNO_"

// ReadEnv gives every flag that is not on the command line the value of its
// variable. The environment is a list of "NAME=value"; a variable that is set to
// nothing counts as not set.
func (s *Set) ReadEnv(env []string) {
	set := variables(env)
	s.set.VisitAll(func(f *pflag.Flag) {
		v, ours := f.Value.(*value)
		text := set[Variable(f.Name)]
		if !ours || text == "" || s.Written(v.name) {
			return
		}
		parts := []string{text}
		if v.split != nil {
			parts = v.split(text)
		}
		s.variable = Variable(f.Name)
		for _, part := range parts {
			_ = v.Set(part) // a problem is kept
		}
		s.variable = ""
	})
}

func variables(env []string) map[string]string {
	set := map[string]string{}
	for _, pair := range env {
		name, text, _ := strings.Cut(pair, "=")
		set[name] = text
	}
	return set
}

// CheckEnv finds variables with our prefix that belong to no flag: those of the
// given names, which include every verb's, and the variables in known. A likely typo
// is a problem, because a limit or a rate that is ignored makes a different run; any
// other may be set by another program, such as Kubernetes, and is only noted.
func (s *Set) CheckEnv(env []string, names, known []string) {
	set := variables(env)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		word, ours := strings.CutPrefix(name, prefix)
		flag := strings.ToLower(strings.ReplaceAll(word, "_", "-"))
		if !ours || set[name] == "" || slices.Contains(known, name) || slices.Contains(names, flag) {
			continue
		}
		near := nearest.Nearest(flag, names)
		switch {
		case near == "":
			s.Notes = append(s.Notes, fmt.Sprintf("%s is ignored: there is no flag --%s", name, flag))
		case nearest.Slip(flag, near):
			s.Add(problem.Problem{What: fmt.Sprintf("%s: there is no flag --%s", name, flag), Hint: fmt.Sprintf("did you mean %s?", Variable(near))})
		default:
			s.Notes = append(s.Notes, fmt.Sprintf("%s is ignored: there is no flag --%s; did you mean %s?", name, flag, Variable(near)))
		}
	}
}

// Names are the flags that have a variable.
func (s *Set) Names() (names []string) {
	s.set.VisitAll(func(f *pflag.Flag) {
		if _, ours := f.Value.(*value); ours {
			names = append(names, f.Name)
		}
	})
	return names
}

// Given reports whether the flag or its variable has a value that could be read.
func (s *Set) Given(name string) bool { return s.given[name] }

// Tried reports whether the flag or its variable was set, even to a value that could
// not be read.
func (s *Set) Tried(name string) bool { return s.from[name] != "" }

// Written reports whether the flag is on the command line.
func (s *Set) Written(name string) bool { return strings.HasPrefix(s.from[name], "--") }

// Refuse is a problem for each of those flags that is on the command line: its name and
// what is wrong with it there.
func (s *Set) Refuse(what, hint string, names ...string) (problems problem.List) {
	for _, name := range names {
		if s.Written(name) {
			problems.Add("--"+name+" "+what, hint)
		}
	}
	return problems
}

// WrittenNames are the flags on the command line, sorted.
func (s *Set) WrittenNames() []string {
	names := slices.Sorted(maps.Keys(s.from))
	return slices.DeleteFunc(names, func(name string) bool { return !s.Written(name) })
}

// Source names where the value of a flag came from, for messages.
func (s *Set) Source(name string) string {
	if from := s.from[name]; from != "" {
		return from
	}
	return "--" + name
}

// Describe replaces the usage of a flag, where a verb has its own.
func (s *Set) Describe(name, usage string) { s.set.Lookup(name).Usage = usage }

// Add adds a problem, once.
func (s *Set) Add(p problem.Problem) {
	if !slices.Contains(s.Problems, p) {
		s.Problems = append(s.Problems, p)
	}
}

// OneOf reads one of a few words.
func OneOf(words ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		if slices.Contains(words, text) {
			return text, nil
		}
		return "", fmt.Errorf("%q is not one of %s", text, strings.Join(words, ", "))
	}
}
