package webpage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

const hostile = `<script>window.hacked=1</script></script>"'&🐘 ‮abc‬ <img src=http://127.0.0.1:1/x onerror="window.hacked=1">`

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
			Marks: []webpage.Mark{{From: 0, To: 2, Label: hostile}, {From: 5, To: 5, Label: "step"}},
			Variants: []webpage.Variant{
				{Name: "end_to_end", Series: []webpage.Series{{Name: "p50", Style: webpage.Area, Y: p50}, {Name: "p99", Style: webpage.Band, Y: p99}, {Name: "max", Style: webpage.Band, Y: high}}},
				{Name: hostile, Series: []webpage.Series{{Name: "p50", Style: webpage.Line, Y: p50}}},
			},
		}
	}
	return webpage.Page{Title: hostile, Documents: []webpage.Document{{
		Title: hostile, Verdict: "suspect", Answer: hostile, Reasons: []string{hostile}, Warnings: []string{hostile},
		Sections: []webpage.Section{
			{ID: "time", Title: "Time", Note: hostile, Charts: []webpage.Chart{over("latency", webpage.Nanoseconds), over("backlog", webpage.Jobs)}},
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

// browser opens the page from disk in a Chromium. Script errors, console messages and
// requests for anything but the page fail the test when it ends.
func browser(t *testing.T, p webpage.Page) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		redistest.Missing(t, "chromium", fmt.Errorf("no Chromium is installed"))
	}
	file := filepath.Join(t.TempDir(), "report.html")
	var b bytes.Buffer
	if err := webpage.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, end := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("script error: %+v", e.ExceptionDetails)
		case *runtime.EventConsoleAPICalled:
			t.Errorf("console: %+v", e.Args)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "file://"+file) {
				t.Errorf("the page asked for %s", e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate("file://"+file), chromedp.WaitVisible(".plot path"))
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// eval is the value of an expression in the page.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHostileTextIsShownAndNeverRun(t *testing.T) {
	t.Parallel()
	ctx := browser(t, sample(60))
	if got := eval[string](t, ctx, `document.querySelector('h1').textContent`); got != hostile {
		t.Errorf("the title reads %q, want %q", got, hostile)
	}
	if eval[bool](t, ctx, `'hacked' in window || document.querySelectorAll('img').length > 0`) {
		t.Error("text was run as code")
	}
	if n := eval[int](t, ctx, `document.querySelectorAll('figure.chart svg').length`); n != 5 {
		t.Errorf("%d charts are drawn, want 5", n)
	}
}

func TestTheCrosshairReadsAllChartsOfATimeAxis(t *testing.T) {
	t.Parallel()
	p := sample(60)
	ctx := browser(t, p)
	do(t, ctx, chromedp.Focus(".plot"), chromedp.KeyEvent(strings.Repeat(kb.ArrowRight, 5)))
	at := eval[[]string](t, ctx, `[...document.querySelectorAll('.at')].map((e) => e.textContent)`)
	if at[0] != "at 5 s" || at[1] != "at 5 s" || at[2] != "" {
		t.Errorf("the charts stand at %q, want both of the time axis at 5 s", at)
	}
	shown := eval[[]string](t, ctx, `[...document.querySelectorAll('figure.chart:nth-of-type(2) output')].map((e) => e.textContent)`)
	for i, s := range p.Documents[0].Sections[0].Charts[1].Variants[0].Series {
		want := eval[string](t, ctx, fmt.Sprintf(`(%.0f).toLocaleString('en-US')`, *s.Y[4]))
		if shown[i] != want {
			t.Errorf("%s reads %q at 5 s, want %q", s.Name, shown[i], want)
		}
	}
	do(t, ctx, chromedp.KeyEvent(kb.ArrowRight))
	if got := eval[string](t, ctx, `document.querySelectorAll('figure.chart:nth-of-type(2) output')[1].textContent`); got != "n/a" {
		t.Errorf("a gap reads %q, want n/a", got)
	}
}

func TestDraggingZoomsAllChartsOfATimeAxisAndEscapeShowsAll(t *testing.T) {
	t.Parallel()
	ctx := browser(t, sample(600))
	last := `[...document.querySelectorAll('figure.chart:nth-of-type(2) text')].map((e) => parseFloat(e.textContent)).filter((v, i, a) => document.querySelectorAll('figure.chart:nth-of-type(2) text')[i].textContent.endsWith(' s')).at(-1)`
	if v := eval[float64](t, ctx, last); v != 600 {
		t.Fatalf("the axis ends at %v s, want 600", v)
	}
	box := eval[map[string]float64](t, ctx, `(() => { const b = document.querySelector('.plot').getBoundingClientRect(); return {x: b.x, y: b.y, width: b.width}; })()`)
	y := box["y"] + 100
	do(t, ctx, chromedp.DragAndDropXY(box["x"]+box["width"]*0.3, y, box["x"]+box["width"]*0.5, y, 5))
	if v := eval[float64](t, ctx, last); v < 200 || v > 320 {
		t.Errorf("after the zoom the other chart's axis ends at %v s, want about half of 600", v)
	}
	do(t, ctx, chromedp.Focus(".plot"), chromedp.KeyEvent(kb.Escape))
	if v := eval[float64](t, ctx, last); v != 600 {
		t.Errorf("after Escape the axis ends at %v s, want 600", v)
	}
}

func TestSeriesAreSwitchedVariantsChosenAndTablesOpened(t *testing.T) {
	t.Parallel()
	ctx := browser(t, sample(60))
	paths := `document.querySelectorAll('figure.chart')[0].querySelectorAll('svg path').length`
	before := eval[int](t, ctx, paths)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector('.key').click()`))
	if after := eval[int](t, ctx, paths); after >= before || eval[string](t, ctx, `document.querySelector('.key').getAttribute('aria-pressed')`) != "false" {
		t.Errorf("%d paths after a series was switched off, %d before", after, before)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`(() => { const s = document.querySelector('.tools select'); s.selectedIndex = 1; s.dispatchEvent(new Event('change')); })()`))
	if n := eval[int](t, ctx, `document.querySelectorAll('figure.chart')[0].querySelectorAll('.key').length`); n != 1 {
		t.Errorf("the second variant shows %d series, want 1", n)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector('details.data summary').click()`))
	rows, err := chromedp.Run(ctx, chromedp.Poll[int](`document.querySelectorAll('figure.chart')[0].querySelectorAll('details tbody tr').length`)) // the toggle event comes after the click
	if err != nil {
		t.Fatal(err)
	}
	if rows != 60 {
		t.Errorf("the table has %d rows, want 60", rows)
	}
}

func TestItFitsANarrowScreenAndTheDark(t *testing.T) {
	t.Parallel()
	ctx := browser(t, sample(60))
	light := eval[string](t, ctx, `getComputedStyle(document.body).backgroundColor`)
	do(t, ctx, chromedp.EmulateViewport(390, 844))
	dark := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, dark); err != nil {
		t.Fatal(err)
	}
	if dark := eval[string](t, ctx, `getComputedStyle(document.body).backgroundColor`); dark == light {
		t.Errorf("the ground is %s in the dark too", dark)
	}
	if wide := eval[int](t, ctx, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("the page is %d pixels wide on a screen of 390", wide)
	}
}

func TestAnHourIsOneFileOfAtMostAMegabyte(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := webpage.Write(&b, sample(3600)); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 1<<20 {
		t.Errorf("the page has %d bytes", b.Len())
	}
	ctx := browser(t, sample(3600))
	if n := eval[int](t, ctx, `document.querySelectorAll('figure.chart svg path').length`); n == 0 {
		t.Error("nothing is drawn")
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
