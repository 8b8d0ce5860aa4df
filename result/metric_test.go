package result_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/threshold"
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

func TestAMetricOfFaultsIsThatOfTheWorstOrOfTheOneWithTheName(t *testing.T) {
	t.Parallel()
	ns := func(d time.Duration) *int64 { return new(int64(d)) }
	const s = time.Second
	known := []result.Fault{
		{Name: "crash", Fault: "5s:kill=redis,restart=1s,name=crash", BeganNS: ns(5 * s), Lost: 17, Duplicated: 1, NoticedNS: ns(0), RecoveredNS: ns(3 * s)},
		{Fault: "20s+1s:pause=redis", BeganNS: ns(20 * s), Lost: 2, Duplicated: 4, NoticedNS: ns(s), RecoveredNS: ns(s)},
		{Name: "slow", Fault: "30s+1s:slow=workers,factor=4,name=slow", BeganNS: ns(30 * s), NoticedNS: ns(s / 2), RecoveredNS: ns(2 * s)},
	}
	unknown := append([]result.Fault{
		{Name: "late", Fault: "40s:disconnect=consumers,name=late"},
		{Name: "open", Fault: "50s+1s:pause=redis,name=open", BeganNS: ns(50 * s), Why: map[string]string{"noticed": "unnoticed", "recovered": "run_ended"}},
	}, known...)
	for _, row := range []struct {
		faults []result.Fault
		metric string
		want   float64
		why    string // empty where there is a value
	}{
		{known, "fault.lost", 17, ""}, {known, "fault.duplicated", 4, ""}, {known, "fault.detection", 1e9, ""}, {known, "fault.recovery", 3e9, ""},
		{known, "fault.crash.lost", 17, ""}, {known, "fault.crash.duplicated", 1, ""}, {known, "fault.crash.detection", 0, ""}, {known, "fault.slow.recovery", 2e9, ""},
		{known, "fault.slow.lost", 0, ""},
		{unknown, "fault.crash.recovery", 3e9, ""},
		{unknown, "fault.open.lost", 0, ""},
		{unknown, "fault.open.recovery", 0, "the run ended before open was recovered from"},
		{unknown, "fault.open.detection", 0, "no error and no long gap"},
		{unknown, "fault.late.lost", 0, "late did not happen: the load was over"},
		{unknown, "fault.lost", 0, "late did not happen"}, // and might have been the worst
		{unknown[1:], "fault.recovery", 0, "before open was recovered from"},
		{unknown[1:], "fault.lost", 17, ""},
		{known, "fault.crush.lost", 0, "no fault with the name crush"},
		{known, "fault.crash.lots", 0, "unknown metric"},
		{nil, "fault.lost", 0, "no faults"},
	} {
		r := &result.Result{Faults: row.faults, Scalars: map[string]*float64{}}
		for _, m := range metric.Metrics() {
			if metric.OfFaults(m.Name) {
				r.Scalars[m.Name] = r.WorstFault(m.Name)
			}
		}
		v, reason, ok := r.Metric(row.metric)
		if v != row.want || ok != (row.why == "") || !strings.Contains(reason, row.why) {
			t.Errorf("of %d faults, Metric(%q) = %v, %q, %t; want %v, or none because %q", len(row.faults), row.metric, v, reason, ok, row.want, row.why)
		}
		limit, err := threshold.Parse(row.metric + " >= 0" + map[bool]string{true: "s"}[strings.HasSuffix(row.metric, "recovery") || strings.HasSuffix(row.metric, "detection")])
		if err != nil {
			continue // it cannot be limited at all
		}
		if o := gate.Check(limit, r.Metric, ""); o.Passed != (row.why == "") {
			t.Errorf("of %d faults, %s passed: %t (%s); want a figure that is missing to pass nothing", len(row.faults), o.Expr, o.Passed, o.Reason)
		}
	}
}
