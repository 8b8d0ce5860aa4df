package study_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestCellsAreAllCombinations(t *testing.T) {
	t.Parallel()
	d := []study.Dimension{{Field: "consumers", Values: []int{1, 2}}, {Field: "batch", Values: []int{10, 20, 30}}}
	var names []string
	for _, c := range study.Cells(d) {
		names = append(names, study.Name(d, c.Values))
		if s := study.At(scenario.Scenario{}, d, c.Values); s.Consumers != c.Values[0] || s.Batch != c.Values[1] {
			t.Errorf("At(%v) has %d consumers and batches of %d", c.Values, s.Consumers, s.Batch)
		}
		if c.Answer.Status != capacity.Unknown || c.Settled() {
			t.Errorf("%v begins with %+v, want nothing known", c.Values, c.Answer)
		}
	}
	want := "consumers=1 batch=10;consumers=1 batch=20;consumers=1 batch=30;consumers=2 batch=10;consumers=2 batch=20;consumers=2 batch=30"
	if got := strings.Join(names, ";"); got != want {
		t.Errorf("cells %s, want %s", got, want)
	}
}

func TestEveryFieldThatCanBeVariedChangesTheScenario(t *testing.T) {
	t.Parallel()
	for _, name := range study.Fields() {
		d := []study.Dimension{{Field: name, Values: []int{3, 7}}}
		three, seven := study.At(scenario.Scenario{}, d, []int{3}), study.At(scenario.Scenario{}, d, []int{7})
		if faults := study.CheckDimensions(d); len(faults) > 0 || cmp.Equal(three, seven) {
			t.Errorf("%s: 3 and 7 make the same scenario, or faults %q", name, faults)
		}
	}
}

func TestWhatCannotBeVariedIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	faults := strings.Join(study.CheckDimensions([]study.Dimension{
		{Field: "consumers", Values: []int{1, 0, 1}}, {Field: "rate", Values: []int{5}}, {Field: "consumers"},
	}), "\n")
	for _, want := range []string{
		`"rate" cannot be varied; what can is consumers`, "consumers is varied twice", "consumers has no values",
		"consumers=0 must be at least 1", "consumers=1 is given twice", "3 fields are varied, and at most 2",
	} {
		if !strings.Contains(faults, want) {
			t.Errorf("faults are %q, and %q is not among them", faults, want)
		}
	}
}

func TestWhatWasInterruptedComesBeforeWhatCanBeImproved(t *testing.T) {
	t.Parallel()
	cell := func(status capacity.Status, high float64, interrupted bool, trials int) study.Cell {
		return study.Cell{Answer: capacity.Answer{Status: status, Rate: 100, High: high}, Interrupted: interrupted, Trials: make([]capacity.Trial, trials)}
	}
	narrow, wide := cell(capacity.Confirmed, 105, false, 9), cell(capacity.Confirmed, 200, false, 3)
	cut, untouched := cell(capacity.Estimated, 105, true, 3), cell(capacity.Unknown, 0, false, 0)
	none, estimated := cell(capacity.NoRate, 0, false, 5), cell(capacity.Estimated, 110, false, 5)
	for _, c := range []struct {
		cells []study.Cell
		want  []int
	}{
		{[]study.Cell{narrow, wide, cut, untouched, none}, []int{2, 3}},
		{[]study.Cell{narrow, wide, none, estimated}, []int{1, 3}},
		{[]study.Cell{narrow, none}, nil},
	} {
		if got := study.Pending(c.cells); !slices.Equal(got, c.want) {
			t.Errorf("Pending = %v, want %v", got, c.want)
		}
	}
}

// scaled are cells whose medians follow a law with a contention of 3%.
func scaled(sizes ...int) (cells []study.Cell) {
	law := capacity.Scaling{Lambda: 200, Sigma: 0.03}
	for _, n := range sizes {
		x := law.At(float64(n))
		cells = append(cells, study.Cell{Values: []int{n}, Answer: capacity.Answer{Status: capacity.Confirmed, Rate: x, Low: x * 0.98, Median: x, High: x * 1.02}})
	}
	return cells
}

func TestTheLawOfScalingIsFittedToWhatTheSystemCarries(t *testing.T) {
	t.Parallel()
	consumers := []study.Dimension{{Field: "consumers", Values: []int{1, 2, 4, 8, 16, 32, 64}}}
	cells := scaled(1, 2, 4, 8, 16, 32, 64)
	// At the greatest size the generator gave out: what it carries is not known.
	cells[6].Answer.Status, cells[6].Answer.Median = capacity.AtLeast, 500
	s := study.Scale(consumers, cells)
	if s == nil || s.Refused != "" || len(s.Sizes) != 6 || s.Sigma < 0.029 || s.Sigma > 0.031 {
		t.Errorf("%+v; want a contention of 0.03 from six sizes", s)
	}
	cells[5].Answer.High *= 2
	if s := study.Scale(consumers, cells); !strings.Contains(s.Refused, "there are 5; at 1 more what makes the load gave out first; at 1 more too little is known") {
		t.Errorf("refused with %q", s.Refused)
	}
	if s := study.Scale([]study.Dimension{{Field: "payload", Values: []int{1}}}, cells); !strings.Contains(s.Refused, "payload is no number of things") {
		t.Errorf("a law by payload: %+v", s)
	}
	if s := study.Scale(append(consumers, consumers...), cells); s != nil {
		t.Errorf("a law of two fields: %+v", s)
	}
}

func TestWorkersInVirtualTimeScaleInProportion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := []study.Dimension{{Field: "consumers", Values: []int{1, 2, 3, 4, 6, 8}}}
		cells := study.Cells(d)
		for i := range cells {
			l := lab(t, 0, 10*time.Millisecond, nil)
			l.Scenario = study.At(l.Scenario, d, cells[i].Values)
			var err error
			cells[i].Trials, cells[i].Answer, err = capacity.Search(t.Context(), l.Probe, capacity.Options{
				Trial: 2 * time.Second, Confirm: 5 * time.Second, Budget: time.Minute,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		s := study.Scale(d, cells)
		if s.Refused != "" || s.Lambda < 95 || s.Lambda > 105 || s.Sigma > 0.01 || s.Kappa > 0.001 {
			t.Errorf("%+v; want 100 jobs/s for each worker and no loss", s)
		}
	})
}

func TestTrialsAreAsShortAsTheBudgetAndTheLimitsAsk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		slo          string
		budget, want time.Duration
	}{
		{"end_to_end.p99 < 50ms", 10 * time.Minute, 5 * time.Second},
		{"end_to_end.p99 < 50ms", time.Minute, 2500 * time.Millisecond},
		{"end_to_end.p99 < 50ms", 5 * time.Second, time.Second},
		{"end_to_end.p99 < 10s", 30 * time.Second, 1300 * time.Millisecond},
	} {
		if got := study.TrialWithin(limits(t, c.slo), c.budget); got != c.want {
			t.Errorf("TrialWithin(%s, %s) = %s, want %s", c.slo, c.budget, got, c.want)
		}
	}
}

func TestWhatIsVariedIsReadWithItsValues(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"consumers=1,2,4": "consumers=1,2,4", " batch = 1 , 10": "batch=1,10", "payload=0,1KB,1KiB": "payload=0,1000,1024",
	} {
		if d, err := study.ParseDimension(s); err != nil || d.String() != want {
			t.Errorf("ParseDimension(%q) = %s, %v; want %s", s, d, err, want)
		}
	}
	for s, want := range map[string]string{
		"": "not of the form", "consumers": "not of the form", "consumers=": "not of the form", "consumers=1,,2": `"" is not a whole number`,
		"consumers=1KB": `"1KB" is not a whole number`, "payload=x": "not a size in bytes", "payload=1..9": "not a single size",
	} {
		if _, err := study.ParseDimension(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseDimension(%q): %v, want %q", s, err, want)
		}
	}
}
