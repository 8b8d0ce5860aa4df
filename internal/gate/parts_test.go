package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/gate"
)

func TestTheWorstPartDecides(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		expr   string
		values []float64
		passed bool
		worst  float64
		from   string
	}{
		{"queue.p99 over 2s < 80ms", []float64{10e6, 70e6, 20e6}, true, 70e6, "from 2 s to 4 s"},
		{"queue.p99 over 2s < 80ms", []float64{10e6, 90e6, 85e6}, false, 90e6, "from 2 s to 4 s"},
		{"achieved_rate over 2s >= 900/s", []float64{950, 990, 910}, true, 910, "from 4 s to 6 s"},
		{"achieved_ratio over 2s within 5% of 1", []float64{1.04, 0.93, 1.06}, false, 0.93, "from 2 s to 4 s"},
	} {
		p := gate.Parts{Threshold: parse(t, row.expr)}
		for i, v := range row.values {
			at := time.Duration(2*i) * time.Second
			p.Add(at, at+2*time.Second, always(v))
		}
		o := p.Outcome("")
		if o.Passed != row.passed || o.Value == nil || *o.Value != row.worst || !strings.Contains(o.Reason, row.from) {
			t.Errorf("%q of %v = %+v, want passed %t by %v %s", row.expr, row.values, o, row.passed, row.worst, row.from)
		}
		if o := p.Outcome("the run is invalid"); o.Passed {
			t.Errorf("%q passed on an invalid run", row.expr)
		}
	}
}

func TestPartsWithoutAValueDoNotPass(t *testing.T) {
	t.Parallel()
	p := gate.Parts{Threshold: parse(t, "queue.p99 over 1s < 80ms")}
	if o := p.Outcome(""); o.Passed || !strings.Contains(o.Reason, "no part of 1 s") {
		t.Errorf("without a part: %+v", o)
	}
	p.Add(0, time.Second, always(1e6))
	if o := p.Outcome(""); !o.Passed {
		t.Errorf("with one good part: %+v", o)
	}
	p.Add(time.Second, 2*time.Second, func(string) (float64, string, bool) { return 0, "no job arrived", false })
	if o := p.Outcome(""); o.Passed || o.Value != nil || !strings.Contains(o.Reason, "1 of 2 parts of 1 s tell nothing") {
		t.Errorf("with a part that tells nothing: %+v", o)
	}
	p.Add(2*time.Second, 3*time.Second, always(90e6))
	if o := p.Outcome(""); o.Passed || o.Value == nil || *o.Value != 90e6 {
		t.Errorf("with a part that fails: %+v", o)
	}
}

func TestTheMarginIsTheShareOfTheLimitThatIsLeft(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		expr  string
		value float64
		want  float64
	}{
		{"queue.p99 < 80ms", 60e6, 0.25},
		{"queue.p99 < 80ms", 100e6, -0.25},
		{"achieved_rate > 1000/s", 750, -0.25},
		{"achieved_ratio within 50% of 1", 0.75, 0.25},
	} {
		if o := gate.Check(parse(t, row.expr), always(row.value), ""); o.Margin == nil || *o.Margin != row.want || o.Limit != parse(t, row.expr).Value {
			t.Errorf("%q of %v: %+v, want a margin of %v", row.expr, row.value, o, row.want)
		}
	}
	if o := gate.Check(parse(t, "lost == 0"), always(3), ""); o.Margin != nil {
		t.Errorf("a limit of 0 has the margin %v", *o.Margin)
	}
}
