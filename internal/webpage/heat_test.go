package webpage_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/internal/webpage/webpagetest"
)

// heatMap is the heat map of the sample.
const heatMap = `document.querySelectorAll('figure.chart')[2]`

func stands(b *webpagetest.Browser) string {
	return webpagetest.Eval[string](b, heatMap+`.querySelector('.at').textContent`)
}

func TestTheArrowKeysReadTheCellsOfAHeatMap(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(60))
	b.Do(chromedp.Evaluate[chromedp.Void](heatMap+`.querySelector('.plot').focus()`), chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, 3)))
	for _, step := range []struct{ key, want string }{
		{"", "2 to 3 s: 8 jobs"},
		{kb.ArrowUp, "2 to 3 s: 1 ms to 2 ms, 5 jobs"},
		{kb.ArrowUp, "2 to 3 s: 2 ms to 3 ms, 3 jobs"},
		{kb.ArrowUp, "2 to 3 s: 3 ms to 4 ms, 0 jobs"},
		{kb.ArrowUp, "2 to 3 s: 3 ms to 4 ms, 0 jobs"},
		{kb.ArrowDown, "2 to 3 s: 2 ms to 3 ms, 3 jobs"},
		{strings.Repeat(kb.ArrowRight, 7), "9 to 10 s: 2 ms to 3 ms, 0 jobs"},
		{kb.Escape, ""},
	} {
		if step.key != "" {
			b.Do(chromedp.KeyEvent(step.key))
		}
		if got := stands(b); got != step.want {
			t.Errorf("it reads %q, want %q", got, step.want)
		}
	}
}

func TestThePointerReadsTheCellUnderItAndTheOtherChartsFollow(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(60))
	point := func(seconds, latency float64) {
		up := math.Log(latency/1e6) / math.Log(4)
		b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
			const plot = %s.querySelector('.plot'), box = plot.getBoundingClientRect();
			const x = box.left + 62 + %v / 60 * (box.width - 74), y = box.top + box.height - 26 - %v * (box.height - 42);
			plot.dispatchEvent(new PointerEvent('pointermove', { clientX: x, clientY: y, bubbles: true }));
		})()`, heatMap, seconds, up)))
	}
	for _, c := range []struct {
		seconds, latency float64
		want             string
	}{
		{10.5, 2.5e6, "10 to 11 s: 2 ms to 3 ms, 11 jobs"},
		{11.5, 2.5e6, "11 to 12 s: 2 ms to 3 ms, 5 jobs"},
		{10.5, 1.1e6, "10 to 11 s: 1 ms to 2 ms, 5 jobs"},
	} {
		point(c.seconds, c.latency)
		if got := stands(b); got != c.want {
			t.Errorf("at %v s and %v ns it reads %q, want %q", c.seconds, c.latency, got, c.want)
		}
	}
	if at := webpagetest.Eval[string](b, `document.querySelector('.at').textContent`); at != "at 11 s" {
		t.Errorf("the first chart stands %q, want at 11 s", at)
	}
	b.Do(chromedp.Evaluate[chromedp.Void](heatMap + `.querySelector('.plot').dispatchEvent(new PointerEvent('pointerleave'))`))
	if got := stands(b); got != "" {
		t.Errorf("after the pointer has left, it reads %q", got)
	}
}

func TestAHeatMapZoomsWithTheOtherCharts(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(60))
	seconds := `[...` + heatMap + `.querySelectorAll('text')].map((e) => e.textContent).filter((v) => /^\d+ s$/.test(v)).map(parseFloat)`
	if all := webpagetest.Eval[[]float64](b, seconds); all[0] != 0 || all[len(all)-1] != 60 {
		t.Fatalf("the axis has %v s, want 0 to 60", all)
	}
	b.Do(chromedp.Focus(".plot"), chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, 30)+"+"))
	if all := webpagetest.Eval[[]float64](b, seconds); all[0] < 15 || all[len(all)-1] > 45 {
		t.Errorf("after the zoom of another chart, the axis has %v s, want 15 to 45", all)
	}
}

func TestTheTableOfAHeatMapHasEveryCell(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(60))
	b.Do(chromedp.Evaluate[chromedp.Void](heatMap + `.querySelector('summary').click()`))
	rows := webpagetest.Wait[[]string](b, `(() => { const rows = [...`+heatMap+`.querySelectorAll('details tr')]; return rows.length && rows.map((r) => [...r.children].map((c) => c.textContent).join('|')); })()`)
	for i, want := range map[int]string{0: "seconds|1 ms to 2 ms|2 ms to 3 ms|3 ms to 4 ms", 1: "0 to 1|5|1|", 2: "1 to 2||5|2", 10: "9 to 10|||"} {
		if len(rows) != 61 || rows[i] != want {
			t.Fatalf("row %d of %d is %q, want %q of 61", i, len(rows), rows[i], want)
		}
	}
}

func TestAHeatMapOfAnyLengthHasAFewElements(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(3600))
	if n := webpagetest.Eval[int](b, heatMap+`.querySelectorAll('svg *').length`); n == 0 || n > 100 {
		t.Errorf("3,600 columns are drawn with %d elements, want 1 to 100", n)
	}
	if n := webpagetest.Eval[int](b, heatMap+`.querySelectorAll('.cell').length`); n != 8 {
		t.Errorf("%d colours are drawn, want 8", n)
	}
}

// vision is how a color looks to readers with a kind of color blindness: a matrix for
// linear RGB (Machado, Oliveira, Fernandes 2009, severity 1).
var vision = map[string][3][3]float64{
	"normal":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// luminance is the relative luminance of #rrggbb as seen with the matrix.
func luminance(t *testing.T, color string, as [3][3]float64) float64 {
	t.Helper()
	var rgb [3]int
	if _, err := fmt.Sscanf(strings.TrimSpace(color), "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("color %q: %v", color, err)
	}
	var linear [3]float64
	for i, v := range rgb {
		if c := float64(v) / 255; c <= 0.04045 {
			linear[i] = c / 12.92
		} else {
			linear[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		seen := as[i][0]*linear[0] + as[i][1]*linear[1] + as[i][2]*linear[2]
		sum += weight * min(max(seen, 0), 1)
	}
	return sum
}

func TestTheColorsOfAHeatMapDifferInBrightnessForEveryReader(t *testing.T) {
	t.Parallel()
	b := browser(t, webpage.Page{Documents: []webpage.Document{{Title: "colors"}}})
	for _, scheme := range []string{"light", "dark"} {
		b.Look(1280, 900, scheme, "")
		colors := webpagetest.Eval[[]string](b, `['--card', '--h0', '--h1', '--h2', '--h3', '--h4', '--h5', '--h6', '--h7'].map((v) => getComputedStyle(document.documentElement).getPropertyValue(v))`)
		for name, as := range vision {
			before := luminance(t, colors[0], as)
			for i, color := range colors[1:] {
				now := luminance(t, color, as)
				// In the dark more jobs are brighter, else darker.
				contrast := (now + 0.05) / (before + 0.05)
				if scheme == "light" {
					contrast = 1 / contrast
				}
				if contrast < 1.15 {
					t.Errorf("%s, %s: color %d has a contrast of %.2f to the one before, want 1.15", scheme, name, i, contrast)
				}
				before = now
			}
		}
	}
}
