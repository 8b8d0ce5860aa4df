package rendertest

import (
	"context"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Searched is the record of a small search, with a name and reasons that markup
// and terminals must not obey.
func Searched(t testing.TB) *study.Record {
	t.Helper()
	probe := func(tr capacity.Trial) capacity.Outcome {
		o := capacity.Outcome{
			Verdict: capacity.Good, Reasons: []string{}, Achieved: min(tr.Rate, 1000), Took: tr.Length + time.Second,
			Limit:   capacity.Limit{Part: "workers", Detail: "the workers were busy 99% of the time", Used: map[string]float64{"workers": 0.99}},
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

// Scaled is the record of searches of a system in which every worker carries
// 100 jobs/s and batches help nothing. The last one was not begun.
func Scaled(t testing.TB, vary ...study.Dimension) *study.Record {
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

// Consumers are values of the number of consumers.
func Consumers(values ...int) study.Dimension {
	return study.Dimension{Field: "consumers", Values: values}
}

// Batches are values of the size of a batch.
func Batches(values ...int) study.Dimension { return study.Dimension{Field: "batch", Values: values} }
