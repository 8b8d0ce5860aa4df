package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
)

// withLog is the document of a run with its interval log.
func withLog(r *result.Result, log []byte) render.Document {
	return render.Of(r).WithIntervals(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(log)), nil })
}

// documents are of every kind that has a page, in one element those that share it.
func documents(t *testing.T) map[string][]render.Document {
	t.Helper()
	all := map[string][]render.Document{
		"comparison":      {render.Of(rendertest.Compared(1.3))},
		"search":          {render.Of(rendertest.Searched(t))},
		"vary":            {render.Of(rendertest.Scaled(t, rendertest.Consumers(1, 2, 4)))},
		"calibration":     {render.Of(rendertest.Calibrated())},
		"plan":            {render.Of(rendertest.Staffed(t, true))},
		"impossible plan": {render.Of(rendertest.Staffed(t, false))},
		"stall":           {withLog(rendertest.Stall(t))},
		"hour":            {withLog(rendertest.Hour(t))},
		"comparisons":     {render.Of(rendertest.Compared(1.3)), render.Of(rendertest.Compared(1))},
		"several":         {withLog(rendertest.Stall(t)), render.Of(rendertest.Lossy(t)), render.Of(rendertest.Hostile(t))},
	}
	for name, r := range rendertest.Results(t) {
		all[name] = []render.Document{render.Of(r)}
	}
	return all
}

// pages are the HTML reports of documents. With QUEUEDYNO_PAGES they are also written to
// that directory, to be looked at.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, docs := range documents(t) {
		var b bytes.Buffer
		if err := render.Page(&b, docs...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out[name] = b.String()
		if dir := os.Getenv("QUEUEDYNO_PAGES"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, name+".html"), b.Bytes(), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	return out
}

// charts are the charts in a page.
func charts(t *testing.T, page string) map[string]webpage.Chart {
	t.Helper()
	out := map[string]webpage.Chart{}
	for _, part := range strings.Split(page, `<script type="application/json">`)[1:] {
		text, _, _ := strings.Cut(part, "</script>")
		var c webpage.Chart
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		out[c.ID] = c
	}
	return out
}

func TestEveryPageSaysItsVerdictAndAsksForNothing(t *testing.T) {
	t.Parallel()
	for name, page := range pages(t) {
		if strings.Contains(page, "ZgotmplZ") {
			t.Errorf("%s: a value was refused by the template", name)
		}
		if !strings.Contains(page, `default-src 'none'`) || strings.Contains(page, " src=") || strings.Contains(page, "url(http") || strings.Contains(page, "@import") {
			t.Errorf("%s: the page may load something", name)
		}
		for id, c := range charts(t, page) {
			for _, v := range c.Variants {
				for _, s := range v.Series {
					xs := s.X
					if xs == nil {
						xs = c.X
					}
					if want := max(len(xs), len(c.Labels)); len(s.Y) != want {
						t.Errorf("%s: %s of chart %s has %d values for %d places", name, s.Name, id, len(s.Y), want)
					}
				}
				if v.Cells != nil && len(v.Cells.Columns) != len(c.Spans) {
					t.Errorf("%s: %s of chart %s has %d columns for %d spans", name, v.Name, id, len(v.Cells.Columns), len(c.Spans))
				}
			}
		}
	}
}

func TestTheFiguresOfAPageAreThoseOfTheResult(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	var b bytes.Buffer
	if err := render.Of(r).Encode(&b, "html", render.Options{}); err != nil {
		t.Fatal(err)
	}
	all := charts(t, b.String())
	series := func(id, variant, name string) webpage.Series {
		for _, v := range all[id].Variants {
			for _, s := range v.Series {
				if v.Name == variant && s.Name == name {
					return s
				}
			}
		}
		t.Fatalf("no series %s of %s in chart %s", name, variant, id)
		return webpage.Series{}
	}
	latency := series("latency", "end_to_end", "p99")
	found := 0
	for i, at := range all["latency"].X {
		for _, row := range r.Timeline {
			if e := row.Stages[metric.EndToEnd]; row.ElapsedS == at && e != nil && e.P99NS != nil {
				found++
				if *latency.Y[i] != float64(*e.P99NS) {
					t.Errorf("p99 at %v s is %v in the page, %d in the result", at, *latency.Y[i], *e.P99NS)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no p99 of the timeline is in the page")
	}
	l := r.Ledger
	jobs, lost := series("jobs", "", "jobs"), 0.0
	for i, want := range []int64{l.Scheduled, l.Sent, l.Acked, l.Popped, l.Finished, l.Published, l.Notified} {
		if *jobs.Y[i] != float64(want) {
			t.Errorf("%s: %v jobs in the page, %d in the ledger", all["jobs"].Labels[i], *jobs.Y[i], want)
		}
	}
	for _, n := range series("jobs", "", "lost before it").Y {
		lost += *n
	}
	if lost != float64(l.Lost) || l.Lost == 0 {
		t.Errorf("%v lost jobs in the funnel, %d in the ledger", lost, l.Lost)
	}
	for i, q := range all["stages"].Labels {
		if v, _, ok := r.Metric("queue." + q); ok && *series("stages", "", "queue").Y[i] != v {
			t.Errorf("queue.%s is %v in the page, %v in the result", q, *series("stages", "", "queue").Y[i], v)
		}
	}
}

// marksOf are the marks of a chart in words.
func marksOf(c webpage.Chart) string {
	var all []string
	for _, m := range c.Marks {
		all = append(all, fmt.Sprintf("%v-%v %s", m.From, m.To, m.Label))
	}
	return strings.Join(all, ", ")
}

func TestAStallAndFaultsAreMarkedOnEveryChartOverTime(t *testing.T) {
	t.Parallel()
	r, log := rendertest.Stall(t)
	ns := rendertest.Ptr[int64]
	r.Faults = []result.Fault{
		{Fault: "2s+1s:pause=redis", UntilNS: ns(3e9), BeganNS: ns(2e9), EndedNS: ns(3_100_000_000)},
		{Fault: "14s:kill=redis", BeganNS: ns(14e9)},
		{Fault: "15s+1m:network=consumers,down", UntilNS: ns(75e9), BeganNS: ns(15e9)},
		{Fault: "50s:kill=redis", Error: "the load was over"},
	}
	var b bytes.Buffer
	if err := render.Page(&b, withLog(r, log)); err != nil {
		t.Fatal(err)
	}
	all := charts(t, b.String())
	for _, id := range []string{"latency", "heat", "rates", "backlog"} {
		if got, want := marksOf(all[id]), "2-3.1 pause redis, 14-14 kill redis, 15-20 network consumers,down, 8-11 no answer for 3.0 s"; got != want {
			t.Errorf("the marks of %s are %q, want %q", id, got, want)
		}
		for i, m := range all[id].Marks {
			if m.Planned != (i < 3) || m.Bad != (i == 3) {
				t.Errorf("%s: the mark %q is planned %v and bad %v", id, m.Label, m.Planned, m.Bad)
			}
		}
	}
	svg := written(t, render.TimelineSVG, r)
	r.Faults, r.Stall = nil, nil
	if without := written(t, render.TimelineSVG, r); strings.Count(svg, "#FBE3D3") != 4*3 || strings.Contains(without, "#FBE3D3") {
		t.Errorf("timeline.svg has %d marks, want 4 in each of its 3 panels", strings.Count(svg, "#FBE3D3"))
	}
}

// What is added to a live page are the last rows alone, with the marks of the whole run.
func TestWhatIsAddedToALivePageHasItsRowsAndAllMarks(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	last := r.Timeline[len(r.Timeline)-1:]
	for name, c := range map[string]struct {
		added []result.Second
		rows  int
	}{"the last row": {last, 1}, "no row": {[]result.Second{}, 0}, "all": {nil, len(r.Timeline)}} {
		d, err := render.Of(r).Running(render.Progress{State: "5s of 6s", Added: c.added})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, s := range d.Sections {
			for _, chart := range s.Charts {
				if chart.ID != "backlog" {
					continue
				}
				found = true
				if got := marksOf(chart); len(chart.X) != c.rows || !strings.Contains(got, "55 lost") || !strings.Contains(got, "5 lost") {
					t.Errorf("%s: %d rows and the marks %q, want %d rows and both losses", name, len(chart.X), got, c.rows)
				}
			}
		}
		if found != (c.rows > 0) {
			t.Errorf("%s: there is a chart of the backlog: %v", name, found)
		}
	}
}

func TestThePairsOfAComparisonAreShownRunByRun(t *testing.T) {
	t.Parallel()
	r := rendertest.Compared(1.3)
	for i := range r.Runs {
		if r.Runs[i].Pair == 5 {
			r.Runs[i].Left = "the host was disturbed"
		}
	}
	for _, decided := range []bool{true, false} {
		if !decided { // as on a live page before the first look
			r.Figures = nil
		}
		d, err := render.Of(r).Webpage()
		if err != nil {
			t.Fatal(err)
		}
		var c webpage.Chart
		for _, s := range d.Sections {
			if s.ID == "pairs" {
				c = s.Charts[0]
			}
		}
		units := map[string]webpage.Unit{}
		for _, v := range c.Variants {
			units[v.Name] = v.Unit
			for _, s := range v.Series {
				if len(s.X) != 7 || s.X[4] != 6 {
					t.Errorf("%s of %s is at the pairs %v, want 1 to 8 without 5", v.Name, s.Name, s.X)
				}
				side := compare.Base
				if s.Name == "candidate" {
					side = compare.Candidate
				}
				for i, x := range s.X {
					for _, run := range r.Runs {
						if run.Pair == int(x) && run.Side == side && *s.Y[i] != run.Figures[v.Name] {
							t.Errorf("%s of %s in pair %v is %v, want %v", v.Name, s.Name, x, *s.Y[i], run.Figures[v.Name])
						}
					}
				}
			}
		}
		if units["end_to_end.p50"] != webpage.Nanoseconds || units["achieved_rate"] != webpage.PerSecond || len(units) != 3 {
			t.Errorf("decided %v: the metrics and their units are %v", decided, units)
		}
	}
}
