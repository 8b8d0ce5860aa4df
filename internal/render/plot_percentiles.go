package render

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// percentilesSVG draws latency by percentile, a line a stage, read out of the
// stored histograms. The percentiles lie on an axis of nines, where the step
// from 99 to 99.9 is as wide as that from 90 to 99; latency is logarithmic.
// Where jobs were lost the lines end early: those jobs have no latency.
func percentilesSVG(r *result.Result) (string, error) {
	curves, err := curvesOf(r)
	if err != nil {
		return "", err
	}
	p := newPicture(820, 470)
	p.title(r, "latency by percentile")
	if len(curves) == 0 {
		p.nothing("no job of the window completed.")
		return p.svg(percentilesFile)
	}
	// As wide as when all jobs had arrived, so that lines which end early show it.
	total := float64(max(r.Window.Scheduled, 1))
	lowest, highest, nines := math.Inf(1), 0.0, max(1, math.Log10(total))
	for _, c := range curves {
		for _, q := range c.points {
			lowest, highest = min(lowest, q.Y), max(highest, q.Y)
			nines = max(nines, q.X)
		}
	}
	// Stages of some hundred nanoseconds would take half of the picture.
	floor := min(1000, highest/10)
	low, high := durationRange(lowest, highest, max(1, floor))
	name := "latency"
	if lowest < floor {
		name = "latency (what is below " + tickName(math.Pow(10, low)) + " is drawn there)"
	}
	chart := axes("percentile", name)
	chart.X.Min, chart.X.Max = 0, nines
	chart.Y.Min, chart.Y.Max = low, high
	chart.X.Tick.Marker = nineTicks(nines)
	chart.Y.Tick.Marker = durationTicks(low, high, 350)
	band(chart, max(0, math.Log10(total/latency.MinTail)), nines)
	grid(chart)
	names := legend()
	for _, c := range curves {
		for i := range c.points {
			c.points[i].Y = max(low, math.Log10(max(1, c.points[i].Y)))
		}
		l := line(c.color, c.width, c.dashes, visible(c.points, nines/1000, (high-low)/1000))
		chart.Add(l)
		names.Add(string(c.stage), l)
	}
	p.chart(chart, names, 150, 34)
	p.text(12, 448, 10.5, grey(), caption(r))
	return p.svg(percentilesFile)
}

func caption(r *result.Result) string {
	return strings.TrimSpace(fmt.Sprintf("Grey: fewer than %d jobs lie above. ", latency.MinTail) + percentileNote(r))
}

// percentileNote says where the lines end and what the latencies are.
func percentileNote(r *result.Result) string {
	s := ""
	if lost := r.Window.Scheduled - r.Window.Completed; lost > 0 {
		s += fmt.Sprintf(" %s of %s due in the window never arrived: the lines end there.",
			number.Plural(lost, "job"), number.Count(r.Window.Scheduled))
	}
	if l := r.Scenario.Load; l.Closed() {
		s += fmt.Sprintf(" Latencies @%d in flight, not at a rate.", l.InFlight)
	}
	return strings.TrimSpace(s)
}

// curve is the distribution of one stage: X in nines, Y in nanoseconds.
type curve struct {
	stage  metric.Stage
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	points plotter.XYs
}

func curvesOf(r *result.Result) ([]curve, error) {
	thin := func(s metric.Stage, c color.Color) curve { return curve{stage: s, color: c, width: 1.2} }
	dashed := func(s metric.Stage, c color.Color) curve {
		return curve{stage: s, color: c, width: 1.2, dashes: []vg.Length{2, 2}}
	}
	styles := []curve{
		{stage: metric.EndToEnd, color: black(), width: 3},
		{stage: metric.Running, color: sky(), width: 1.8},
		{stage: metric.FromSend, color: purple(), width: 1.2, dashes: []vg.Length{4, 3}},
		thin(metric.Lateness, grey()),
		dashed(metric.Request, black()),
		dashed(metric.Store, bluishGreen()),
		thin(metric.Enqueue, sky()),
		thin(metric.Queue, blue()),
		dashed(metric.Pickup, blue()),
		thin(metric.WorkTime, bluishGreen()),
		dashed(metric.Save, orange()),
		thin(metric.Publish, orange()),
		thin(metric.Notify, vermilion()),
		dashed(metric.Broadcast, vermilion()),
	}
	var out []curve
	for _, c := range styles {
		s := summary(r, c.stage)
		h, err := decode(c.stage, s)
		if err != nil {
			return nil, err
		}
		if c.points = cumulative(h, s); len(c.points) > 0 {
			out = append(out, c)
		}
	}
	return out, nil
}

// cumulative is the distribution over all jobs that were due: a point a bucket,
// at the share of jobs that are no slower. The slowest job of all has no place
// on an axis of nines, as its share is 1; it stands at the rank before it, so
// that the line rises to it at the very end.
func cumulative(h *latency.Histogram, s *result.StageSummary) plotter.XYs {
	buckets := h.Buckets()
	if len(buckets) == 0 {
		return nil
	}
	n := max(h.Count(), s.Count+s.Censored)
	at := func(c int64) float64 {
		return -math.Log10(1 - float64(min(c, max(n-1, 0)))/float64(n))
	}
	points := plotter.XYs{{X: 0, Y: float64(buckets[0].From)}}
	var seen int64
	for _, b := range buckets {
		seen += b.Count
		points = append(points, plotter.XY{X: at(seen), Y: float64(b.To)})
	}
	if s.Count < n {
		return points // the others never arrived, as far as is known
	}
	last := points[len(points)-1].Y
	if s.MaxNS != nil && (s.Overflow > 0 || float64(*s.MaxNS) < last) {
		last = float64(*s.MaxNS) // exact, and also where the histogram has no bucket for it
	}
	points[len(points)-1].Y = min(last, points[len(points)-1].Y)
	// Of fewer than ten jobs the slowest is the 90th percentile too.
	return append(points, plotter.XY{X: max(1, at(n)), Y: last})
}

// visible leaves out points that lie closer to the one before than an eye can
// see; a histogram may hold thousands. The last one stays.
func visible(points plotter.XYs, dx, dy float64) plotter.XYs {
	var out plotter.XYs
	for i, p := range points {
		if n := len(out); n == 0 || i == len(points)-1 || p.X-out[n-1].X >= dx || math.Abs(p.Y-out[n-1].Y) >= dy {
			out = append(out, p)
		}
	}
	return out
}

// nineTicks names the percentiles 0, 50, 90, 99, 99.9 and so on, and marks
// those between.
func nineTicks(nines float64) ticks {
	out := ticks{{Value: 0, Label: "0"}, {Value: -math.Log10(0.5), Label: "50"}}
	for k := 1; float64(k) <= nines+1e-9; k++ {
		share := 100 - math.Pow(10, float64(2-k))
		out = append(out, plot.Tick{Value: float64(k), Label: strconv.FormatFloat(share, 'f', max(0, k-2), 64)})
		// Halfway to the next nine in jobs: 75, 95, 99.5 …
		if half := float64(k) + math.Log10(2); half <= nines {
			out = append(out, plot.Tick{Value: half})
		}
	}
	return out
}

var _ plot.Ticker = ticks(nil)
