package render

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/study"
)

// scalingSVG draws the capacity over what was varied: a line for one field, a
// heat map for two.
func scalingSVG(r *study.Record) (string, error) {
	p := newPicture(820, 470)
	p.text(12, 10, 15, black(), short(capital(searchAnswer(r)), 96))
	known := slices.ContainsFunc(r.Cells, func(c study.Cell) bool { return c.Answer.Median > 0 })
	switch {
	case !known:
		p.nothing("no capacity is known.")
	case len(r.Vary) == 2:
		p.heat(r)
	default:
		p.lines(r)
	}
	return p.svg(scalingFile)
}

// lines draws the belief and the bounds over the values of one field.
func (p *picture) lines(r *study.Record) {
	d := r.Vary[0]
	p.text(12, 31, 11, grey(), short("Line: median, bars: 80% belief. Hollow: a bound from below, what makes the load gave out.", 130))
	even := !study.Together(d.Field)
	at := func(c study.Cell) float64 {
		if even { // values of a payload or a batch lie too far apart for an axis
			return float64(slices.Index(d.Values, c.Values[0]))
		}
		return float64(c.Values[0])
	}
	top := 0.0
	for _, c := range r.Cells {
		top = max(top, c.Answer.Median, c.Answer.ConfirmedRate)
		if a := c.Answer; a.High <= 1.5*a.Median { // what is hardly known needs no room
			top = max(top, a.High)
		}
	}
	chart := linear("capacity, jobs/s", top)
	chart.X.Label.Text = d.Field
	chart.X.Min, chart.X.Max, chart.X.Tick.Marker = valueAxis(d, even)
	grid(chart)
	names := legend()
	var median, held, bound, failed plotter.XYs
	for _, c := range r.Cells {
		a, x := c.Answer, at(c)
		if a.Median <= 0 {
			continue
		}
		y := a.Median
		if a.Status == capacity.AtLeast {
			y = a.Rate
			bound = append(bound, plotter.XY{X: x, Y: y})
		} else {
			chart.Add(line(blue(), 1, nil, plotter.XYs{{X: x, Y: a.Low}, {X: x, Y: min(a.High, chart.Y.Max)}}))
		}
		median = append(median, plotter.XY{X: x, Y: y})
		if a.ConfirmedRate > 0 && a.Status != capacity.AtLeast {
			held = append(held, plotter.XY{X: x, Y: a.ConfirmedRate})
		}
		if a.RefutedRate > 0 && a.RefutedRate <= chart.Y.Max {
			failed = append(failed, plotter.XY{X: x, Y: a.RefutedRate})
		}
	}
	slices.SortStableFunc(median, func(a, b plotter.XY) int { return int(math.Copysign(1, a.X-b.X)) })
	l := line(blue(), 1.6, nil, median)
	chart.Add(l)
	names.Add("median", l)
	if s := r.Scaling; s != nil && s.Refused == "" && !even {
		law := line(grey(), 1.4, []vg.Length{6, 4}, lawPoints(*s, max(1, chart.X.Min), chart.X.Max, chart.Y.Max))
		chart.Add(law)
		names.Add("law", law)
	}
	for _, m := range []struct {
		name   string
		points plotter.XYs
		color  color.Color
		shape  draw.GlyphDrawer
	}{
		{"confirmed", held, bluishGreen(), draw.CircleGlyph{}},
		{"at least", bound, blue(), draw.RingGlyph{}},
		{"refuted", failed, vermilion(), draw.CrossGlyph{}},
	} {
		if len(m.points) > 0 {
			marks(chart, m.points, m.color, m.shape)
			names.Add(m.name, &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: m.color, Radius: 4.5, Shape: m.shape}})
		}
	}
	p.chart(chart, names, 120, 14)
}

// lawPoints are the law between two sizes, as far as the axis goes.
func lawPoints(s capacity.Scaling, from, to, top float64) (points plotter.XYs) {
	const steps = 100
	for i := range steps + 1 {
		n := from + (to-from)*float64(i)/steps
		if y := s.At(n); y >= 0 && y <= top {
			points = append(points, plotter.XY{X: n, Y: y})
		}
	}
	return points
}

// valueAxis is the axis of a field: its values where they lie, or evenly.
func valueAxis(d study.Dimension, even bool) (low, high float64, marks ticks) {
	if even {
		for i, v := range d.Values {
			marks = append(marks, plot.Tick{Value: float64(i), Label: number.Count(int64(v))})
		}
		return -0.5, float64(len(d.Values)) - 0.5, marks
	}
	highest := float64(slices.Max(d.Values))
	room := highest * 1.05
	last := math.Inf(-1)
	sorted := slices.Sorted(slices.Values(d.Values))
	for _, v := range sorted {
		label := number.Count(int64(v))
		if float64(v)-last < room/30 { // no room for another number
			label = ""
		} else {
			last = float64(v)
		}
		marks = append(marks, plot.Tick{Value: float64(v), Label: label})
	}
	return 0, room, marks
}

// heat draws a field of colours: the darker, the more it carries.
func (p *picture) heat(r *study.Record) {
	p.text(12, 31, 11, grey(), "jobs/s, and what gave out; the darker, the more. ≥: a bound from below. ~: not confirmed.")
	across, down := r.Vary[1], r.Vary[0]
	chart := axes(across.Field, down.Field)
	chart.X.Min, chart.X.Max, chart.X.Tick.Marker = valueAxis(across, true)
	chart.Y.Min, chart.Y.Max, chart.Y.Tick.Marker = valueAxis(down, true)
	most := 0.0
	for _, c := range r.Cells {
		most = max(most, c.Answer.Rate)
	}
	size := vg.Length(min(13, 90/float64(max(len(across.Values), 1)), 150/float64(max(len(down.Values), 1))))
	for _, c := range r.Cells {
		x, y := float64(slices.Index(across.Values, c.Values[1])), float64(slices.Index(down.Values, c.Values[0]))
		depth := 0.0
		if most > 0 {
			depth = c.Answer.Rate / most
		}
		area, err := plotter.NewPolygon(plotter.XYs{{X: x - 0.5, Y: y - 0.5}, {X: x + 0.5, Y: y - 0.5}, {X: x + 0.5, Y: y + 0.5}, {X: x - 0.5, Y: y + 0.5}})
		if err != nil {
			continue // only points that are no numbers can do that
		}
		area.Color, area.LineStyle.Color, area.LineStyle.Width = heatColor(c, depth), color.White, 2
		chart.Add(area)
		ink := black()
		if depth > 0.55 {
			ink = color.White
		}
		for i, words := range cellWords(c) {
			label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: x, Y: y}}, Labels: []string{words}})
			if err != nil {
				continue // as above
			}
			style := textStyle(size)
			if i == 1 {
				style = textStyle(size * 0.75)
			}
			style.Color, style.XAlign, style.YAlign = ink, draw.XCenter, draw.YCenter
			label.TextStyle[0] = style
			label.Offset = vg.Point{Y: size*0.55 - vg.Length(i)*size*1.2}
			chart.Add(label)
		}
	}
	chart.Draw(p.below(10, 24, 14))
}

// cellWords are the two lines in a field of a heat map.
func cellWords(c study.Cell) []string {
	a := c.Answer
	switch {
	case len(c.Trials) == 0:
		return []string{"–"}
	case a.Status == capacity.NoRate:
		return []string{"no rate", a.Limit.Part}
	case a.Rate == 0:
		return []string{"unknown", a.Limit.Part}
	}
	sign := ""
	switch {
	case a.Status == capacity.AtLeast || a.Status == capacity.Confirmed && !a.Narrow():
		sign = "≥ "
	case a.Status != capacity.Confirmed:
		sign = "~ "
	}
	return []string{fmt.Sprintf("%s%s", sign, number.Digits(a.Rate)), a.Limit.Part}
}

// heatColor goes from nearly white to a deep blue; what is not known is grey.
func heatColor(c study.Cell, depth float64) color.Color {
	if c.Answer.Rate == 0 {
		return shade()
	}
	mix := func(light, dark float64) uint8 { return uint8(light + (dark-light)*depth) }
	return color.RGBA{mix(0xE8, 0x00), mix(0xF1, 0x4C), mix(0xFA, 0x82), 0xFF}
}
