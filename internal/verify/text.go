package verify

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/queuedyno/queuedyno/internal/wrap"
)

// Text writes the report as tables for people: each experiment with what was
// expected next to what was measured, and what it all means at the end.
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
		b.WriteString(strings.Join(wrap.Words(strings.Fields(r.Meaning), 80), "\n") + "\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (x Experiment) text(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s  %s%s\n", outcome(x.Pass), x.Name, map[bool]string{true: "  (2nd try)"}[x.Tries > 1])
	fmt.Fprintf(b, "  %s\n  %s\n", x.Question, x.Setup)
	var table bytes.Buffer
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, row := range x.Rows {
		width = max(width, len(row.What))
	}
	// Words go to the left and figures to the right, which tabwriter cannot
	// both: the words are padded here.
	line := func(what, expected, measured, tolerance, pass string) {
		fmt.Fprintf(t, "  %-*s\t%s\t%s\t%s\t  %s\n", width, what, expected, measured, tolerance, pass)
	}
	line("", "expected", "measured", "tolerance", "")
	for _, row := range x.Rows {
		expected, tolerance, pass := "", "", ""
		if row.Expected != nil {
			expected, tolerance, pass = amount(row.Expected, row.Unit), "± "+amount(row.Tolerance, row.Unit), outcome(row.Pass)
		}
		line(row.What, expected, amount(row.Measured, row.Unit), tolerance, pass)
	}
	_ = t.Flush() // a buffer takes everything
	for line := range strings.Lines(table.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
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

// amount is a figure with its unit, as exact as it deserves.
func amount(v *float64, unit string) string {
	if v == nil {
		return "unknown"
	}
	format := func(digits int, unit string) string {
		return strings.TrimSpace(strconv.FormatFloat(*v, 'f', digits, 64) + " " + unit)
	}
	switch {
	case unit == unitRatio:
		return format(3, "")
	case unit == unitJobs && *v == 1:
		return "1 job"
	case unit != unitMS || *v == 0:
		return format(0, unit)
	case math.Abs(*v) < 0.001:
		return strconv.FormatFloat(*v*1e6, 'f', 0, 64) + " ns"
	case math.Abs(*v) < 10:
		return format(3, unit)
	}
	return format(1, unit)
}
