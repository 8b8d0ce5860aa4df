package flags

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const other = "Other"

// Usage is the help of the flags in their groups, for a terminal of so many
// columns. Groups come in the order of their first flags.
func Usage(set *pflag.FlagSet, columns int) string {
	var groups []string
	rows := map[string][][2]string{}
	left := 0
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		group := other
		if g := f.Annotations[groupKey]; len(g) > 0 {
			group = g[0]
		}
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
		placeholder, usage := pflag.UnquoteUsage(f)
		name := "      --" + f.Name
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		if f.Value.Type() != "bool" {
			name += " " + placeholder
		}
		left = max(left, len(name)+3)
		rows[group] = append(rows[group], [2]string{name, usage})
	})
	if i := slices.Index(groups, other); i >= 0 { // the last one
		groups = append(slices.Delete(groups, i, i+1), other)
	}
	var b strings.Builder
	for i, group := range groups {
		if i > 0 {
			b.WriteByte('\n')
		}
		if len(groups) == 1 {
			group = "Flags"
		}
		b.WriteString(group + ":\n")
		for _, row := range rows[groups[i]] {
			b.WriteString(row[0] + strings.Repeat(" ", left-len(row[0])))
			b.WriteString(strings.Join(wrap(row[1], max(columns-left, 30)), "\n"+strings.Repeat(" ", left)) + "\n")
		}
	}
	return b.String()
}

// wrap breaks a text into lines of at most so many letters, and not between quotes.
func wrap(text string, columns int) (lines []string) {
	line := ""
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		word := words[i]
		for strings.HasPrefix(word, "'") && strings.Count(word, "'") == 1 && i+1 < len(words) {
			i++
			word += " " + words[i]
		}
		if line != "" && len(line)+1+len(word) > columns {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
