package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// calibrationFile is the file of a calibration that compare reads.
const calibrationFile = "calibration.json"

// CalibrationText writes what a terminal shows after a calibration.
func CalibrationText(w io.Writer, c *compare.Calibration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Noise of %s on this host, from %s of runs that were the same, in %s.\n\n",
		plain(c.Name), plural(int64(c.Pairs), "pair"), span(c.EndedAt.Sub(c.StartedAt).Round(time.Second)))
	t := table{head: []string{"metric", "gate", "median", "noise", "smallest margin", "margin to use"}, left: 2}
	for _, name := range sortedKeys(c.Metrics) {
		n := c.Metrics[name]
		gates := ""
		if n.Gate {
			gates = "gate"
		}
		t.rows = append(t.rows, []string{name, gates, compared(paired.Figure{Metric: paired.Metric{Name: name}, Pairs: c.Pairs}, n.Median), paired.Percent(n.Spread), paired.Percent(n.Smallest), paired.Percent(n.Margin)})
	}
	for _, line := range t.lines(100) {
		b.WriteString(line + "\n")
	}
	fmt.Fprintf(&b, "\nnoise            standard deviation of the ratio of two runs that are the same\n"+
		"smallest margin  what %s decide in 4 of 5 comparisons, if there are no outliers\n"+
		"margin to use    what they decide nearly always, each metric by itself, by resampling\n", plural(int64(c.For), "pair"))
	if s := c.Resampled; s.Comparisons > 0 {
		fmt.Fprintf(&b, "\nOf %s comparisons of at most %s that are drawn from these, with the margins to use and nothing changed:\n  %s fail, %s pass, %s are inconclusive\n",
			count(int64(s.Comparisons)), plural(int64(s.Pairs), "pair"), paired.Percent(s.Fail), paired.Percent(s.Pass), paired.Percent(s.Inconclusive))
	}
	for _, warning := range c.Warnings {
		b.WriteString("\nwarning: " + plain(warning) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteCalibration is [WriteComparison] with calibration.json beside the record
// of the pairs that it comes from.
func WriteCalibration(dir string, r *compare.Record, c *compare.Calibration, results map[string]*result.Result, force bool) error {
	owner := Owner{Verb: "calibrate", Name: r.Name, StartedAt: r.EndedAt}
	return storeIn(dir, Reserving{Owner: owner, Force: force}, calibrationFiles(r, c, results))
}

// WriteCalibration stores a calibration, the pairs that it comes from and the
// results of their runs.
func (r *Reservation) WriteCalibration(record *compare.Record, c *compare.Calibration, results map[string]*result.Result) error {
	return r.store(calibrationFiles(record, c, results))
}

func calibrationFiles(r *compare.Record, c *compare.Calibration, results map[string]*result.Result) []file {
	files := comparisonFiles(r, results)
	return slices.Insert(files, 1, file{calibrationFile, encoding(c, CalibrationJSON)})
}
