package render

import (
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/webpage"
)

// calibrationText writes what a terminal shows after a calibration.
func calibrationText(c *compare.Calibration) (string, error) {
	t := &page{o: Options{Width: 100}}
	fmt.Fprintf(&t.b, "Noise of %s on this host, from %s of identical runs, in %s.\n\n",
		plain(c.Name), number.Plural(c.Pairs, "pair"), number.Span(c.EndedAt.Sub(c.StartedAt).Round(time.Second)))
	t.table(calibrationTable(c))
	t.b.WriteString("\n")
	for _, term := range calibrationTerms(c) {
		fmt.Fprintf(&t.b, "%-15s  %s\n", term[0], term[1])
	}
	if s := c.Resampled; s.Comparisons > 0 {
		fmt.Fprintf(&t.b, "\nOf %s comparisons of at most %s, resampled from these pairs with the margins to use and no change:\n  %s fail, %s pass, %s are inconclusive\n",
			number.Count(int64(s.Comparisons)), number.Plural(s.Pairs, "pair"), number.Percent(s.Fail), number.Percent(s.Pass), number.Percent(s.Inconclusive))
	}
	t.cautions(c.Warnings)
	return t.b.String(), nil
}

// calibrationTable is a row a metric.
func calibrationTable(c *compare.Calibration) table {
	t := table{head: []string{"metric", "gate", "median", "noise", "smallest margin", "margin to use"}, left: 2}
	for _, name := range sortedKeys(c.Metrics) {
		n := c.Metrics[name]
		t.add(name, when(n.Gate, "gate"), compared(paired.Figure{Metric: paired.Metric{Name: name}, Pairs: c.Pairs}, n.Median), number.Percent(n.Spread), number.Percent(n.Smallest), number.Percent(n.Margin))
	}
	return t
}

// calibrationTerms say what the columns of the table are.
func calibrationTerms(c *compare.Calibration) facts {
	return facts{
		{"noise", "standard deviation of the ratio of two identical runs"},
		{"smallest margin", fmt.Sprintf("smallest margin that %s decide in 4 of 5 comparisons, without outliers", number.Plural(c.For, "pair"))},
		{"margin to use", "margin that they decide almost always, for each metric, by resampling"},
	}
}

// calibrationFacts are what else a page shows of a calibration, as pairs.
func calibrationFacts(c *compare.Calibration) facts {
	all := facts{
		{"pairs", number.Count(int64(c.Pairs))},
		{"took", number.Span(c.EndedAt.Sub(c.StartedAt).Round(time.Second))},
	}
	if s := c.Resampled; s.Comparisons > 0 {
		all.add("resampled", fmt.Sprintf("%s comparisons of at most %s in which nothing changed: %s fail, %s pass, %s are inconclusive",
			number.Count(int64(s.Comparisons)), number.Plural(s.Pairs, "pair"), number.Percent(s.Fail), number.Percent(s.Pass), number.Percent(s.Inconclusive)))
	}
	for _, name := range sortedKeys(c.Settings) {
		if name != "redis" {
			all.add(name, c.Settings[name])
		}
	}
	if c.Redis.Kind != "" && c.Redis.Kind != noRedis {
		all.add("against", redisWords(c.Redis))
	}
	all.add("host", machineWords(c.Host))
	return all
}

// calibrationPage is the part of a page about a calibration.
func calibrationPage(c *compare.Calibration) webpage.Document {
	d := webpage.Document{
		Title: plain("Noise of " + c.Name), Verdict: c.Verdict(), Answer: calibrationAnswer(c),
		Warnings: each(c.Warnings, plain), Figures: calibrationFigures(c),
	}
	chart := webpage.Chart{
		ID: "noise", Title: "Noise and margin of each metric", Kind: webpage.Bars, Unit: webpage.Share,
		Note: "Bars show by how much two identical runs differ, red marks the margins beyond which a comparison counts a change as worse.",
	}
	noise, margin := webpage.Series{Name: "noise", Style: webpage.Line}, webpage.Series{Name: "margin to use", Style: webpage.Limit}
	for _, name := range sortedKeys(c.Metrics) {
		n := c.Metrics[name]
		chart.Labels = append(chart.Labels, plain(name))
		noise.Y, margin.Y = append(noise.Y, new(n.Spread)), append(margin.Y, new(n.Margin))
	}
	chart.Variants = []webpage.Variant{{Series: []webpage.Series{noise, margin}}}
	s := webpage.Section{ID: "noise", Title: "Noise", Tables: []webpage.Table{calibrationTable(c).cells(plain).web("")}}
	for _, term := range calibrationTerms(c) {
		s.Tables[0].Notes = append(s.Tables[0].Notes, capital(term[0])+": "+term[1]+".")
	}
	if len(chart.Labels) > 0 {
		s.Charts = []webpage.Chart{chart}
	}
	d.Sections = []webpage.Section{s, factSection(calibrationFacts(c), "Identical runs in pairs, as a comparison would make them.")}
	return d
}

// calibrationAnswer is the calibration in a sentence.
func calibrationAnswer(c *compare.Calibration) string {
	words := fmt.Sprintf("%s of identical runs of %s", capital(number.Plural(c.Pairs, "pair")), c.Name)
	if name, widest := c.Widest(); name != "" {
		words += fmt.Sprintf(": with margins of at most %s (%s), comparisons of %s almost always decide", number.Percent(widest.Margin), name, number.Plural(c.For, "pair"))
	}
	if s := c.Resampled; s.Comparisons > 0 {
		words += fmt.Sprintf("; without any change, %s of them fail and %s pass", number.Percent(s.Fail), number.Percent(s.Pass))
	}
	return plain(words) + "."
}
