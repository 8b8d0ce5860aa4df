package verify

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Text writes the report as tables for people: each experiment with what was
// expected beside what was measured, and what it all means at the end.
func Text(w io.Writer, r Report) error {
	var b bytes.Buffer
	for _, x := range r.Experiments {
		x.text(&b)
		b.WriteByte('\n')
	}
	ok := 0
	for _, x := range r.Experiments {
		if x.Pass {
			ok++
		}
	}
	fmt.Fprintf(&b, "%d of %d experiments passed, in %.0f s\n", ok, len(r.Experiments), r.ElapsedS)
	if r.Meaning != "" {
		b.WriteByte('\n')
		wrap(&b, r.Meaning, 80)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (x Experiment) text(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s  %s%s\n", outcome(x.Pass), x.Name, map[bool]string{true: "  (2nd try)"}[x.Tries > 1])
	fmt.Fprintf(b, "  %s\n  %s\n", x.Question, x.Setup)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, row := range x.Rows {
		width = max(width, len(row.What))
	}
	// Words go to the left and figures to the right, which tabwriter cannot
	// both: the words are padded here.
	line := func(what, expected, measured, tolerance, pass string) {
		fmt.Fprintf(t, "    %-*s\t%s\t%s\t%s\t  %s\n", width, what, expected, measured, tolerance, pass)
	}
	line("", "expected", "measured", "tolerance", "")
	for _, row := range x.Rows {
		expected, tolerance, pass := "", "", ""
		if row.Expected != nil {
			expected, tolerance, pass = number3(row.Expected, row.Unit), "± "+number3(row.Tolerance, row.Unit), outcome(row.Pass)
		}
		line(row.What, expected, number3(row.Measured, row.Unit), tolerance, pass)
	}
	_ = t.Flush() // a buffer takes everything
	for _, n := range x.Notes {
		fmt.Fprintf(b, "  note: %s\n", n)
	}
}

func outcome(pass bool) string {
	if pass {
		return "pass"
	}
	return "FAIL"
}

// number3 is a figure with its unit, as exact as it deserves.
func number3(v *float64, unit string) string {
	if v == nil {
		return "unknown"
	}
	var s string
	switch {
	case unit == unitRatio:
		return strconv.FormatFloat(*v, 'f', 3, 64)
	case unit == unitMS:
		s = strconv.FormatFloat(*v, 'f', 3, 64)
		if *v >= 10 {
			s = strconv.FormatFloat(*v, 'f', 1, 64)
		}
	default:
		s = strconv.FormatFloat(*v, 'f', 0, 64)
	}
	return strings.TrimSpace(s + " " + unit)
}

// wrap writes text in lines of at most so many columns.
func wrap(b *bytes.Buffer, text string, columns int) {
	at := 0
	for _, word := range strings.Fields(text) {
		switch {
		case at == 0:
		case at+1+len(word) > columns:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	b.WriteByte('\n')
}
