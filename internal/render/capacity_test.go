package render_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestEveryReportOfASearchHoldsItsAnswer(t *testing.T) {
	t.Parallel()
	r := rendertest.Searched(t)
	for _, name := range render.Search.Formats() {
		var b bytes.Buffer
		if err := render.Of(r).Encode(&b, name, render.Options{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.ContainsRune(b.String(), '\x1b') || name == "md" && strings.Contains(b.String(), "<b>") {
			t.Errorf("%s: markup or control characters of a reason get through", name)
		}
		if name == "json" {
			continue
		}
		want := fmt.Sprintf("%.1f", r.Answer.Rate) // below 1,000, to a tenth
		if name == "csv" {
			want = strings.TrimSuffix(want, ".0")
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s does not hold the answer %s:\n%s", name, want, b.String())
		}
	}
	if err := render.Of(r).Encode(io.Discard, "hgrm", render.Options{}); err == nil || !strings.Contains(err.Error(), "text, md, html, csv, json") {
		t.Errorf("a format that there is not: %v", err)
	}
}

func TestACapacityCSVHasARowForEveryTrial(t *testing.T) {
	t.Parallel()
	r := rendertest.Searched(t)
	var b bytes.Buffer
	if err := render.SearchCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1+len(r.Trials)+len(r.Curve) {
		t.Errorf("%d rows for %d trials, %v", len(rows), len(r.Trials)+len(r.Curve), err)
	}
}

func TestPicturesOfASearchAreWellFormed(t *testing.T) {
	t.Parallel()
	full, empty := rendertest.Searched(t), &study.Record{Scenario: scenario.Scenario{Name: "e"}}
	for name, draw := range map[string]render.SearchEncoder{"search": render.SearchSVG, "curve": render.CurveSVG} {
		for _, r := range []*study.Record{full, empty} {
			var b bytes.Buffer
			if err := draw(&b, r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
				t.Errorf("%s of %q holds what is no number", name, r.Scenario.Name)
			}
			d := xml.NewDecoder(&b)
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s of %q: %v", name, r.Scenario.Name, err)
				}
			}
		}
	}
}

func TestTheAnswerIsSaidWithHowGoodItIs(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]capacity.Answer{
		"orders carries 1,000 jobs/s (confirmed 3 × 30s)":                                        {Status: capacity.Confirmed, ConfirmedTrials: 3, Rate: 1000, High: 1050},
		"orders carries 1,000 jobs/s (confirmed 3 × 30s); fails at 1,025":                        {Status: capacity.Confirmed, ConfirmedTrials: 3, Rate: 1000, High: 1050, RefutedRate: 1025},
		"orders carries 1,000 jobs/s (held in 2 of 3 trials of 30s); fails at 1,025":             {Status: capacity.Confirmed, ConfirmedTrials: 2, ConfirmedAgainst: 1, Rate: 1000, High: 1050, RefutedRate: 1025},
		"orders carries at least 1,000 jobs/s (confirmed 2 × 30s); up to 2,000 is not ruled out": {Status: capacity.Confirmed, ConfirmedTrials: 2, Rate: 1000, High: 2000},
		"orders carries about 1,000 jobs/s, not confirmed":                                       {Status: capacity.Estimated, Rate: 1000},
		"orders carries at least 1,000 jobs/s, limited by the generator":                         {Status: capacity.AtLeast, Rate: 1000, Limit: capacity.Limit{Part: "generator"}},
		"orders carries at least 1,000 jobs/s, limited by the generator's CPU limit":             {Status: capacity.AtLeast, Rate: 1000, Limit: capacity.Limit{Part: "cpu_limit"}},
		"no rate holds this SLO: orders failed down to 1,100 jobs/s":                             {Status: capacity.NoRate},
		"nothing is known yet about the capacity of orders":                                      {Status: capacity.Unknown},
	} {
		r := &study.Record{Scenario: scenario.Scenario{Name: "orders"}, Confirm: 30 * time.Second, Answer: a}
		r.Trials = []capacity.Trial{{Rate: 1200, Outcome: capacity.Outcome{Verdict: capacity.Bad}}, {Rate: 1100, Outcome: capacity.Outcome{Verdict: capacity.Bad}}}
		if got := render.SearchAnswer(r); got != want {
			t.Errorf("Capacity = %q, want %q", got, want)
		}
	}
}
