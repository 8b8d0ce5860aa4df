package flags

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/wrap"
)

const other = "Other"

// Heading is a group of flags in the help.
type Heading struct {
	Title string
	Rows  []Row
}

// Row is a flag in the help: its letter without a dash, empty for none, its name, the
// name of its value, empty for a switch, and what it means.
type Row struct {
	Letter, Name, Value, Usage string
}

// Headings are the flags that the help shows. Groups come in the order of their first
// flags, and what has no group last.
func Headings(set *pflag.FlagSet) (all []Heading) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		group := other
		if g := f.Annotations[groupKey]; len(g) > 0 {
			group = g[0]
		}
		i := slices.IndexFunc(all, func(h Heading) bool { return h.Title == group })
		if i < 0 {
			i, all = len(all), append(all, Heading{Title: group})
		}
		value, usage := pflag.UnquoteUsage(f)
		if f.Value.Type() == "bool" {
			value = ""
		}
		all[i].Rows = append(all[i].Rows, Row{Letter: f.Shorthand, Name: f.Name, Value: value, Usage: usage})
	})
	if i := slices.IndexFunc(all, func(h Heading) bool { return h.Title == other }); i >= 0 { // the last one
		last := all[i]
		all = append(slices.Delete(all, i, i+1), last)
	}
	if len(all) == 1 {
		all[0].Title = "Flags"
	}
	return all
}

// Usage is the help of the flags in their groups, for a terminal of so many
// columns.
func Usage(set *pflag.FlagSet, columns int) string {
	headings := Headings(set)
	written := func(r Row) string {
		name := "      --" + r.Name
		if r.Letter != "" {
			name = "  -" + r.Letter + ", --" + r.Name
		}
		if r.Value != "" {
			name += " " + r.Value
		}
		return name
	}
	left := 0
	for _, h := range headings {
		for _, r := range h.Rows {
			left = max(left, len(written(r))+3)
		}
	}
	var b strings.Builder
	for i, h := range headings {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(h.Title + ":\n")
		for _, r := range h.Rows {
			name := written(r)
			b.WriteString(name + strings.Repeat(" ", left-len(name)))
			b.WriteString(strings.Join(wrap.Words(phrases(r.Usage), max(columns-left, 30)), "\n"+strings.Repeat(" ", left)) + "\n")
		}
	}
	return b.String()
}

// phrases are the words of a text, with what is between quotes as one.
func phrases(text string) (all []string) {
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		word := words[i]
		for strings.HasPrefix(word, "'") && strings.Count(word, "'") == 1 && i+1 < len(words) {
			i++
			word += " " + words[i]
		}
		all = append(all, word)
	}
	return all
}
