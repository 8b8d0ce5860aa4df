package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/verify"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func ptr(v float64) *float64 { return &v }

func sample() verify.Report {
	return verify.Report{ElapsedS: 12.4, Meaning: strings.Repeat("word ", 20) + "end.", Experiments: []verify.Experiment{
		{Name: "first", Question: "Is it so?", Setup: "a load", Tries: 1, Pass: true, Notes: []string{}, Rows: []verify.Row{
			{What: "end_to_end.p99", Expected: ptr(463.04), Measured: ptr(461.77), Tolerance: ptr(6.9), Unit: "ms", Pass: true},
			{What: "jobs lost", Expected: ptr(1), Measured: ptr(1), Tolerance: ptr(0), Unit: "jobs", Pass: true},
			{What: "utilisation", Measured: ptr(0.6), Unit: "ratio", Pass: true},
		}},
		{Name: "second", Question: "Does it fail?", Setup: "another", Tries: 2, Notes: []string{"the host was busy"}, Rows: []verify.Row{
			{What: "lateness.p50", Expected: ptr(0), Tolerance: ptr(0.15), Unit: "ms"},
		}},
	}}
}

func TestTextShowsExpectedBesideMeasured(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := verify.Text(&b, sample()); err != nil {
		t.Fatal(err)
	}
	want := `pass  first
  Is it so?
  a load
                    expected  measured   tolerance
    end_to_end.p99  463.0 ms  461.8 ms  ± 6.900 ms  pass
    jobs lost          1 job     1 job    ± 0 jobs  pass
    utilisation                  0.600

FAIL  second  (2nd try)
  Does it fail?
  another
                  expected  measured   tolerance
    lateness.p50      0 ms   unknown  ± 0.150 ms  FAIL
  note: the host was busy

1 of 2 experiments passed, in 12 s

word word word word word word word word word word word word word word word word
word word word word end.
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("Text differs (-want +got):\n%s", d)
	}
}

func TestReportSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := sample()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got verify.Report
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("a report changes on its way through JSON (-want +got):\n%s", d)
	}
}

func TestMeaningIsTwoSentencesAndNamesWhatFailed(t *testing.T) {
	t.Parallel()
	good := verify.Report{Experiments: []verify.Experiment{{Name: "first", Pass: true}}}
	bad := verify.Report{Experiments: []verify.Experiment{{Name: "first", Pass: true}, {Name: "second"}}}
	for name, m := range map[string]string{
		"all passed": verify.Meaning(good, 1), "some made": verify.Meaning(good, 9), "failed": verify.Meaning(bad, 2),
	} {
		if n := strings.Count(m, ". ") + strings.Count(m[len(m)-1:], "."); n != 2 {
			t.Errorf("%s: %d sentences, want 2: %s", name, n, m)
		}
	}
	if m := verify.Meaning(bad, 2); !strings.Contains(m, "second") || strings.Contains(m, "first") {
		t.Errorf("the meaning of a failure does not name it: %s", m)
	}
	if verify.Meaning(good, 9) == verify.Meaning(good, 1) {
		t.Error("a part of the experiments means as much as all of them")
	}
}

func TestNamesAreDistinctAndCannotBeMistyped(t *testing.T) {
	t.Parallel()
	names := verify.Names()
	if sorted := slices.Compact(slices.Sorted(slices.Values(names))); len(sorted) != len(names) {
		t.Errorf("a name is there twice: %q", names)
	}
	_, err := verify.Run(t.Context(), verify.Options{Only: []string{"lunch"}})
	if !errors.Is(err, verify.ErrUnknown) || !strings.Contains(err.Error(), names[0]) {
		t.Errorf("Run = %v, want ErrUnknown and the names that there are", err)
	}
	if _, err := verify.Run(t.Context(), verify.Options{}); err == nil {
		t.Error("Run began without a server")
	}
}

// smallRun is a run in virtual time, small enough to be doctored.
func smallRun(t *testing.T) *result.Result {
	t.Helper()
	var r *result.Result
	synctest.Test(t, func(t *testing.T) {
		var err error
		r, err = engine.Run(context.Background(), scenario.Scenario{
			Name: "law", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 2 * time.Second},
			Consumers: 2, Work: scenario.Work{Time: time.Millisecond},
		}, memory.New(), engine.Options{NoProbes: true, Waiter: waiter.Coarse})
		if err != nil {
			t.Fatal(err)
		}
	})
	return r
}

func TestLawsFindEveryFigureThatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	if x := verify.Laws(smallRun(t)); !x.Pass {
		t.Fatalf("a sound run breaks the laws: %+v", x.Rows)
	}
	for name, spoil := range map[string]func(*result.Result){
		"a job that is nowhere":      func(r *result.Result) { r.Ledger.Scheduled++ },
		"a loss without a leg":       func(r *result.Result) { r.Ledger.Lost++; r.Ledger.Scheduled++ },
		"more popped than sent":      func(r *result.Result) { r.Ledger.Popped = r.Ledger.Sent + 1 },
		"a row that counts too much": func(r *result.Result) { r.Timeline[0].Notified++ },
		"a stage that misses a job":  func(r *result.Result) { r.Stages[metric.Queue].Count-- },
		"stages that do not add up":  func(r *result.Result) { *r.Stages[metric.WorkTime].MeanNS += 100 },
		"faults that cancel each other": func(r *result.Result) {
			r.Timeline[0].Sent++
			r.Timeline[1].Sent--
			r.Ledger.LostByLeg[ledger.LegVanished]++
			r.Ledger.LostByLeg[ledger.LegUnheard] += 2
		},
	} {
		r := smallRun(t)
		spoil(r)
		if x := verify.Laws(smallRun(t), r); x.Pass {
			t.Errorf("%s: the laws were kept", name)
		}
	}
}
