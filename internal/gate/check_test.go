package gate_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

// always answers every metric with v.
func always(v float64) func(string) (float64, string, bool) {
	return func(string) (float64, string, bool) { return v, "", true }
}

func parse(t interface {
	Helper()
	Fatal(...any)
}, expr string) threshold.Threshold {
	t.Helper()
	limit, err := threshold.Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	return limit
}

func TestCheckSaysValueLimitAndMargin(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		expr   string
		value  float64
		passed bool
		reason string
	}{
		{"end_to_end.p99 < 50ms", 61.2e6, false, "61.2 ms is 11.2 ms (22%) over the limit of 50 ms"},
		{"end_to_end.p99 < 50ms", 38.75e6, true, "38.8 ms is 11.2 ms (22%) under the limit of 50 ms"},
		{"end_to_end.p99 < 50ms", 50e6, false, "50 ms is the limit itself; less is required"},
		{"end_to_end.p99 <= 50ms", 50e6, true, "50 ms is exactly the limit"},
		{"end_to_end.p99 < 50ms", 50_000_400, false, "50.0004 ms is 400 ns (0.0008%) over the limit of 50 ms"},
		{"queue.max < 1ms", 999_999, true, "0.999999 ms is 1 ns (0.0001%) under the limit of 1 ms"},
		{"lost == 0", 0, true, "0 is exactly what is required"},
		{"lost == 0", 3, false, "3 is 3 over the limit of 0"},
		{"errors != 0", 0, false, "0 is exactly what is not allowed"},
		{"end_to_end.count > 9000", 12345, true, "12,345 is 3,345 (37%) over the limit of 9,000"},
		{"achieved_rate >= 2k/s", 1999.6, false, "1,999.6 jobs/s is 0.4 jobs/s (0.02%) under the limit of 2,000 jobs/s"},
		{"achieved_ratio within 2% of 1", 0.98, true, "0.98 lies between the limits of 0.98 and 1.02"},
		{"achieved_ratio within 2% of 1", 1.02, true, "1.02 lies between the limits of 0.98 and 1.02"},
		{"achieved_ratio within 2% of 1", 0.97, false, "0.97 is 0.01 (1%) under the limit of 0.98"},
		{"achieved_ratio within 2% of 1", 1.03, false, "1.03 is 0.01 (0.98%) over the limit of 1.02"},
	} {
		o := gate.Check(parse(t, row.expr), always(row.value), "")
		if o.Passed != row.passed || o.Reason != row.reason {
			t.Errorf("Check(%q) of %v = %v, %q, want %v, %q", row.expr, row.value, o.Passed, o.Reason, row.passed, row.reason)
		}
		if o.Value == nil || *o.Value != row.value {
			t.Errorf("Check(%q) of %v gives value %v", row.expr, row.value, o.Value)
		}
	}
}

func TestNoThresholdPassesWithoutAValue(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{"lost == 0", "lost != 1", "lost >= 0", "end_to_end.p99 < 1s", "achieved_ratio within 100% of 1"} {
		o := gate.Check(parse(t, expr), func(string) (float64, string, bool) { return 0, "too few jobs", false }, "")
		if o.Passed || o.Value != nil || !strings.Contains(o.Reason, "too few jobs") {
			t.Errorf("Check(%q) without a value = %+v, want it failed with the reason", expr, o)
		}
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			if o := gate.Check(parse(t, expr), always(v), ""); o.Passed || o.Value != nil {
				t.Errorf("Check(%q) of %v = %+v, want it failed without a value", expr, v, o)
			}
		}
	}
}

func TestNoThresholdPassesOnAnInvalidRun(t *testing.T) {
	t.Parallel()
	o := gate.Check(parse(t, "lost == 0"), always(0), "the generator fell behind")
	if o.Passed {
		t.Error("a threshold passed on an invalid run")
	}
	for _, want := range []string{"not decided, since", "the generator fell behind", "0 is exactly what is required"} {
		if !strings.Contains(o.Reason, want) {
			t.Errorf("Reason = %q, want it to contain %q", o.Reason, want)
		}
	}
}

// TestOppositesNeverAgree holds the comparisons to each other, whatever the
// value and the limit.
func TestOppositesNeverAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := float64(rapid.IntRange(0, 5).Draw(t, "value"))
		limit := rapid.SampledFrom([]string{"0", "1", "2", "3", "4"}).Draw(t, "limit")
		for _, pair := range [][2]string{{"<", ">="}, {">", "<="}, {"==", "!="}} {
			a := gate.Check(parse(t, "lost "+pair[0]+" "+limit), always(v), "")
			b := gate.Check(parse(t, "lost "+pair[1]+" "+limit), always(v), "")
			if a.Passed == b.Passed {
				t.Fatalf("of %v, %q and %q both give %v", v, a.Expr, b.Expr, a.Passed)
			}
		}
	})
}

func TestWithoutAValueAThresholdIsUndecidedUnlessABoundDecides(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		expr              string
		atLeast           float64
		passed, undecided bool
	}{
		{"end_to_end.p99 < 50ms", 0, false, true},
		{"end_to_end.p99 < 50ms", 49e6, false, true},
		{"end_to_end.p99 < 50ms", 50e6, false, false},
		{"end_to_end.p99 <= 50ms", 50e6, false, true},
		{"end_to_end.p99 <= 50ms", 51e6, false, false},
		{"end_to_end.p99 within 10% of 50ms", 54e6, false, true},
		{"end_to_end.p99 within 10% of 50ms", 56e6, false, false},
		{"end_to_end.p99 > 50ms", 51e6, true, false},
		{"end_to_end.p99 > 50ms", 49e6, false, true},
		{"end_to_end.p99 != 0s", 51e6, false, true},
		// Jobs that never arrived: nothing passes because of them.
		{"end_to_end.p99 < 50ms", math.Inf(1), false, false},
		{"end_to_end.p99 > 50ms", math.Inf(1), false, false},
	} {
		value := func(string) (float64, string, bool) { return row.atLeast, "too few jobs", false }
		o := gate.Check(parse(t, row.expr), value, "")
		if o.Passed != row.passed || o.Undecided != row.undecided || o.Value != nil || !strings.Contains(o.Reason, "too few jobs") {
			t.Errorf("%s of at least %g = %+v, want passed %t, undecided %t", row.expr, row.atLeast, o, row.passed, row.undecided)
		}
		if o := gate.Check(parse(t, row.expr), value, "the run is invalid"); o.Passed || o.Failed() {
			t.Errorf("%s on an invalid run = %+v, want it undecided", row.expr, o)
		}
		p := gate.Parts{Threshold: parse(t, strings.Replace(row.expr, "p99", "p99 over 2s", 1))}
		p.Add(0, 2*time.Second, value)
		if o := p.Outcome(""); o.Passed != row.passed || o.Undecided != row.undecided {
			t.Errorf("a part of %s of at least %g = %+v, want passed %t, undecided %t", row.expr, row.atLeast, o, row.passed, row.undecided)
		}
	}
}
