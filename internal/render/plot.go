package render

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// The colours are those of Okabe and Ito, which people with any kind of colour
// vision can tell apart; the yellow is left out, as white drowns it.
func black() color.Color       { return color.RGBA{0x1A, 0x1A, 0x1A, 0xFF} }
func blue() color.Color        { return color.RGBA{0x00, 0x72, 0xB2, 0xFF} }
func vermilion() color.Color   { return color.RGBA{0xD5, 0x5E, 0x00, 0xFF} }
func bluishGreen() color.Color { return color.RGBA{0x00, 0x9E, 0x73, 0xFF} }
func orange() color.Color      { return color.RGBA{0xE6, 0x9F, 0x00, 0xFF} }
func sky() color.Color         { return color.RGBA{0x56, 0xB4, 0xE9, 0xFF} }
func purple() color.Color      { return color.RGBA{0xCC, 0x79, 0xA7, 0xFF} }
func grey() color.Color        { return color.RGBA{0x70, 0x70, 0x70, 0xFF} }
func gridGrey() color.Color    { return color.RGBA{0xE2, 0xE2, 0xE2, 0xFF} }
func shade() color.Color       { return color.RGBA{0xF1, 0xF1, 0xF1, 0xFF} }
func faultShade() color.Color  { return color.RGBA{0xFB, 0xE3, 0xD3, 0xFF} }

// picture is an SVG in the making: white, so that it reads on a dark page too.
type picture struct {
	canvas *vgsvg.Canvas
	dc     draw.Canvas
}

func newPicture(width, height vg.Length) *picture {
	c := vgsvg.NewWith(vgsvg.UseWH(width, height))
	p := &picture{canvas: c, dc: draw.New(c)}
	p.dc.SetColor(color.White)
	p.dc.Fill(p.dc.Rectangle.Path())
	return p
}

// text writes one line; x and y count from the left and from the top.
func (p *picture) text(x, y, size vg.Length, c color.Color, s string) {
	style := textStyle(size)
	style.Color, style.YAlign = c, draw.YTop
	p.dc.FillText(style, vg.Point{X: p.dc.Min.X + x, Y: p.dc.Max.Y - y}, s)
}

// title writes the heading of a picture: what it shows, and whether to
// believe it.
func (p *picture) title(r *result.Result, what string) {
	p.text(12, 10, 15, black(), short(r.Run.Scenario+": "+what+" · "+loadWords(r.Scenario), 80))
	c, line := grey(), capital(verdict(r))
	if verdict(r) != result.Valid {
		c = vermilion()
	}
	if word, _ := ending(r); word != "" {
		line += ", " + word
	}
	if n := len(r.Warnings); n > 0 {
		line += ", " + number.Plural(n, "warning")
	}
	if len(r.Validity.Reasons) > 0 {
		line += ": " + strings.Join(r.Validity.Reasons, "; ")
	}
	p.text(12, 31, 11, c, short(line, 118))
}

// nothing is a picture that only says why it shows nothing.
func (p *picture) nothing(why string) { p.text(12, 220, 14, grey(), "Nothing to show: "+why) }

// chart draws a chart with its legend on the right, for which there is so much room.
func (p *picture) chart(chart *plot.Plot, names plot.Legend, room, bottom vg.Length) {
	chart.Draw(p.below(10, room, bottom))
	names.XOffs, names.YOffs = 832-room, -60
	names.Draw(p.dc)
}

// below is the part of the picture that title leaves.
func (p *picture) below(left, right, bottom vg.Length) draw.Canvas {
	return draw.Crop(p.dc, left, -right, bottom, -54)
}

// svg is the picture as a file of that name.
func (p *picture) svg(name string) (string, error) {
	var b strings.Builder
	if _, err := p.canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("draw %s: %w", name, err)
	}
	// The library names the font it measured with and no other. Arial is as
	// wide, letter by letter; without either, any sans-serif will do.
	return strings.ReplaceAll(b.String(), "font-family:Liberation Sans", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif"), nil
}

func textStyle(size vg.Length) draw.TextStyle {
	return draw.TextStyle{
		Color:   black(),
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: plot.DefaultTextHandler,
	}
}

// axes is a plot without data, in our style.
func axes(xLabel, yLabel string) *plot.Plot {
	p := plot.New()
	p.Title.TextStyle.Font = textStyle(12).Font
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = textStyle(12).Font
		a.Tick.Label.Font = textStyle(11).Font
		a.Label.Padding = 4
		a.Padding = 0
		a.LineStyle.Color, a.Tick.LineStyle.Color = grey(), grey()
		a.Tick.Length = 5
	}
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	p.Legend = legend()
	return p
}

func legend() plot.Legend {
	l := plot.NewLegend()
	l.TextStyle.Font = textStyle(11).Font
	l.Top, l.Left = true, true
	l.ThumbnailWidth = 24
	l.Padding = 3
	return l
}

func grid(p *plot.Plot) {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = gridGrey(), gridGrey()
	g.Vertical.Width, g.Horizontal.Width = 0.6, 0.6
	p.Add(g)
}

// band shades the plot from x to x over its whole height.
func band(p *plot.Plot, from, to float64) { shaded(p, from, to, shade()) }

// marked shades the time of a fault.
func marked(p *plot.Plot, from, to float64) { shaded(p, from, to, faultShade()) }

func shaded(p *plot.Plot, from, to float64, c color.Color) {
	if !(to > from) {
		return
	}
	area, err := plotter.NewPolygon(plotter.XYs{{X: from, Y: p.Y.Min}, {X: to, Y: p.Y.Min}, {X: to, Y: p.Y.Max}, {X: from, Y: p.Y.Max}})
	if err != nil {
		return // only points that are no numbers can do that, and axes have none
	}
	area.Color = c
	area.LineStyle.Width = 0
	p.Add(area)
}

// line is a line through the points, which are numbers.
func line(c color.Color, width vg.Length, dashes []vg.Length, points plotter.XYs) *plotter.Line {
	return &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: c, Width: width, Dashes: dashes}}
}

// ticks are tick marks computed once.
type ticks []plot.Tick

func (t ticks) Ticks(_, _ float64) []plot.Tick { return t }

// durationTicks are the marks of an axis of that height that holds log10 of
// nanoseconds: every power of ten is named, and what lies between where there
// is room for a line of text.
func durationTicks(low, high float64, height vg.Length) ticks {
	var out ticks
	decade := float64(height) / max(high-low, 0.01)
	halves := decade*math.Log10(2) >= 20   // from 5 to 10, the least of 1, 2, 5, 10
	all := decade*math.Log10(10.0/9) >= 16 // from 9 to 10
	for e := math.Floor(low); e <= math.Ceil(high); e++ {
		for _, m := range []float64{1, 2, 3, 4, 5, 6, 7, 8, 9} {
			at := e + math.Log10(m)
			if at < low-1e-9 || at > high+1e-9 {
				continue
			}
			label := ""
			if m == 1 || halves && (m == 2 || m == 5) || all {
				label = tickName(m * math.Pow(10, e))
			}
			out = append(out, plot.Tick{Value: at, Label: label})
		}
	}
	return out
}

// tickName is a round duration without needless digits: "10 µs".
func tickName(ns float64) string {
	u := number.Units()[0]
	for _, larger := range number.Units() {
		if ns >= 0.9995*larger.NS {
			u = larger
		}
	}
	return number.Grouped(fmt.Sprintf("%.3g", ns/u.NS)) + " " + u.Name
}

// durationRange are the ends of a log10 axis around the values: the next 1, 2
// or 5 below and above. Nothing below floor, in nanoseconds, gets room.
func durationRange(lowest, highest, floor float64) (low, high float64) {
	steps := []float64{0, math.Log10(2), math.Log10(5), 1}
	lowest = max(lowest, floor)
	highest = max(highest, lowest)
	l, h := math.Log10(lowest), math.Log10(highest)
	low, high = math.Floor(l), math.Floor(h)+1
	for _, s := range steps {
		if math.Floor(l)+s <= l {
			low = math.Floor(l) + s
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if math.Floor(h)+steps[i] > h {
			high = math.Floor(h) + steps[i]
		}
	}
	return low, high
}

// short is s on one line of at most n characters.
func short(s string, n int) string {
	r := []rune(plain(s))
	if len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return string(r)
}
