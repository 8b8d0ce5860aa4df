package webpage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/internal/webpage/webpagetest"
)

const hostile = `<script>window.hacked=1</script></script>"'&🐘 ` + "\u202e" + `abc` + "\u202c" + ` <img src=http://127.0.0.1:1/x onerror="window.hacked=1">`

// sample is a page with every kind of chart, and hostile text wherever text goes.
func sample(rows int) webpage.Page {
	var x []float64
	var p50, p99, high []*float64
	for i := range rows {
		v := 1e6 * (2 + math.Sin(float64(i)/20))
		x, p50, high = append(x, float64(i+1)), append(p50, new(v)), append(high, new(9*v))
		if i%10 == 5 {
			p99 = append(p99, nil)
		} else {
			p99 = append(p99, new(3*v))
		}
	}
	over := func(id string, unit webpage.Unit) webpage.Chart {
		return webpage.Chart{
			ID: id, Title: hostile, Note: hostile, Kind: webpage.Time, Unit: unit, Log: unit == webpage.Nanoseconds, X: x,
			Marks: []webpage.Mark{{From: 0, To: 2, Label: hostile}, {From: 5, To: 5, Label: "step"}, {From: 8, To: 9, Label: "3 lost", Bad: true}},
			Variants: []webpage.Variant{
				{Name: "end_to_end", Series: []webpage.Series{{Name: "p50", Style: webpage.Area, Y: p50}, {Name: "p99", Style: webpage.Band, Y: p99}, {Name: "max", Style: webpage.Band, Y: high}}},
				{Name: hostile, Series: []webpage.Series{{Name: "p50", Style: webpage.Line, Y: p50}}},
			},
		}
	}
	return webpage.Page{Title: hostile, Figures: []string{hostile}, Documents: []webpage.Document{{
		Title: hostile, Verdict: "suspect", Answer: hostile, Reasons: []string{hostile}, Warnings: []string{hostile}, Figures: []string{hostile},
		Sections: []webpage.Section{
			{ID: "time", Title: "Time", Note: hostile, Charts: []webpage.Chart{over("latency", webpage.Nanoseconds), over("backlog", webpage.Jobs), heat(rows)}},
			{ID: "percentiles", Title: "Percentiles", Charts: []webpage.Chart{{
				ID: "percentiles", Title: "Percentiles", Kind: webpage.Percentile, Unit: webpage.Nanoseconds, Log: true,
				Variants: []webpage.Variant{{Series: []webpage.Series{{Name: hostile, Style: webpage.Line, X: []float64{0, 0.5, 0.9, 0.999}, Y: []*float64{new(1e5), new(2e6), new(3e7), new(4e8)}}}}},
			}}},
			{ID: "bars", Title: "Bars", Charts: []webpage.Chart{
				{ID: "stages", Title: "Stages", Kind: webpage.Stack, Unit: webpage.Nanoseconds, Labels: []string{"p50", hostile}, Variants: []webpage.Variant{{Series: []webpage.Series{
					{Name: "queue", Style: webpage.Line, Y: []*float64{new(1e6), new(2e6)}}, {Name: "work", Style: webpage.Line, Y: []*float64{new(1e6), nil}},
				}}}},
				{ID: "jobs", Title: "Jobs", Kind: webpage.Bars, Unit: webpage.Jobs, Labels: []string{"sent", "notified"}, Variants: []webpage.Variant{{Series: []webpage.Series{
					{Name: "jobs", Style: webpage.Line, Y: []*float64{new(1000.0), new(990.0)}}, {Name: "lost", Style: webpage.Lost, Y: []*float64{new(0.0), new(10.0)}},
				}}}},
			}, Tables: []webpage.Table{{Title: hostile, Columns: []string{hostile, "p50"}, Rows: [][]string{{hostile, "1 ms"}}, Notes: []string{hostile}}}},
		},
	}}}
}

// heat is a heat map of one-second columns and three bands, of which every tenth column
// is empty.
func heat(columns int) webpage.Chart {
	c := webpage.Chart{ID: "heat", Title: hostile, Note: hostile, Kind: webpage.Heat, Unit: webpage.Nanoseconds, Log: true}
	cells := webpage.Cells{Edges: []float64{1e6, 2e6, 3e6, 4e6}}
	for i := range columns {
		c.Spans = append(c.Spans, [2]float64{float64(i), float64(i + 1)})
		counts := []int64{int64(i % 2), 5, int64(i + 1)}
		if i%10 == 9 {
			counts = []int64{}
		}
		cells.Columns = append(cells.Columns, counts)
	}
	c.Variants = []webpage.Variant{{Name: "end_to_end", Cells: &cells}, {Name: hostile, Cells: &webpage.Cells{Edges: cells.Edges, Columns: cells.Columns}}}
	return c
}

// several is a page of three documents.
func several(rows int) webpage.Page {
	p := sample(rows)
	p.Documents = append(p.Documents, p.Documents[0], p.Documents[0])
	return p
}

// browser opens the page in a Chromium.
func browser(t *testing.T, p webpage.Page) *webpagetest.Browser {
	t.Helper()
	b := webpagetest.Start(t)
	b.Show(written(t, p))
	return b
}

func written(t *testing.T, p webpage.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := webpage.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileTextIsShownAndNeverRun(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(60))
	if got := webpagetest.Eval[string](b, `document.querySelector('h1').textContent`); got != hostile {
		t.Errorf("the title reads %q, want %q", got, hostile)
	}
	if webpagetest.Eval[bool](b, `'hacked' in window || document.querySelectorAll('img').length > 0`) {
		t.Error("text was run as code")
	}
	if n := webpagetest.Eval[int](b, `document.querySelectorAll('figure.chart svg').length`); n != 6 {
		t.Errorf("%d charts are drawn, want 6", n)
	}
}

func TestTheCrosshairReadsAllChartsOfATimeAxis(t *testing.T) {
	t.Parallel()
	p := sample(60)
	b := browser(t, p)
	b.Do(chromedp.Focus(".plot"), chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, 5)))
	at := webpagetest.Eval[[]string](b, `[...document.querySelectorAll('.at')].map((e) => e.textContent)`)
	if at[0] != "at 5 s" || at[1] != "at 5 s" || at[2] != "4 to 5 s: 10 jobs" || at[3] != "" {
		t.Errorf("the charts stand at %q, want those of the time axis at 5 s", at)
	}
	shown := webpagetest.Eval[[]string](b, `[...document.querySelectorAll('figure.chart:nth-of-type(2) output')].map((e) => e.textContent)`)
	for i, s := range p.Documents[0].Sections[0].Charts[1].Variants[0].Series {
		want := webpagetest.Eval[string](b, fmt.Sprintf(`(%.0f).toLocaleString('en-US')`, *s.Y[4]))
		if shown[i] != want {
			t.Errorf("%s reads %q at 5 s, want %q", s.Name, shown[i], want)
		}
	}
	b.Do(chromedp.KeyEvent(kb.ArrowRight))
	if got := webpagetest.Eval[string](b, `document.querySelectorAll('figure.chart:nth-of-type(2) output')[1].textContent`); got != "n/a" {
		t.Errorf("a gap reads %q, want n/a", got)
	}
}

func TestTheCrosshairNamesTheMarksItIsInAndLeavesTheChartsWhereTheyAre(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(60))
	b.Look(390, 844, "light", "")
	b.Do(chromedp.Focus(".plot"), chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, 9)))
	if got := webpagetest.Eval[string](b, `document.querySelector('.at').textContent`); got != "at 9 s, 3 lost" {
		t.Errorf("in a mark it reads %q, want its label", got)
	}
	const tops = `[...document.querySelectorAll('.plot')].map((p) => Math.round(p.getBoundingClientRect().top + window.scrollY)).join(' ')`
	with := webpagetest.Eval[string](b, tops)
	b.Do(chromedp.KeyEvent(kb.Escape))
	if without := webpagetest.Eval[string](b, tops); without != with {
		t.Errorf("the charts are at %s with the crosshair and at %s without", with, without)
	}
}

func TestDraggingZoomsAllChartsOfATimeAxisAndEscapeShowsAll(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(600))
	last := `[...document.querySelectorAll('figure.chart:nth-of-type(2) text')].map((e) => parseFloat(e.textContent)).filter((v, i, a) => document.querySelectorAll('figure.chart:nth-of-type(2) text')[i].textContent.endsWith(' s')).at(-1)`
	if v := webpagetest.Eval[float64](b, last); v != 600 {
		t.Fatalf("the axis ends at %v s, want 600", v)
	}
	box := webpagetest.Eval[map[string]float64](b, `(() => { const b = document.querySelector('.plot').getBoundingClientRect(); return {x: b.x, y: b.y, width: b.width}; })()`)
	y := box["y"] + 100
	b.Do(chromedp.DragAndDropXY(box["x"]+box["width"]*0.3, y, box["x"]+box["width"]*0.5, y, 5))
	if v := webpagetest.Eval[float64](b, last); v < 200 || v > 320 {
		t.Errorf("after the zoom the other chart's axis ends at %v s, want about half of 600", v)
	}
	b.Do(chromedp.Focus(".plot"), chromedp.KeyEvent(kb.Escape))
	if v := webpagetest.Eval[float64](b, last); v != 600 {
		t.Errorf("after Escape the axis ends at %v s, want 600", v)
	}
}

func TestSeriesAreSwitchedVariantsChosenAndTablesOpened(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(60))
	paths := `document.querySelectorAll('figure.chart')[0].querySelectorAll('svg path').length`
	before := webpagetest.Eval[int](b, paths)
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.key').click()`))
	if after := webpagetest.Eval[int](b, paths); after >= before || webpagetest.Eval[string](b, `document.querySelector('.key').getAttribute('aria-pressed')`) != "false" {
		t.Errorf("%d paths after a series was switched off, %d before", after, before)
	}
	b.Do(chromedp.Evaluate[chromedp.Void](`(() => { const s = document.querySelector('.tools select'); s.selectedIndex = 1; s.dispatchEvent(new Event('change')); })()`))
	if n := webpagetest.Eval[int](b, `document.querySelectorAll('figure.chart')[0].querySelectorAll('.key').length`); n != 1 {
		t.Errorf("the second variant shows %d series, want 1", n)
	}
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('details.data summary').click()`))
	rows := webpagetest.Wait[int](b, `document.querySelectorAll('figure.chart')[0].querySelectorAll('details tbody tr').length`) // the toggle event comes after the click
	if rows != 60 {
		t.Errorf("the table has %d rows, want 60", rows)
	}
}

func TestItFitsANarrowScreenAndTheDark(t *testing.T) {
	t.Parallel()
	b := browser(t, several(60))
	ground := `getComputedStyle(document.body).backgroundColor`
	b.Look(390, 844, "light", "")
	light := webpagetest.Eval[string](b, ground)
	b.Look(390, 844, "dark", "")
	if dark := webpagetest.Eval[string](b, ground); dark == light {
		t.Errorf("the ground is %s in the dark too", dark)
	}
	if wide := webpagetest.Eval[int](b, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("the page is %d pixels wide on a screen of 390", wide)
	}
}

func TestPaperIsLightAndHasNoControls(t *testing.T) {
	t.Parallel()
	b := browser(t, sample(60))
	b.Look(700, 900, "dark", "print")
	if ground := webpagetest.Eval[string](b, `getComputedStyle(document.body).backgroundColor`); ground != "rgb(255, 255, 255)" {
		t.Errorf("dark pages are printed on %s", ground)
	}
	if n := webpagetest.Eval[int](b, `[...document.querySelectorAll('nav, .reset, details.data')].filter((e) => e.getClientRects().length > 0).length`); n != 0 {
		t.Errorf("%d controls are printed", n)
	}
	if n := webpagetest.Eval[int](b, `[...document.querySelectorAll('.scroll')].filter((e) => getComputedStyle(e).overflowX !== 'visible').length`); n != 0 {
		t.Errorf("%d tables are cut off", n)
	}
}

func TestTheDataInThePageAreTheFiguresAsTheyAre(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := sample(10)
	if err := webpage.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(b.String(), `<script type="application/json">`)
	text, _, _ := strings.Cut(rest, `</script>`)
	var got webpage.Chart
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := p.Documents[0].Sections[0].Charts[0]
	if got.Title != want.Title || *got.Variants[0].Series[0].Y[3] != *want.Variants[0].Series[0].Y[3] || got.Variants[0].Series[1].Y[5] != nil {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAPageOfSeveralBeginsWithATableThatLinksToEach(t *testing.T) {
	t.Parallel()
	b := browser(t, several(60))
	if n := webpagetest.Eval[int](b, `document.querySelectorAll('.overview tbody tr').length`); n != 3 {
		t.Fatalf("the table has %d rows, want 3", n)
	}
	if got := webpagetest.Eval[[]string](b, `[...document.querySelectorAll('.overview tbody tr:first-child > *')].map((e) => e.textContent.trim())`); strings.Join(got, "|") != strings.Join([]string{hostile, "suspect", hostile, hostile}, "|") {
		t.Errorf("the first row reads %q", got)
	}
	for _, link := range []string{`.overview a`, `nav a`} {
		if n := webpagetest.Eval[int](b, `[...document.querySelectorAll('`+link+`')].filter((a) => !document.getElementById(a.getAttribute('href').slice(1))).length`); n != 0 {
			t.Errorf("%d links of %s lead nowhere", n, link)
		}
	}
	if n := webpagetest.Eval[int](b, `(() => { const ids = [...document.querySelectorAll('[id]')].map((e) => e.id); return ids.length - new Set(ids).size; })()`); n != 0 {
		t.Errorf("%d ids are there twice", n)
	}
	// The axes of one document are not those of another.
	b.Do(chromedp.Focus(".plot"), chromedp.KeyEvent(kb.ArrowRight))
	if n := webpagetest.Eval[int](b, `[...document.querySelectorAll('.at')].filter((e) => e.textContent).length`); n != 3 {
		t.Errorf("%d charts stand at the place of one document's crosshair, want its 3", n)
	}
}

func TestDotsReadTheValuesOfTheirPlace(t *testing.T) {
	t.Parallel()
	b := browser(t, webpage.Page{Documents: []webpage.Document{{Sections: []webpage.Section{{ID: "trials", Charts: []webpage.Chart{{
		ID: "trials", Kind: webpage.Number, XName: "trial", Unit: webpage.PerSecond, Variants: []webpage.Variant{{Series: []webpage.Series{
			{Name: "good", Style: webpage.Good, X: []float64{1, 3}, Y: []*float64{new(100.0), new(300.0)}},
			{Name: "bad", Style: webpage.Bad, X: []float64{2}, Y: []*float64{new(200.0)}},
		}}},
	}}}}}}})
	b.Do(chromedp.Focus(".plot"))
	for i, want := range []string{"at trial 1: 100|", "at trial 2: |200", "at trial 3: 300|"} {
		b.Do(chromedp.KeyEvent(kb.ArrowRight))
		if got := webpagetest.Eval[string](b, `document.querySelector('.at').textContent + ': ' + [...document.querySelectorAll('output')].map((e) => e.textContent).join('|')`); got != want {
			t.Errorf("step %d reads %q, want %q", i+1, got, want)
		}
	}
}
