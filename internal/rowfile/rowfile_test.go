package rowfile_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/rowfile"
	"github.com/queuedyno/queuedyno/internal/rowlength"
	"github.com/queuedyno/queuedyno/scenario"
)

// logged writes so many seconds of two stages, and returns the rows of the log and, for
// each stage, all that was added.
func logged(t *testing.T, rows rowlength.Rows, seconds int) (lines []string, whole map[string]*latency.Histogram) {
	t.Helper()
	f, err := rowfile.New(rows)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Remove(); err != nil {
			t.Error(err)
		}
	}()
	dice := rand.New(rand.NewPCG(1, 2))
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	whole = map[string]*latency.Histogram{"queue": latency.New(), "end_to_end": latency.New()}
	h := latency.New()
	for i := range seconds {
		start := time.Duration(i) * time.Second
		for _, stage := range []metric.Stage{metric.Queue, metric.EndToEnd} {
			h.Reset()
			for range 20 {
				h.Record(int64(dice.ExpFloat64() * 1e6))
			}
			whole[string(stage)].Merge(h)
			f.Add(latency.Interval{Stage: stage, From: epoch.Add(start), Start: start, Length: time.Second, Histogram: h})
		}
	}
	files, err := f.Finish()
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var b bytes.Buffer
	if err := files[0].Encode(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "Tag=") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines, whole
}

// The rows of a long run are merged without a loss: together they have the histogram, and
// with it the quantiles, of all jobs.
func TestTheLogOfALongRunIsBoundedAndExact(t *testing.T) {
	t.Parallel()
	known := scenario.Scenario{Load: scenario.Load{Duration: 2 * time.Minute}}
	for name, c := range map[string]struct {
		rows        rowlength.Rows
		least, most int
	}{
		"rows of a second":  {rowlength.Of(known, 0), 120, 120},
		"rows of 10 s":      {rowlength.Of(known, 12), 12, 12},
		"an unknown length": {rowlength.Of(scenario.Scenario{Load: scenario.Load{InFlight: 1}}, 12), 12, 12 + 4*6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, whole := logged(t, c.rows, 120)
			if n := len(lines) / 2; n < c.least || n > c.most {
				t.Errorf("%d rows a stage, want %d to %d", n, c.least, c.most)
			}
			ends := map[string]string{}
			sums := map[string]*latency.Histogram{"queue": latency.New(), "end_to_end": latency.New()}
			for _, line := range lines {
				cells := strings.Split(strings.TrimPrefix(line, "Tag="), ",")
				h, err := latency.Decode(cells[4])
				if err != nil {
					t.Fatal(err)
				}
				sums[cells[0]].Merge(h)
				ends[cells[0]] = cells[1]
			}
			for stage, want := range whole {
				got := sums[stage]
				if got.Count() != want.Count() {
					t.Errorf("%s: %d jobs, want %d", stage, got.Count(), want.Count())
				}
				for _, q := range []float64{0.5, 0.9, 0.99} {
					a, err1 := got.Quantile(q, 0)
					b, err2 := want.Quantile(q, 0)
					// The log knows the extremes of a row by their buckets.
					if err1 != nil || err2 != nil || float64(a) < 0.999*float64(b) || float64(a) > 1.001*float64(b) {
						t.Errorf("%s: the quantile %v is %d (%v), want %d (%v)", stage, q, a, err1, b, err2)
					}
				}
			}
		})
	}
}

func TestNothingIsLeftInTheTemporaryDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	logged(t, rowlength.Of(scenario.Scenario{}, 0), 3)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
}
