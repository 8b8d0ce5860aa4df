package render

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// series is one line of a panel.
type series struct {
	name   string
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	value  func(step) float64
}

// panelSeries are the lines of a panel, in the order in which they are drawn.
func panelSeries(panel int, r *result.Result) []series {
	switch panel {
	case 0:
		if r.Observed != nil {
			return []series{{"ended", blue(), 1.4, nil, func(s step) float64 { return s.notified }}}
		}
		out := []series{
			{"sent", orange(), 2.6, nil, func(s step) float64 { return s.sent }},
			{"notified", blue(), 1.4, nil, func(s step) float64 { return s.notified }},
		}
		if !r.Scenario.Load.Closed() {
			out = append([]series{{"offered", grey(), 1, []vg.Length{4, 3}, func(s step) float64 { return s.offered }}}, out...)
		}
		return out
	case 1:
		return []series{{"backlog", purple(), 1.8, nil, func(s step) float64 { return s.backlog }}}
	default:
		return []series{
			{"p99", vermilion(), 1.8, nil, func(s step) float64 { return s.p99 }},
			{"p90", orange(), 1.2, nil, func(s step) float64 { return s.p90 }},
			{"p50", blue(), 1.8, nil, func(s step) float64 { return s.p50 }},
		}
	}
}

func panelLegend(panel int, r *result.Result, rows []step) plot.Legend {
	l := legend()
	for _, s := range panelSeries(panel, r) {
		name := s.name + " (" + number.None + ")"
		for _, row := range rows {
			if !math.IsNaN(s.value(row)) {
				name = s.name
			}
		}
		l.Add(name, line(s.color, s.width, s.dashes, nil))
	}
	return l
}

func ratePanel(rows []step) *plot.Plot {
	top := 0.0
	for _, s := range rows {
		for _, v := range []float64{s.offered, s.sent, s.notified} {
			if !math.IsNaN(v) {
				top = max(top, v)
			}
		}
	}
	return linear("jobs/s", top)
}

func backlogPanel(rows []step) *plot.Plot {
	top := 0.0
	for _, s := range rows {
		top = max(top, s.backlog)
	}
	return linear("backlog, jobs", top)
}

// linear is a panel from 0 to the next round number above top.
func linear(label string, top float64) *plot.Plot {
	p := axes("", label)
	every := roundStep(max(top, 1) / 4)
	if max(top, 1) <= 4 {
		every = 1 // there are no halves of a job
	}
	p.Y.Min, p.Y.Max = 0, every*math.Ceil(max(top, 1)*1.02/every)
	var marks ticks
	for v := 0.0; v <= p.Y.Max*1.001; v += every {
		marks = append(marks, plot.Tick{Value: v, Label: tickNumber(v)})
	}
	p.Y.Tick.Marker = marks
	return p
}

func latencyPanel(rows []step, stage metric.Stage) *plot.Plot {
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, s := range rows {
		for _, v := range []float64{s.p50, s.p90, s.p99} {
			if !math.IsNaN(v) {
				lowest, highest = min(lowest, v), max(highest, v)
			}
		}
	}
	p := axes("", string(stage))
	if lowest > highest {
		p.Y.Label.Text += ": nothing completed"
		p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, 1, ticks{}
		return p
	}
	p.Y.Min, p.Y.Max = durationRange(math.Pow(10, lowest), math.Pow(10, highest), 1)
	p.Y.Tick.Marker = durationTicks(p.Y.Min, p.Y.Max, 130)
	return p
}

// fill adds to a panel what lies behind the lines, then the lines.
func fill(panel *plot.Plot, i int, r *result.Result, rows []step, end float64) {
	band(panel, 0, min(end, float64(r.Window.FromNS)/1e9))
	if r.Window.ToNS > r.Window.FromNS {
		band(panel, float64(r.Window.ToNS)/1e9, end)
	}
	grid(panel)
	for _, m := range append(faultMarks(r), stallMarks(r)...) {
		marked(panel, m.From, max(m.To, m.From+end/400))
	}
	for _, s := range panelSeries(i, r) {
		levels(panel, s, rows)
	}
}

// levels draws a value of each step as a level from its start to its end, with
// gaps where it is no number.
func levels(p *plot.Plot, s series, rows []step) {
	var points plotter.XYs
	flush := func() {
		if len(points) > 0 {
			p.Add(line(s.color, s.width, s.dashes, points))
		}
		points = nil
	}
	for _, row := range rows {
		v := s.value(row)
		if math.IsNaN(v) {
			flush()
			continue
		}
		points = append(points, plotter.XY{X: row.from, Y: v}, plotter.XY{X: row.to, Y: v})
	}
	flush()
}

// secondTicks are about eight round numbers from 0 to end.
func secondTicks(end float64) ticks {
	every := roundStep(end / 8)
	var out ticks
	for k := 0.0; k*every <= end*1.0001; k++ {
		out = append(out, plot.Tick{Value: k * every, Label: tickNumber(k * every)})
	}
	return out
}

// roundStep is the next of 1, 2 and 5 times a power of ten that is not below v.
func roundStep(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// tickNumber is a round number without needless digits.
func tickNumber(v float64) string { return number.Grouped(strconv.FormatFloat(v, 'f', -1, 32)) }
