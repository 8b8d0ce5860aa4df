package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

// value is what a flag or its variable says, as a T. A text that cannot be read
// is kept in the faults of its flags and not returned to pflag, which would
// stop there and hide what else is wrong.
type value[T any] struct {
	name  string
	kind  string
	flags *flags
	parse func(string) (T, error)
	// many keeps every value given, not only the last. In a variable there is a
	// comma between them, or white space where they are spaced.
	many   bool
	spaced bool
	all    []T
}

// twinned is a value that may also come from the environment.
type twinned interface {
	pflag.Value
	// split cuts the text of a variable into the values that the flag would
	// have been given one by one.
	split(text string) []string
}

// add declares a flag. The word in backquotes in its usage stands for the value.
func add[T any](f *flags, name, short, usage string, parse func(string) (T, error)) *value[T] {
	v := &value[T]{name: name, kind: "value", flags: f, parse: parse}
	f.set.VarP(v, name, short, usage)
	return v
}

// addMany declares a flag that may be given several times.
func addMany[T any](f *flags, name, short, usage string, parse func(string) (T, error)) *value[T] {
	v := add(f, name, short, usage, parse)
	v.many = true
	return v
}

// addSwitch declares a flag without a value.
func addSwitch(f *flags, name, short, usage string) *value[bool] {
	v := add(f, name, short, usage, literal.Bool)
	v.kind = "bool"
	f.set.Lookup(name).NoOptDefVal = "true"
	return v
}

// Set takes one value. It is pflag's way in.
func (v *value[T]) Set(s string) error {
	from := "--" + v.name
	if v.flags.variable != "" {
		from = v.flags.variable
	}
	v.flags.given[v.name] = from
	got, err := v.parse(s)
	if err != nil {
		f := faultOf(err)
		f.what = from + ": " + f.what
		v.flags.add(f)
		return nil
	}
	if !v.many {
		v.all = v.all[:0]
	}
	v.all = append(v.all, got)
	return nil
}

// String is empty: no flag has a default of its own, the scenario has.
func (v *value[T]) String() string { return "" }

// Type is what pflag and shell completion call the kind of the value.
func (v *value[T]) Type() string { return v.kind }

func (v *value[T]) split(text string) []string {
	if !v.many {
		return []string{text}
	}
	if v.spaced {
		return strings.Fields(text)
	}
	return strings.Split(text, ",")
}

// given reports whether there is a value that could be read.
func (v *value[T]) given() bool { return len(v.all) > 0 }

// written reports whether it was on the command line, and not just set in the
// environment.
func (v *value[T]) written() bool { return v.given() && v.flags.onCommandLine(v.name) }

// or is the value, or def when none was given.
func (v *value[T]) or(def T) T {
	if !v.given() {
		return def
	}
	return v.all[len(v.all)-1]
}

// get is the value, or the zero one.
func (v *value[T]) get() T {
	var zero T
	return v.or(zero)
}

var _ twinned = (*value[bool])(nil)

func anyText(s string) (string, error) { return s, nil }

// oneOf reads one of a few words.
func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		for _, w := range words {
			if s == w {
				return s, nil
			}
		}
		return "", fmt.Errorf("%q is none of %s", s, strings.Join(words, ", "))
	}
}

// slo reads a limit that trials have to hold, each as a whole.
func slo(s string) (threshold.Threshold, error) {
	t, err := threshold.Parse(s)
	if err == nil && t.Watched() {
		return t, fmt.Errorf("%q: over and abort have no meaning here: every trial is judged as a whole", s)
	}
	return t, err
}

// sloText is slo, kept as it was written.
func sloText(s string) (string, error) {
	_, err := slo(s)
	return strings.TrimSpace(s), err
}

// tag is a label of a run.
type tag struct{ key, value string }

func parseTag(s string) (tag, error) {
	k, v, ok := strings.Cut(s, "=")
	k, v = strings.TrimSpace(k), strings.TrimSpace(v)
	if !ok || k == "" {
		return tag{}, fmt.Errorf("%q is not of the form key=value", s)
	}
	return tag{k, v}, nil
}
