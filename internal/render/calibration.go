package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/paired"
)

// calibrationText writes what a terminal shows after a calibration.
func calibrationText(w io.Writer, c *compare.Calibration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Noise of %s on this host, from %s of runs that were the same, in %s.\n\n",
		plain(c.Name), number.Plural(c.Pairs, "pair"), number.Span(c.EndedAt.Sub(c.StartedAt).Round(time.Second)))
	t := table{head: []string{"metric", "gate", "median", "noise", "smallest margin", "margin to use"}, left: 2}
	for _, name := range sortedKeys(c.Metrics) {
		n := c.Metrics[name]
		gates := ""
		if n.Gate {
			gates = "gate"
		}
		t.rows = append(t.rows, []string{name, gates, compared(paired.Figure{Metric: paired.Metric{Name: name}, Pairs: c.Pairs}, n.Median), number.Percent(n.Spread), number.Percent(n.Smallest), number.Percent(n.Margin)})
	}
	for _, line := range t.lines(100) {
		b.WriteString(line + "\n")
	}
	fmt.Fprintf(&b, "\nnoise            standard deviation of the ratio of two runs that are the same\n"+
		"smallest margin  what %s decide in 4 of 5 comparisons, if there are no outliers\n"+
		"margin to use    what they decide nearly always, each metric by itself, by resampling\n", number.Plural(c.For, "pair"))
	if s := c.Resampled; s.Comparisons > 0 {
		fmt.Fprintf(&b, "\nOf %s comparisons of at most %s that are drawn from these, with the margins to use and nothing changed:\n  %s fail, %s pass, %s are inconclusive\n",
			number.Count(int64(s.Comparisons)), number.Plural(s.Pairs, "pair"), number.Percent(s.Fail), number.Percent(s.Pass), number.Percent(s.Inconclusive))
	}
	for _, warning := range c.Warnings {
		b.WriteString("\nwarning: " + plain(warning) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
