package render

import (
	"cmp"
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"github.com/queuedyno/queuedyno/internal/joinrows"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// bySecond joins the rows of the timeline up to each one that holds stages: the
// rows of a short run are shorter than a second.
func bySecond(timeline []result.Second) []result.Second {
	var out []result.Second
	from, length := 0, 0.0
	for i, row := range timeline {
		if length += row.LengthS; len(row.Stages) > 0 || length >= 0.95 || i == len(timeline)-1 {
			out = append(out, joinrows.Join(timeline[from:i+1]))
			from, length = i+1, 0
		}
	}
	return out
}

// rowWords say that the rows of the timeline are longer than a second, or nothing.
func rowWords(r *result.Result) string {
	return when(r.RowS != 0, fmt.Sprintf("The run takes more than an hour: the timeline has rows of %s s, each with the sums and the quantiles of all its jobs.", number.Exact(r.RowS)))
}

// spanWord is what a row of the timeline is, in a sentence.
func spanWord(r *result.Result) string {
	return cmp.Or(when(r.RowS != 0, "row of "+number.Exact(r.RowS)+" s"), "second")
}

// peakWords say how many jobs waited at most, and when; nothing where no job did
// or where that is unknown.
func peakWords(r *result.Result) string {
	if r.Observed != nil {
		return ""
	}
	var peak result.Second
	for _, row := range r.Timeline {
		if row.Peak() > peak.Peak() {
			peak = row
		}
	}
	if peak.Peak() == 0 {
		return ""
	}
	last := r.Timeline[len(r.Timeline)-1]
	decimals := 0
	if peak.LengthS < 0.5 && last.ElapsedS <= 60 {
		decimals = 1
	}
	return fmt.Sprintf("at most %s sent and not yet notified, at %.*f s", number.Plural(peak.Peak(), "job"), decimals, peak.ElapsedS)
}

// timelineSVG draws the run over time in three panels, one for each unit: jobs
// sent and notified per second, the highest backlog of each row, and p50, p90 and p99 of the
// headline. Warm-up and drain are shaded, and where a figure is null its line
// has a gap.
func timelineSVG(r *result.Result) (string, error) {
	p := newPicture(820, 600)
	p.title(r, "over time")
	fine, each := thin(r.Timeline, r.Scenario.Headline())
	rows, _ := thin(bySecond(r.Timeline), r.Scenario.Headline())
	end := 0.0
	for _, s := range rows {
		end = max(end, s.to)
	}
	if end <= 0 {
		p.nothing("the run ended before its first second was over.")
		return p.svg(overTimeFile)
	}
	panels := []panel{ratePanel(r, rows), backlogPanel(fine), latencyPanel(rows, r.Scenario.Headline())}
	column := make([][]*plot.Plot, len(panels))
	for i, panel := range panels {
		panel.X.Min, panel.X.Max = 0, end
		panel.X.Tick.Marker = evenTicks(end, roundStep(end/8))
		column[i] = []*plot.Plot{panel.Plot}
	}
	panels[2].X.Label.Text = "seconds since the load began"
	if each > 1 {
		panels[2].X.Label.Text += fmt.Sprintf("; a step is %d rows: mean rate, largest backlog, largest percentile", each)
	}
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadY: 14}
	canvases := plot.Align(column, tiles, p.below(10, 130, 30))
	for i, panel := range panels {
		panel.fill(r, end)
		panel.Draw(canvases[i][0])
		l := panel.names()
		l.XOffs = 702
		l.YOffs = canvases[i][0].Max.Y - p.dc.Max.Y - 6
		l.Draw(p.dc)
	}
	note := "Shaded: warm-up and drain, which are outside the window"
	if marked := joined(" and ", when(len(r.Faults) > 0, "the faults"), when(r.Stall != nil, "the stall of the server")); marked != "" {
		note += ", and in colour " + marked
	}
	p.text(12, 578, 10.5, grey(), note+". Latencies: jobs that completed in that "+spanWord(r)+"; n/a where they are too few.")
	return p.svg(overTimeFile)
}

// step is one row of the timeline, or several rows as one.
type step struct {
	from, to                float64
	offered, sent, notified float64 // per second, NaN in rows too short for a rate
	backlog                 float64
	p50, p90, p99           float64 // log10 of nanoseconds, NaN where null
}

// maxSteps is how many steps a picture can show apart from each other.
const maxSteps = 1200

// thin turns the timeline into at most maxSteps steps of so many rows each, with
// the percentiles of one stage.
func thin(timeline []result.Second, stage metric.Stage) (steps []step, each int) {
	rows, each := merged(timeline, maxSteps)
	for _, row := range rows {
		steps = append(steps, stepOf(row, stage))
	}
	return steps, each
}

func stepOf(row result.Second, stage metric.Stage) step {
	rate := func(n int64) float64 {
		if row.LengthS < 0.1 { // a few jobs in the last milliseconds of a run are no rate
			return math.NaN()
		}
		return float64(n) / row.LengthS
	}
	e := row.Stages[stage]
	if e == nil {
		e = &result.SecondStage{}
	}
	return step{
		from: row.ElapsedS - row.LengthS, to: row.ElapsedS,
		offered: rate(row.Offered), sent: rate(row.Sent), notified: rate(row.Notified), backlog: float64(row.Peak()),
		p50: logarithm(e.P50NS), p90: logarithm(e.P90NS), p99: logarithm(e.P99NS),
	}
}

// logarithm is log10 of nanoseconds, NaN where they are null.
func logarithm(ns *int64) float64 {
	if ns == nil {
		return math.NaN()
	}
	return math.Log10(max(1, float64(*ns)))
}
