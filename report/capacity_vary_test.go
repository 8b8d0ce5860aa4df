package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
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

// scaled is the record of searches of a system in which every worker carries
// 100 jobs/s and batches help nothing. The last one was not begun.
func scaled(t *testing.T, vary ...study.Dimension) *study.Record {
	t.Helper()
	r := &study.Record{
		Schema: study.Schema, Kind: "capacity", Scenario: scenario.Scenario{Name: "orders", Consumers: 3, Load: scenario.Load{Rate: pace.PerSecond(1)}},
		SLO: []string{"end_to_end.p99 < 50ms", "lost == 0"}, Trial: 2 * time.Second, Confirm: 10 * time.Second, Budget: 5 * time.Minute,
		Redis:  result.Redis{Kind: "process", Version: "7.0.15", Mode: "standalone", Address: "redis://127.0.0.1:1/0", Config: map[string]string{}},
		Answer: capacity.Answer{Limit: capacity.Limit{Used: map[string]float64{}}},
		Trials: []capacity.Trial{}, Curve: []capacity.Trial{}, Points: []capacity.Point{}, Warnings: []string{},
		Vary: vary, Cells: study.Cells(vary),
	}
	for i := range r.Cells[:len(r.Cells)-1] {
		truth := 100 * float64(study.At(r.Scenario, vary, r.Cells[i].Values).Consumers)
		probe := func(_ context.Context, tr capacity.Trial) (capacity.Outcome, error) {
			o := capacity.Outcome{
				Verdict: capacity.Good, Reasons: []string{}, Achieved: min(truth, max(tr.Rate, 1)), Took: tr.Length + time.Second,
				Limit:   capacity.Limit{Part: "workers", Detail: "busy <b>all</b> of the time", Used: map[string]float64{"workers": 0.99}},
				Figures: map[string]float64{"end_to_end.p99": 9e6},
			}
			if tr.Kind == capacity.Ceiling {
				o.Achieved = truth
			} else if tr.Rate > truth {
				o.Verdict, o.Reasons = capacity.Bad, []string{"too late | \x1b[31mred"}
			}
			return o, nil
		}
		var err error
		if r.Cells[i].Trials, r.Cells[i].Answer, err = capacity.Search(t.Context(), probe, capacity.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	last := &r.Cells[len(r.Cells)-1]
	last.Trials, last.Answer.Limit.Used = []capacity.Trial{}, map[string]float64{}
	r.Scaling = study.Scale(vary, r.Cells)
	return r
}

func consumers(values ...int) study.Dimension {
	return study.Dimension{Field: "consumers", Values: values}
}

func batches(values ...int) study.Dimension { return study.Dimension{Field: "batch", Values: values} }

func TestVariedSearchesAreReadBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*study.Record{
		"one": scaled(t, consumers(1, 2, 3, 4, 5, 6, 7)), "two": scaled(t, consumers(1, 2), batches(1, 10)), "no law": scaled(t, batches(1, 10)),
	} {
		dir := filepath.Join(t.TempDir(), name)
		if err := report.WriteCapacity(dir, r, false); err != nil {
			t.Fatal(err)
		}
		got, err := report.LoadCapacity(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.svg"))
		if err != nil || len(files) != 1 || filepath.Base(files[0]) != "scaling.svg" {
			t.Errorf("%s: pictures %q, %v; want scaling.svg alone", name, files, err)
		}
	}
}

func TestEveryReportOfVariedSearchesHoldsEveryValue(t *testing.T) {
	t.Parallel()
	r := scaled(t, consumers(1, 2, 3, 4, 5, 6, 7))
	for _, name := range []string{"text", "md", "csv"} {
		encode, err := report.CapacityByName(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := encode(&b, r); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		if strings.ContainsRune(got, '\x1b') || name == "md" && strings.Contains(got, "<b>") {
			t.Errorf("%s: markup or control characters of a reason get through", name)
		}
		if name != "csv" && (!strings.Contains(got, "not begun") || !strings.Contains(got, "Universal Scalability Law") || !strings.Contains(got, "6 of 7 values settled")) {
			t.Errorf("%s does not say what was not begun, or the law:\n%s", name, got)
		}
		if name == "csv" {
			rows, err := csv.NewReader(&b).ReadAll()
			want := 1
			for _, c := range r.Cells {
				want += 1 + len(c.Trials)
			}
			if err != nil || len(rows) != want || !strings.Contains(got, "consumers=7") {
				t.Errorf("%d rows, %v; want %d: one for each answer and each trial", len(rows), err, want)
			}
		}
	}
}

// The law is a dashed line when it is believed, and nothing when it is not.
func TestTheLawIsDrawnOnlyWhenItIsBelieved(t *testing.T) {
	t.Parallel()
	draw := func(r *study.Record) string {
		var b bytes.Buffer
		if err := report.ScalingSVG(&b, r); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
			t.Error("the picture holds what is no number")
		}
		return b.String()
	}
	r := scaled(t, consumers(1, 2, 3, 4, 5, 6, 7))
	if !strings.Contains(draw(r), "stroke-dasharray") {
		t.Error("a law that is believed is not drawn")
	}
	r.Scaling.Refused = "a residual"
	if strings.Contains(draw(r), "stroke-dasharray") {
		t.Error("a law that was refused is drawn")
	}
	if got := draw(scaled(t, consumers(1, 2, 4), batches(1, 10, 100))); !strings.Contains(got, "workers") || !strings.Contains(got, "–") {
		t.Error("the fields of a heat map do not say what gave out, or what was not begun")
	}
	draw(scaled(t, study.Dimension{Field: "payload", Values: []int{0, 100, 1_000_000}}))
	draw(scaled(t, consumers(5)))
	draw(&study.Record{Vary: []study.Dimension{consumers(1)}})
}

func TestARecordWhoseValuesDoNotFitIsRefused(t *testing.T) {
	t.Parallel()
	for want, alter := range map[string]func(*study.Record){
		"a value that was varied": func(r *study.Record) { r.Cells[0].Values = []int{9} },
		"what was varied":         func(r *study.Record) { r.Vary[0].Field = "colour" },
		"the law of scaling":      func(r *study.Record) { r.Scaling.Sigma = -1 },
		"trial 1":                 func(r *study.Record) { r.Cells[0].Trials[0].Length = 0 },
	} {
		r := scaled(t, consumers(1, 2))
		alter(r)
		var b bytes.Buffer
		if err := report.CapacityJSON(&b, r); err != nil {
			t.Fatal(err)
		}
		if _, err := report.ParseCapacity("f", b.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q named", err, want)
		}
	}
}
