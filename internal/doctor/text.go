package doctor

import (
	"fmt"
	"io"
	"strings"

	"github.com/queuedyno/queuedyno/internal/number"
)

// WriteText writes the report for a terminal of so many columns: a line that says what was
// looked at, each finding with its meaning and its remedy, and what was all right.
func (r Report) WriteText(w io.Writer, columns int) error {
	var b strings.Builder
	looked := []string{"this host"}
	if d := r.Redis; d != nil {
		name := "Redis " + d.Version
		if strings.Contains(d.Version, " ") {
			name = d.Version
		}
		looked = append(looked, fmt.Sprintf("%s (%s, %s)", strings.TrimSpace(name), d.Kind, d.Address))
	}
	for _, e := range r.Ends {
		looked = add(looked, e.String())
	}
	looked = append(looked, number.Plural(len(r.Names), "scenario"))
	wrap(&b, "doctor", "looked at "+strings.Join(looked, ", "), columns)
	found := r.Found()
	for _, c := range found {
		b.WriteString("\n")
		name := c.Name
		if c.Scenario != "" {
			name += " (" + c.Scenario + ")"
		}
		wrap(&b, string(c.Level), name+": "+c.Found, columns)
		wrap(&b, "", "means:  "+c.Means, columns)
		if c.Remedy != "" {
			wrap(&b, "", "remedy: "+c.Remedy, columns)
		}
	}
	if len(found) > 0 {
		b.WriteString("\n")
	}
	var fine, unknown []string
	for _, c := range r.Checks {
		switch c.Level {
		case OK:
			fine = add(fine, c.Name)
		case Unknown:
			unknown = add(unknown, c.Name)
		}
	}
	if len(found) == 0 {
		b.WriteString("nothing found that would spoil a measurement\n")
	}
	wrap(&b, "ok", strings.Join(fine, ", "), columns)
	if len(unknown) > 0 {
		wrap(&b, "unknown", strings.Join(unknown, ", "), columns)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String is the end in words.
func (e End) String() string {
	switch {
	case e.Kind == HTTPEnd:
		return "the API at " + e.Address
	case e.Kind == WebSocketEnd:
		return "its WebSocket at " + e.Address
	case e.Postgres == nil || e.Postgres.Version == "":
		return strings.TrimSpace("Postgres " + e.Address)
	}
	return fmt.Sprintf("Postgres %s (%s)", e.Postgres.Version, e.Address)
}

// add adds a name once.
func add(names []string, name string) []string {
	for _, n := range names {
		if n == name {
			return names
		}
	}
	return append(names, name)
}

// wrap writes a text in lines, with a label in front of the first and as much space in
// front of the others.
func wrap(b *strings.Builder, label, text string, columns int) {
	const indent = 9
	line := fmt.Sprintf("%-*s", indent, label)
	used := 0
	for _, word := range strings.Fields(text) {
		if used > 0 && len([]rune(line))+1+len([]rune(word)) > columns {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line, used = strings.Repeat(" ", indent), 0
		}
		if used > 0 {
			line += " "
		}
		line += word
		used++
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
