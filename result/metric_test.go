package result_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
)

// A quantile that falls among jobs that never arrived is infinite however few
// jobs there were, and the reason is the loss and not the number.
func TestTheReasonOfAMissingQuantileIsTheOneThatDecides(t *testing.T) {
	t.Parallel()
	few := result.Missing{Code: result.TooFewJobs, Need: 1000, Have: 200}
	for _, c := range []struct {
		arrived, lost int64
		infinite      bool
		reason        string
	}{
		{100, 100, true, "100 of 200 jobs that never arrived"},
		{180, 20, true, "20 of 200 jobs that never arrived"},
		{200, 0, false, "too few jobs"},
	} {
		h := latency.New()
		for range c.arrived {
			h.Record(int64(2 * time.Millisecond))
		}
		hdr, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r := &result.Result{Stages: map[result.Stage]*result.StageSummary{
			metric.EndToEnd: {Count: c.arrived, Censored: c.lost, HDR: hdr, Missing: map[string]result.Missing{"p99": few}},
		}}
		v, reason, ok := r.Metric("end_to_end.p99")
		if ok || math.IsInf(v, 1) != c.infinite || !strings.Contains(reason, c.reason) {
			t.Errorf("%d arrived, %d lost: %v, %q, %v; want infinite %v and a reason with %q", c.arrived, c.lost, v, reason, ok, c.infinite, c.reason)
		}
	}
}
