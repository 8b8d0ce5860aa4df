package doctor

import (
	"fmt"
	"io"
	"strings"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/wrap"
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
	labelled(&b, "doctor", "looked at "+strings.Join(looked, ", "), columns)
	found := r.Found()
	for _, c := range found {
		b.WriteString("\n")
		name := c.Name
		if c.Scenario != "" {
			name += " (" + c.Scenario + ")"
		}
		labelled(&b, string(c.Level), name+": "+c.Found, columns)
		labelled(&b, "", "means:  "+c.Means, columns)
		if c.Remedy != "" {
			labelled(&b, "", "remedy: "+c.Remedy, columns)
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
	labelled(&b, "ok", strings.Join(fine, ", "), columns)
	if len(unknown) > 0 {
		labelled(&b, "unknown", strings.Join(unknown, ", "), columns)
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

// labelled writes a text in lines, with a label in front of the first and as much space in
// front of the others.
func labelled(b *strings.Builder, label, text string, columns int) {
	const indent = 9
	for _, line := range wrap.Words(strings.Fields(text), columns-indent) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s%s", indent, label, line), " ") + "\n")
		label = ""
	}
}
