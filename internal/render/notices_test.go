package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
)

func textOf(t *testing.T, r *result.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Text(render.Options{Width: 200})(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhatIsSaidOfARunIsSaidOnce(t *testing.T) {
	t.Parallel()
	broken := rendertest.Failed(t)
	broken.Validity.Reasons = []string{"an error ended the run: " + broken.Run.Error}
	twice := rendertest.Lossy(t)
	twice.Warnings = append(twice.Warnings, twice.Warnings...)
	asReason := rendertest.Lossy(t)
	asReason.Warnings = append(asReason.Warnings, asReason.Validity.Reasons[1])
	for name, c := range map[string]struct {
		r    *result.Result
		says string
	}{
		"the error that ended it":          {broken, broken.Run.Error},
		"a warning that came twice":        {twice, "the run was short"},
		"a warning that is a reason, too":  {asReason, asReason.Validity.Reasons[1]},
		"that it was stopped from outside": {rendertest.Interrupted(t), "stopped from outside"},
	} {
		if text := textOf(t, c.r); strings.Count(text, c.says) != 1 {
			t.Errorf("%s: %q stands %d times in\n%s", name, c.says, strings.Count(text, c.says), text)
		}
	}
}

func TestASentenceEndsOnce(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	r.Validity.Reasons = []string{"the generator was held up; is the machine busy?", "it ended.", "and so on"}
	text := textOf(t, r)
	for _, bad := range []string{"?.", "..", ".;", "?;"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q in\n%s", bad, text)
		}
	}
}

func TestCPUTimeOfWorkersIsShownBesideTheOthers(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	v, w := 3.2e6, 12_000.0
	r.Scalars["worker_cpu_per_job"], r.Scalars["redis_cpu_per_job"] = &v, &w
	if text := textOf(t, r); !strings.Contains(text, "queuedyno 84.2 µs, workers 3.20 ms, Redis 12.0 µs a job") {
		t.Error(text)
	}
}

func TestATableHasOneUnitWhereTheSpreadAllowsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wanted   string
		headline float64
		ns       []float64
		want     string // empty: no one unit serves
	}{
		{"ms", 1.25e6, []float64{2_070, 60e3, 16.1e6}, "ms"},
		{"", 100e6, []float64{66_600, 100e6, 101e6}, "ms"}, // not 0.100 s
		{"", 1e9, []float64{66_600, 1e9}, "ms"},            // 0.0666 and 1,000
		{"s", 100e6, []float64{3e6, 200e6}, "s"},           // the unit of the limit
		{"s", 1e6, []float64{1e6, 2e6}, "ms"},              // the limit is far off
		{"", 250e3, []float64{400, 250e3}, "µs"},           // 0.400 and 250
		{"", 1e9, []float64{100, 3600e9}, ""},              // from 100 ns to an hour
		{"", 0, nil, ""},
	} {
		got, ok := render.TableUnit(c.wanted, c.headline, c.ns...)
		if !ok {
			got = ""
		}
		if got != c.want {
			t.Errorf("unit of %v with a limit in %q = %q, want %q", c.ns, c.wanted, got, c.want)
		}
	}
}

func TestNextToNothingIsNotWrittenOut(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{-1.13e-8: "> -0.0001", 1e-5: "< 0.0001", 0: "0", 0.00123: "0.00123", 1234: "1,234", -2.5: "-2.50"} {
		if got := number.Plain(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestRowsOfATenthOfASecondReadAsSeconds(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	whole := r.Timeline
	r.Timeline = nil
	for _, s := range whole {
		for i := range 10 {
			part := s
			part.LengthS, part.ElapsedS = s.LengthS/10, s.ElapsedS-s.LengthS*float64(9-i)/10
			part.Offered, part.Sent, part.Notified = s.Offered/10, s.Sent/10, s.Notified/10
			part.BacklogMax = int64(i * 100)
			if i < 9 {
				part.Stages = map[metric.Stage]*result.SecondStage{}
			} else {
				part.Notified = s.Notified - 9*(s.Notified/10)
			}
			r.Timeline = append(r.Timeline, part)
		}
	}
	var b bytes.Buffer
	if err := render.Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"At most 900 jobs sent and not yet notified, at 1.0 s.",
		"|    2.000 | window |   1,000 | 1,000 |      999 |       1 |         900 |",
	} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("no %q in\n%s", line, b.String())
		}
	}
}
