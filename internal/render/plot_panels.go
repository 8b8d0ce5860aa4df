package render

import (
	"image/color"
	"math"
	"slices"
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

// panel is one of several plots over time: its rows, and its lines in the order in which
// they are drawn.
type panel struct {
	*plot.Plot
	rows  []step
	lines []series
}

// rateSeries are the lines of a panel of rates.
func rateSeries(r *result.Result) []series {
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
}

// known are the values of a line that are numbers.
func (s series) known(rows []step) (values []float64) {
	for _, row := range rows {
		if v := s.value(row); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return values
}

// known are the values of all lines that are numbers.
func (p panel) known() (values []float64) {
	for _, s := range p.lines {
		values = append(values, s.known(p.rows)...)
	}
	return values
}

// names is the legend of a panel.
func (p panel) names() plot.Legend {
	l := legend()
	for _, s := range p.lines {
		name := s.name
		if len(s.known(p.rows)) == 0 {
			name += " (" + number.None + ")"
		}
		l.Add(name, line(s.color, s.width, s.dashes, nil))
	}
	return l
}

func ratePanel(r *result.Result, rows []step) panel {
	return linearPanel("jobs/s", rows, rateSeries(r)...)
}

func backlogPanel(rows []step) panel {
	return linearPanel("backlog, jobs", rows, series{"backlog", purple(), 1.8, nil, func(s step) float64 { return s.backlog }})
}

func linearPanel(label string, rows []step, lines ...series) panel {
	p := panel{rows: rows, lines: lines}
	p.Plot = linear(label, slices.Max(append(p.known(), 0)))
	return p
}

// linear is a panel from 0 to the next round number above top.
func linear(label string, top float64) *plot.Plot {
	p := axes("", label)
	every := roundStep(max(top, 1) / 4)
	if max(top, 1) <= 4 {
		every = 1 // there are no halves of a job
	}
	p.Y.Min, p.Y.Max = 0, every*math.Ceil(max(top, 1)*1.02/every)
	p.Y.Tick.Marker = evenTicks(p.Y.Max, every)
	return p
}

func latencyPanel(rows []step, stage metric.Stage) panel {
	p := panel{Plot: axes("", string(stage)), rows: rows, lines: []series{
		{"p99", vermilion(), 1.8, nil, func(s step) float64 { return s.p99 }},
		{"p90", orange(), 1.2, nil, func(s step) float64 { return s.p90 }},
		{"p50", blue(), 1.8, nil, func(s step) float64 { return s.p50 }},
	}}
	values := p.known()
	if len(values) == 0 {
		p.Y.Label.Text += ": nothing completed"
		p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, 1, ticks{}
		return p
	}
	p.Y.Min, p.Y.Max = durationRange(math.Pow(10, slices.Min(values)), math.Pow(10, slices.Max(values)), 1)
	p.Y.Tick.Marker = durationTicks(p.Y.Min, p.Y.Max, 130)
	return p
}

// fill adds to a panel what lies behind the lines, then the lines.
func (p panel) fill(r *result.Result, end float64) {
	band(p.Plot, 0, min(end, float64(r.Window.FromNS)/1e9))
	if r.Window.ToNS > r.Window.FromNS {
		band(p.Plot, float64(r.Window.ToNS)/1e9, end)
	}
	grid(p.Plot)
	for _, m := range append(faultMarks(r), stallMarks(r)...) {
		marked(p.Plot, m.From, max(m.To, m.From+end/400))
	}
	for _, s := range p.lines {
		levels(p.Plot, s, p.rows)
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

// evenTicks are round numbers from 0 to end.
func evenTicks(end, every float64) ticks {
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
