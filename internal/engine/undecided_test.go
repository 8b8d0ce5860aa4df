package engine_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestAQuantileWithTooFewJobsDecidesWhatItIsAtLeast(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fast, slow, lost          int64 // jobs of 1 ms, of 100 ms, and lost
		passed, failed, undecided bool
	}{
		"30 of 400 over the limit":         {fast: 370, slow: 30, failed: true},
		"10 of 400 over the limit":         {fast: 390, slow: 10, undecided: true},
		"none of 400":                      {fast: 400, undecided: true},
		"a handful of jobs":                {slow: 5, undecided: true},
		"30 of 400 lost":                   {fast: 370, lost: 30, failed: true},
		"20 slow and 10 lost":              {fast: 370, slow: 20, lost: 10, failed: true},
		"none of 400 slow and only 5 lost": {fast: 395, lost: 5, undecided: true},
	} {
		h := latency.New()
		for range row.fast {
			h.Record(1e6)
		}
		for range row.slow {
			h.Record(100e6)
		}
		hdr, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r := &result.Result{
			Scenario: scenario.Scenario{Thresholds: []string{"end_to_end.p99 < 50ms"}},
			Validity: result.Validity{Verdict: result.Valid},
			Stages: map[metric.Stage]*result.StageSummary{metric.EndToEnd: {
				Count: h.Count(), Censored: row.lost, HDR: hdr, Missing: map[string]result.Missing{"p99": {Code: result.TooFewJobs, Need: 1000, Have: h.Count()}},
			}},
		}
		all, err := gate.Thresholds(r)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		if o := all[0]; o.Passed != row.passed || o.Failed() != row.failed || o.Undecided != row.undecided {
			t.Errorf("%s: %+v, want passed %t, failed %t, undecided %t", name, o, row.passed, row.failed, row.undecided)
		}
	}
}
