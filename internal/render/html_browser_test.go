package render_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/internal/webpage/webpagetest"
	"github.com/queuedyno/queuedyno/result"
)

// TestPagesOfEveryKindOpenInABrowser opens each page: the browser helper fails the test
// on a script error, on a console message and on a request for anything else.
func TestPagesOfEveryKindOpenInABrowser(t *testing.T) {
	t.Parallel()
	b := webpagetest.Start(t)
	for name, page := range pages(t) {
		b.Show([]byte(page))
		want := len(charts(t, page))
		if name == "several" || name == "comparisons" {
			want = strings.Count(page, `<script type="application/json">`)
		}
		if n := webpagetest.Eval[int](b, `document.querySelectorAll('figure.chart svg').length`); n != want {
			t.Errorf("%s: %d charts are drawn, want %d", name, n, want)
		}
		if empty := webpagetest.Eval[[]string](b, `[...document.querySelectorAll('figure.chart')].filter((f) => f.querySelector('svg').childElementCount === 0).map((f) => f.querySelector('svg').ariaLabel)`); len(empty) > 0 {
			t.Errorf("%s: nothing is drawn in %q", name, empty)
		}
		if n := webpagetest.Eval[int](b, `document.querySelectorAll('svg *').length`); n > 5000 {
			t.Errorf("%s: the charts have %d elements, want at most 5,000", name, n)
		}
		if bad := webpagetest.Eval[string](b, `(/NaN|undefined|Infinity/.exec(document.querySelector('body').innerHTML.replace(/<script[^]*?<\/script>/g, '')) || [''])[0]`); bad != "" {
			t.Errorf("%s: the page shows %s", name, bad)
		}
		for _, width := range []int{1280, 390} {
			b.Look(width, 900, "light", "")
			if wide := webpagetest.Eval[int](b, `document.documentElement.scrollWidth`); wide > width {
				t.Errorf("%s: the page is %d pixels wide on a screen of %d", name, wide, width)
			}
		}
		drawn := webpagetest.Eval[float64](b, `(() => { const n = performance.getEntriesByType('navigation')[0]; return n.domContentLoadedEventEnd - n.responseEnd; })()`)
		t.Logf("%s: %d kB, parsed and drawn in %.0f ms", name, len(page)>>10, drawn)
	}
}

func TestThePageOfAnHourIsAtMostAMegabyte(t *testing.T) {
	t.Parallel()
	r, log := rendertest.Hour(t)
	var b bytes.Buffer
	if err := render.Page(&b, withLog(r, log)); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 1<<20 {
		t.Errorf("the page has %d bytes, want at most %d", b.Len(), 1<<20)
	}
	all := charts(t, b.String())
	for id, words := range map[string]string{"heat": "a column is", "latency": "a point is", "rates": "a point is", "backlog": "a point is"} {
		if !strings.Contains(all[id].Note, words) {
			t.Errorf("the chart %s does not say that it merges: %q", id, all[id].Note)
		}
	}
	// Merged or not, each job is in one cell.
	for _, v := range all["heat"].Variants {
		if n, want := jobsIn(v), r.Stages[metric.Stage(v.Name)].Count; n != want {
			t.Errorf("the heat map of %s has %d jobs, the result %d", v.Name, n, want)
		}
	}
	if len(all["heat"].Variants) != len(r.Stages) {
		t.Errorf("the heat map shows %d stages of %d", len(all["heat"].Variants), len(r.Stages))
	}
	// The largest values are in the merged points.
	top := 0.0
	for _, y := range all["latency"].Variants[0].Series[3].Y {
		if y != nil {
			top = max(top, *y)
		}
	}
	if want := float64(*r.Stages[metric.EndToEnd].MaxNS); top != want {
		t.Errorf("the largest latency over time is %v, in the result %v", top, want)
	}
}

// jobsIn is how many jobs a heat map shows.
func jobsIn(v webpage.Variant) (n int64) {
	for _, c := range v.Cells.Columns {
		for i, count := range c {
			if i > 0 {
				n += count
			}
		}
	}
	return n
}

func TestAHeatMapHasAColumnForEachSecondInWhichJobsEnded(t *testing.T) {
	t.Parallel()
	r, log := rendertest.Stall(t)
	var b bytes.Buffer
	if err := render.Page(&b, withLog(r, log)); err != nil {
		t.Fatal(err)
	}
	c := charts(t, b.String())["heat"]
	if c.Variants[0].Name != string(metric.EndToEnd) {
		t.Errorf("the first stage is %s, want the headline", c.Variants[0].Name)
	}
	// 3 of 20 seconds are the stall.
	if len(c.Spans) != 17 || c.Spans[7] != [2]float64{7, 8} || c.Spans[8] != [2]float64{11, 12} {
		t.Fatalf("the columns are %v, want 17 without those of 8 to 11 s", c.Spans)
	}
	for i, span := range c.Spans {
		one := webpage.Variant{Cells: &webpage.Cells{Columns: c.Variants[0].Cells.Columns[i : i+1]}}
		for _, row := range r.Timeline {
			if row.ElapsedS == span[1] && jobsIn(one) != row.Stages[metric.EndToEnd].Count {
				t.Errorf("the column of %v has %d jobs, the timeline %d", span, jobsIn(one), row.Stages[metric.EndToEnd].Count)
			}
		}
	}
}

func TestAPageWithoutIntervalsSaysWhyItHasNoHeatMap(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	for name, row := range map[string]struct {
		d    render.Document
		want string
	}{
		"no log":          {render.Of(r), "it needs the histograms of single seconds"},
		"one interval":    {withLog(r, []byte(written(t, render.WholeRun, r))), "it needs the histograms of single seconds"},
		"half a log":      {withLog(r, []byte("#\nTag=queue,0.000")), "histograms.hlog: line 2: the row is cut off."},
		"another run's":   {withLog(r, nil), "it needs the histograms of single seconds"},
		"a hostile stage": {withLog(r, []byte("Tag=queue,<script>alert(1)</script>,1,1,x")), "is not a time in seconds"},
	} {
		var b bytes.Buffer
		if err := render.Page(&b, row.d); err != nil {
			t.Fatal(err)
		}
		if _, found := charts(t, b.String())["heat"]; found || !strings.Contains(b.String(), row.want) || strings.Contains(b.String(), "<script>alert") {
			t.Errorf("%s: want no heat map, and %q", name, row.want)
		}
	}
}

func TestLossesAreMarkedOnEveryChartOverTime(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	r.Breakdown = map[string][]result.Part{"step": {{Name: "step 1", FromNS: 1e9, ToNS: 3e9}, {Name: "step 2", FromNS: 3e9, ToNS: 6e9}}}
	var b bytes.Buffer
	if err := render.Page(&b, render.Of(r)); err != nil {
		t.Fatal(err)
	}
	all := charts(t, b.String())
	for _, id := range []string{"latency", "rates", "backlog"} {
		var got []string
		for _, m := range all[id].Marks {
			got = append(got, fmt.Sprintf("%v-%v %s %v", m.From, m.To, m.Label, m.Bad))
		}
		want := "0-1 warm-up false, 1-1 step 1 false, 3-3 step 2 false, 2-4 55 lost true, 5-6 5 lost true, 6-6.003 drain false"
		if strings.Join(got, ", ") != want {
			t.Errorf("the marks of %s are %q, want %q", id, strings.Join(got, ", "), want)
		}
	}
}

func TestLossesOfALongRunAreAFewMarks(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	r.Timeline = nil
	for i := range 3600 {
		r.Timeline = append(r.Timeline, result.Second{ElapsedS: float64(i + 1), LengthS: 1, Lost: int64(i & 1)})
	}
	var b bytes.Buffer
	if err := render.Page(&b, render.Of(r)); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, m := range charts(t, b.String())["rates"].Marks {
		if m.Bad {
			lost++
		}
	}
	if lost == 0 || lost > 100 {
		t.Errorf("%d marks of losses, want 1 to 100", lost)
	}
}

// TestFiguresReadFromThePageAreThoseOfTheResult reads them as a reader does: from the
// table behind a chart, from the table of stages, and from the overview.
func TestFiguresReadFromThePageAreThoseOfTheResult(t *testing.T) {
	t.Parallel()
	b := webpagetest.Start(t)
	r, log := rendertest.Stall(t)
	lossy := rendertest.Lossy(t)
	var page bytes.Buffer
	if err := render.Page(&page, withLog(r, log), render.Of(lossy)); err != nil {
		t.Fatal(err)
	}
	b.Show(page.Bytes())
	table := func(section string) [][]string {
		t.Helper()
		return webpagetest.Wait[[][]string](b, `(() => {
			const d = document.querySelector('#`+section+` details.data');
			d.open = true;
			const rows = [...d.querySelectorAll('tr')];
			return rows.length && rows.map((r) => [...r.children].map((c) => c.textContent));
		})()`)
	}
	for document, r := range []*result.Result{r, lossy} {
		rows := table(fmt.Sprintf("latency%d", document))
		found := 0
		for _, row := range r.Timeline {
			e := row.Stages[metric.EndToEnd]
			for _, cells := range rows {
				if e == nil || e.P99NS == nil || cells[0] != fmt.Sprint(row.ElapsedS) {
					continue
				}
				found++
				if want := milliseconds(*e.P99NS); cells[3] != want {
					t.Errorf("document %d: p99 at %s s reads %q, want %q", document, cells[0], cells[3], want)
				}
			}
		}
		if found < 4 {
			t.Errorf("document %d: only %d of %d rows of the timeline have a p99 in %d rows", document, found, len(r.Timeline), len(rows))
		}
	}
	// The number of jobs of each column of the heat map.
	for _, cells := range table("heat0")[1:] {
		sum := int64(0)
		for _, c := range cells[1:] {
			n := int64(0)
			if c != "" {
				if _, err := fmt.Sscan(strings.ReplaceAll(c, ",", ""), &n); err != nil {
					t.Fatal(err)
				}
			}
			sum += n
		}
		for _, row := range r.Timeline {
			if fmt.Sprintf("%v to %v", row.ElapsedS-1, row.ElapsedS) == cells[0] && sum != row.Notified {
				t.Errorf("%s: the cells have %d jobs, the timeline %d", cells[0], sum, row.Notified)
			}
		}
	}
	overview := webpagetest.Eval[[][]string](b, `[...document.querySelectorAll('.overview tbody tr')].map((r) => [...r.children].slice(0, -1).map((c) => c.textContent.trim()))`)
	for i, r := range []*result.Result{r, lossy} {
		e := r.Stages[metric.EndToEnd]
		want := []string{"steady", r.Validity.Verdict, "1,000.2 jobs/s", shown(e.P50NS), shown(e.P99NS), shown(e.MaxNS), fmt.Sprint(r.Ledger.Lost), "2026-03-14 15:09:26Z"}
		if !slices.Equal(overview[i], want) {
			t.Errorf("the overview reads %q, want %q", overview[i], want)
		}
	}
}

// shown is a duration from 1 ms to 10 s with three digits.
func shown(ns *int64) string {
	if ns == nil {
		return "n/a"
	}
	v, unit := float64(*ns)/1e6, "ms"
	if v >= 1000 {
		v, unit = v/1000, "s"
	}
	decimals := 2
	for ; v >= math.Pow10(3-decimals) && decimals > 0; decimals-- {
	}
	return fmt.Sprintf("%.*f %s", decimals, v, unit)
}

// milliseconds is a duration of 1 ms to 1 s as the page shows it.
func milliseconds(ns int64) string {
	v := float64(ns) / 1e6
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.3g s", v/1000)
	case v >= 100:
		return fmt.Sprintf("%.0f ms", v)
	}
	return fmt.Sprintf("%.3g ms", v)
}

func TestDocumentsOfDifferentKindsDoNotShareAPage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := render.Page(&b, render.Of(rendertest.Steady(t)), render.Of(rendertest.Compared(1))); err == nil || b.Len() > 0 {
		t.Errorf("a run and a comparison share a page: %v", err)
	}
	if err := render.Page(&b); err == nil || b.Len() > 0 {
		t.Errorf("a page of nothing: %v", err)
	}
}
