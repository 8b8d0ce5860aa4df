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
	fmt.Fprintf(&b, "Noise of %s on this host, from %s of identical runs, in %s.\n\n",
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
	fmt.Fprintf(&b, "\nnoise            standard deviation of the ratio of two identical runs\n"+
		"smallest margin  smallest margin that %s decide in 4 of 5 comparisons, without outliers\n"+
		"margin to use    margin that they decide almost always, for each metric, by resampling\n", number.Plural(c.For, "pair"))
	if s := c.Resampled; s.Comparisons > 0 {
		fmt.Fprintf(&b, "\nOf %s comparisons of at most %s, resampled from these pairs with the margins to use and no change:\n  %s fail, %s pass, %s are inconclusive\n",
			number.Count(int64(s.Comparisons)), number.Plural(s.Pairs, "pair"), number.Percent(s.Fail), number.Percent(s.Pass), number.Percent(s.Inconclusive))
	}
	writeWarnings(&b, c.Warnings)
	_, err := io.WriteString(w, b.String())
	return err
}
