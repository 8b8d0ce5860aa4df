// Package manpage writes the help of a command as a manual page: roff with the macros
// of man(7), which groff and mandoc read. It knows nothing of commands and flags: its
// input is plain data. Begin reading at [Page].
package manpage

import (
	"fmt"
	"io"
	"strings"
)

// Page is one manual page of section 1.
type Page struct {
	// Name is what man is asked for, such as "queuedyno-run".
	Name string
	// Short is the summary: one line, which apropos(1) searches.
	Short string
	// Synopsis is how the command is written, such as "queuedyno run [SCENARIO...] [flags]".
	Synopsis string
	// Long is the description. An empty line ends a paragraph, an indented line is
	// kept as it is.
	Long string
	// Examples are lines of a shell, empty for none.
	Examples string
	// Sections are lists under headings, in this order.
	Sections []Section
	// See are the names of other pages.
	See []string
}

// Section is a list under a heading.
type Section struct {
	Title string
	// Intro is a sentence before the list, empty for none.
	Intro string
	Items []Item
}

// Item is a row of a section: what is written, and what it means.
type Item struct {
	Term, Value, Text string
}

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"queuedyno\" \"queuedyno manual\"\n", escape(strings.ToUpper(p.Name)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escape(p.Name), escape(p.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", escape(p.Synopsis))
	b.WriteString(".SH DESCRIPTION\n")
	text(&b, p.Long)
	for _, s := range p.Sections {
		fmt.Fprintf(&b, ".SH %s\n", escape(strings.ToUpper(s.Title)))
		if s.Intro != "" {
			text(&b, s.Intro)
		}
		for _, i := range s.Items {
			b.WriteString(".TP\n\\fB" + escape(i.Term) + "\\fR")
			if i.Value != "" {
				b.WriteString(" \\fI" + escape(i.Value) + "\\fR")
			}
			b.WriteString("\n")
			text(&b, i.Text)
		}
	}
	if p.Examples != "" {
		b.WriteString(".SH EXAMPLES\n")
		text(&b, p.Examples)
	}
	if len(p.See) > 0 {
		b.WriteString(".SH SEE ALSO\n")
		for i, name := range p.See {
			end := ","
			if i == len(p.See)-1 {
				end = ""
			}
			fmt.Fprintf(&b, ".BR %s (1)%s\n", escape(name), end)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// text writes paragraphs. Indented lines are not filled.
func text(b *strings.Builder, s string) {
	kept, pending := false, false
	for line := range strings.Lines(strings.TrimRight(s, "\n") + "\n") {
		line = strings.TrimRight(line, "\n")
		if strings.TrimSpace(line) == "" {
			pending = true
			continue
		}
		indented := strings.HasPrefix(line, "  ")
		if kept && !indented {
			b.WriteString(".EE\n.RE\n")
			kept = false
			pending = true
		}
		if pending {
			b.WriteString(".PP\n")
			pending = false
		}
		if indented && !kept {
			b.WriteString(".RS 2\n.EX\n")
			kept = true
		}
		if indented {
			line = strings.TrimPrefix(line, "  ")
		}
		b.WriteString(escape(line) + "\n")
	}
	if kept {
		b.WriteString(".EE\n.RE\n")
	}
}

var special = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// escape makes text that roff prints as it is. A line that begins with a dot would be
// a request, and not every roff reads UTF-8.
func escape(s string) string {
	var b strings.Builder
	if strings.HasPrefix(s, ".") {
		b.WriteString(`\&`)
	}
	for _, r := range special.Replace(s) {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}
