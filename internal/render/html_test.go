package render_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/webpage"
)

// pages are HTML reports of every kind. With QUEUEDYNO_PAGES they are also written to
// that directory, to be looked at.
func pages(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]render.Document{
		"comparison": render.Of(rendertest.Compared(1.3)),
		"search":     render.Of(rendertest.Searched(t)),
		"vary":       render.Of(rendertest.Scaled(t, rendertest.Consumers(1, 2, 4))),
	}
	for name, r := range rendertest.Results(t) {
		docs[name] = render.Of(r)
	}
	out := map[string]string{}
	for name, d := range docs {
		var b bytes.Buffer
		if err := d.Encode(&b, "html", render.Options{}); err != nil {
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
