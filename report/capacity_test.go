package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/report"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// searched is the record of a small search, with a name and reasons that markup
// and terminals must not obey.
func searched(t *testing.T) *study.Record {
	t.Helper()
	probe := func(tr capacity.Trial) capacity.Outcome {
		o := capacity.Outcome{
			Verdict: capacity.Good, Reasons: []string{}, Achieved: min(tr.Rate, 1000), Took: tr.Length + time.Second,
			Limit:   capacity.Limit{Part: "workers", Detail: "the workers were busy 99 % of the time", Used: map[string]float64{"workers": 0.99}},
			Figures: map[string]float64{"end_to_end.p50": 5e6, "end_to_end.p90": 7e6, "end_to_end.p99": 9e6},
		}
		if tr.Kind == capacity.Ceiling {
			o.Achieved = 1000
		}
		if tr.Rate > 1000 {
			o.Verdict, o.Reasons = capacity.Bad, []string{"too <b>late</b> | \x1b[31mred"}
		}
		return o
	}
	r := &study.Record{
		Schema: study.Schema, Kind: "capacity", Scenario: scenario.Scenario{Name: "orders", Load: scenario.Load{Rate: pace.PerSecond(1)}},
		SLO: []string{"end_to_end.p99 < 50ms", "lost == 0"}, Trial: 5 * time.Second, Confirm: 30 * time.Second, Budget: 5 * time.Minute,
		Redis: result.Redis{Kind: "process", Version: "7.0.15", Mode: "standalone", Address: "redis://127.0.0.1:1/0", Config: map[string]string{}},
	}
	var err error
	r.Trials, r.Answer, err = capacity.Search(t.Context(), func(_ context.Context, tr capacity.Trial) (capacity.Outcome, error) { return probe(tr), nil }, capacity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n, rate := range []float64{100, 100, 500, 800, 900, 1050} {
		tr := capacity.Trial{N: len(r.Trials) + 1 + n, Kind: capacity.Curved, Rate: rate, Length: 5 * time.Second}
		tr.Outcome = probe(tr)
		r.Curve = append(r.Curve, tr)
	}
	r.Points, r.Warnings = capacity.Points(r.Curve), []string{}
	r.Knee = &capacity.Knee{Rate: 800, Method: "by hand"}
	return r
}

func TestASearchIsReadBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	r := searched(t)
	dir := filepath.Join(t.TempDir(), "new", "search")
	if err := report.WriteCapacity(dir, r, false); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "capacity.json")} {
		got, err := report.LoadCapacity(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("%s (-written +read):\n%s", path, diff)
		}
		if !report.IsCapacity(path) {
			t.Errorf("%s is not taken for a search", path)
		}
	}
	if err := report.WriteCapacity(dir, r, false); err == nil {
		t.Error("a directory that exists was replaced without force")
	}
	if err := report.WriteCapacity(dir, r, true); err != nil {
		t.Errorf("replace an earlier state of a search: %v", err)
	}
	others, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if err != nil || len(others) > 0 {
		t.Errorf("left behind: %q, %v", others, err)
	}
}

func TestForceDoesNotReplaceADirectoryThatIsNoSearch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{report.CheckCapacityTarget(dir, true), report.WriteCapacity(dir, searched(t), true)} {
		if err == nil {
			t.Error("a directory with somebody's files was replaced")
		}
	}
}

func TestEveryReportOfASearchHoldsItsAnswer(t *testing.T) {
	t.Parallel()
	r := searched(t)
	for _, name := range report.CapacityFormats() {
		encode, err := report.CapacityByName(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := encode(&b, r); err != nil {
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
	if _, err := report.CapacityByName("hgrm"); err == nil || !strings.Contains(err.Error(), "text, md, csv, json") {
		t.Errorf("a format that there is not: %v", err)
	}
}

func TestACapacityCSVHasARowForEveryTrial(t *testing.T) {
	t.Parallel()
	r := searched(t)
	var b bytes.Buffer
	if err := report.CapacityCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1+len(r.Trials)+len(r.Curve) {
		t.Errorf("%d rows for %d trials, %v", len(rows), len(r.Trials)+len(r.Curve), err)
	}
}

func TestPicturesOfASearchAreWellFormed(t *testing.T) {
	t.Parallel()
	full, empty := searched(t), &study.Record{Scenario: scenario.Scenario{Name: "e"}}
	for name, draw := range map[string]report.CapacityEncoder{"search": report.SearchSVG, "curve": report.CurveSVG} {
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
		"orders carries 1,000 jobs/s, confirmed in trials of 30s":                                        {Status: capacity.Confirmed, Rate: 1000, High: 1050},
		"orders carries at least 1,000 jobs/s, confirmed in trials of 30s; up to 2,000 is not ruled out": {Status: capacity.Confirmed, Rate: 1000, High: 2000},
		"orders carries about 1,000 jobs/s, not confirmed":                                               {Status: capacity.Estimated, Rate: 1000},
		"orders carries at least 1,000 jobs/s, limited by the generator":                                 {Status: capacity.AtLeast, Rate: 1000, Limit: capacity.Limit{Part: "generator"}},
		"orders carries at least 1,000 jobs/s, limited by the generator's CPU limit":                     {Status: capacity.AtLeast, Rate: 1000, Limit: capacity.Limit{Part: "cpu_limit"}},
		"no rate holds this SLO: orders failed down to 1,100 jobs/s":                                     {Status: capacity.NoRate},
		"nothing is known yet of the capacity of orders":                                                 {Status: capacity.Unknown},
	} {
		r := &study.Record{Scenario: scenario.Scenario{Name: "orders"}, Confirm: 30 * time.Second, Answer: a}
		r.Trials = []capacity.Trial{{Rate: 1200, Outcome: capacity.Outcome{Verdict: capacity.Bad}}, {Rate: 1100, Outcome: capacity.Outcome{Verdict: capacity.Bad}}}
		if got := report.Capacity(r); got != want {
			t.Errorf("Capacity = %q, want %q", got, want)
		}
	}
}

func FuzzAStoredSearchIsRefusedOrReported(f *testing.F) {
	f.Add([]byte(`{"schema":1,"kind":"capacity","trials":[{"n":1,"kind":"search","rate_per_s":5,"length_ns":1,"took_ns":1,"verdict":"good"}]}`))
	f.Add([]byte(`{"schema":1,"kind":"capacity","trials":[{"rate_per_s":1e308,"length_ns":1}],"points":[{"rate_per_s":-1}],"answer":{"rate_per_s":-5,"status":"confirmed"}}`))
	f.Add([]byte(`{"schema":1,"kind":"capacity","vary":[{"field":"consumers","values":[1,2]}],"cells":[{"values":[1],"answer":{"median_per_s":5,"low_per_s":4,"high_per_s":6,"rate_per_s":5}}],"scaling":{"lambda_per_s":5,"sizes":[{"n":1,"capacity_per_s":5}]}}`))
	f.Add([]byte(`{"schema":1,"kind":"capacity","vary":[{"field":"batch","values":[1]},{"field":"payload","values":[0]}],"cells":[{"values":[1,0],"answer":{"rate_per_s":5,"median_per_s":5}}]}`))
	f.Add([]byte(`{"schema":2,"kind":"capacity"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := report.ParseCapacity("f", data)
		if err != nil {
			return
		}
		for _, name := range report.CapacityFormats() {
			encode, _ := report.CapacityByName(name)
			if err := encode(io.Discard, r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, draw := range []report.CapacityEncoder{report.SearchSVG, report.CurveSVG, report.ScalingSVG} {
			if err := draw(io.Discard, r); err != nil {
				t.Fatal(err)
			}
		}
	})
}
