package render

import (
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/study"
)

// searchSVG draws the rate of each trial in the order in which they were made,
// good ones filled, bad ones crossed, invalid ones hollow, and the answer as a
// line.
func searchSVG(r *study.Record) (string, error) {
	p := newPicture(820, 400)
	p.text(12, 10, 15, black(), short("Search: "+searchAnswer(r), 96))
	low, high := math.Inf(1), math.Inf(-1)
	by := map[capacity.Verdict]plotter.XYs{}
	for _, t := range r.Trials {
		if t.Rate > 0 {
			low, high = min(low, t.Rate), max(high, t.Rate)
			by[t.Verdict] = append(by[t.Verdict], plotter.XY{X: float64(t.N), Y: math.Log10(t.Rate)})
		}
	}
	if low > high {
		p.text(12, 180, 14, grey(), "Nothing to show: no trial at a rate was made.")
		return p.svg(searchFile)
	}
	chart := axes("trial", "jobs/s, good ●, bad ×, invalid ○")
	chart.X.Min, chart.X.Max = 0.5, float64(len(r.Trials))+0.5
	chart.Y.Min, chart.Y.Max = math.Log10(low/1.1), math.Log10(high*1.1)
	chart.X.Tick.Marker = trialTicks(len(r.Trials))
	chart.Y.Tick.Marker = rateTicks(chart.Y.Min, chart.Y.Max)
	grid(chart)
	if a := r.Answer; a.Rate > 0 {
		y := math.Log10(a.Rate)
		chart.Add(line(blue(), 1.4, []vg.Length{4, 3}, plotter.XYs{{X: chart.X.Min, Y: y}, {X: chart.X.Max, Y: y}}))
	}
	marks(chart, by[capacity.Good], bluishGreen(), draw.CircleGlyph{})
	marks(chart, by[capacity.Bad], vermilion(), draw.CrossGlyph{})
	marks(chart, by[capacity.Invalid], grey(), draw.RingGlyph{})
	chart.Draw(p.below(10, 20, 14))
	return p.svg(searchFile)
}

func marks(chart *plot.Plot, points plotter.XYs, c color.Color, shape draw.GlyphDrawer) {
	if len(points) == 0 {
		return
	}
	chart.Add(&plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: c, Radius: 4.5, Shape: shape}})
}

func trialTicks(n int) ticks {
	var out ticks
	every := max(1, (n+19)/20)
	for i := every; i <= n; i += every {
		out = append(out, plot.Tick{Value: float64(i), Label: number.Plain(float64(i))})
	}
	return out
}

// rateTicks are about eight marks of an axis that holds log10 of a rate.
func rateTicks(low, high float64) ticks {
	var out ticks
	for i := range 8 {
		y := low + (high-low)*(float64(i)+0.5)/8
		v := capacity.Round(math.Pow(10, y))
		out = append(out, plot.Tick{Value: math.Log10(v), Label: number.Digits(v)})
	}
	return out
}

// curveSVG draws latency against the rate that was achieved, with the interval
// of each point; what was not sustained is hollow.
func curveSVG(r *study.Record) (string, error) {
	p := newPicture(820, 470)
	p.text(12, 10, 15, black(), short(r.Scenario.Name+": end_to_end against throughput", 96))
	p.text(12, 31, 11, grey(), short(searchAnswer(r)+". Bars: 95% intervals of repeated trials. Hollow: not sustained.", 130))
	lowest, highest, right := math.Inf(1), 0.0, 0.0
	for _, point := range r.Points {
		for _, l := range point.Latency {
			// Intervals of few trials may be wider than any axis; they are cut.
			if l.Value > 0 {
				lowest, highest = min(lowest, l.Value), max(highest, l.Value)
			}
		}
		right = max(right, point.Achieved.Value)
	}
	if highest == 0 || right == 0 {
		p.nothing("no point has a latency.")
		return p.svg(curveFile)
	}
	chart := axes("achieved, jobs/s", "end_to_end")
	every := roundStep(right / 6)
	chart.X.Min, chart.X.Max = 0, every*math.Ceil(right*1.02/every)
	chart.X.Tick.Marker = evenTicks(chart.X.Max, every)
	chart.Y.Min, chart.Y.Max = durationRange(lowest, highest, 1)
	chart.Y.Tick.Marker = durationTicks(chart.Y.Min, chart.Y.Max, 350)
	grid(chart)
	names := legend()
	for _, q := range []struct {
		name  string
		color color.Color
	}{{"p99", vermilion()}, {"p90", orange()}, {"p50", blue()}} {
		names.Add(q.name, quantileCurve(chart, r.Points, q.name, q.color))
	}
	if k := r.Knee; k != nil {
		chart.Add(line(grey(), 1, []vg.Length{2, 3}, plotter.XYs{{X: k.Rate, Y: chart.Y.Min}, {X: k.Rate, Y: chart.Y.Max}}))
		names.Add("suggested", line(grey(), 1, []vg.Length{2, 3}, nil))
	}
	p.chart(chart, names, 110, 14)
	return p.svg(curveFile)
}

// quantileCurve adds the points of one quantile, and returns their line.
func quantileCurve(chart *plot.Plot, points []capacity.Point, q string, c color.Color) *plotter.Line {
	var along, solid, hollow plotter.XYs
	for _, point := range points {
		l, ok := point.Latency[q]
		if !ok || l.Value <= 0 {
			continue
		}
		at := plotter.XY{X: point.Achieved.Value, Y: math.Log10(l.Value)}
		if l.Low > 0 && l.High > l.Low {
			low, high := max(chart.Y.Min, math.Log10(l.Low)), min(chart.Y.Max, math.Log10(l.High))
			chart.Add(line(c, 0.8, nil, plotter.XYs{{X: at.X, Y: low}, {X: at.X, Y: high}}))
		}
		if point.Sustained {
			along, solid = append(along, at), append(solid, at)
		} else {
			hollow = append(hollow, at)
		}
	}
	l := line(c, 1.6, nil, along)
	if len(along) > 0 {
		chart.Add(l)
	}
	marks(chart, solid, c, draw.CircleGlyph{})
	marks(chart, hollow, c, draw.RingGlyph{})
	return l
}

// searchCSV writes a row a trial, those of the curve after those of the
// search. Where values were varied, each search has a row of its answer before
// its trials. Units are in the column names, what is not known is an empty cell.
func searchCSV(r *study.Record) (string, error) {
	figures := []string{
		"end_to_end.mean", "end_to_end.p50", "end_to_end.p90", "end_to_end.p99", "end_to_end.max",
		"queue.p50", "queue.p99", "work.mean", "lost", "backlog.max", "achieved_ratio",
	}
	head := []string{"scenario", "status", "answer_per_s", "trial", "kind", "rate_per_s", "length_ns", "took_ns", "verdict", "reasons", "achieved_per_s", "limit", "run_id"}
	for _, f := range figures {
		name := column(f)
		if strings.Contains(f, ".") && f != "backlog.max" {
			name += "_ns"
		}
		head = append(head, strings.ReplaceAll(name, ".", "_"))
	}
	head = append(head, "vary", "low_per_s", "median_per_s", "high_per_s", "confirmed_per_s", "refuted_per_s")
	rows := [][]string{head}
	known := func(v float64, known bool) string { return when(known, number.Exact(v)) }
	add := func(t capacity.Trial, a capacity.Answer, vary string, isAnswer bool) {
		row := []string{
			r.Scenario.Name, string(a.Status), number.Exact(a.Rate), strconv.Itoa(t.N), string(t.Kind), number.Exact(t.Rate),
			strconv.FormatInt(int64(t.Length), 10), strconv.FormatInt(int64(t.Took), 10),
			string(t.Verdict), plain(strings.Join(t.Reasons, "; ")), number.Exact(t.Achieved), t.Limit.Part, t.Run,
		}
		if isAnswer {
			row[3], row[4], row[5], row[6], row[9], row[10] = "", "answer", number.Exact(a.Rate), "", plain(a.Why), ""
		}
		for _, f := range figures {
			v, has := t.Figures[f]
			row = append(row, known(v, has))
		}
		row = append(row, vary)
		for _, v := range []float64{a.Low, a.Median, a.High, a.ConfirmedRate, a.RefutedRate} {
			row = append(row, known(v, isAnswer && v > 0))
		}
		rows = append(rows, row)
	}
	for _, t := range slices.Concat(r.Trials, r.Curve) {
		add(t, r.Answer, "", false)
	}
	for _, c := range r.Cells {
		name, a := study.Name(r.Vary, c.Values), c.Answer
		add(capacity.Trial{Outcome: capacity.Outcome{Took: a.Took, Limit: a.Limit}}, a, name, true)
		for _, t := range c.Trials {
			add(t, a, name, false)
		}
	}
	return asCSV("capacity", rows)
}
