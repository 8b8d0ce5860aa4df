package study_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func limits(t *testing.T, exprs ...string) (slo []threshold.Threshold) {
	t.Helper()
	for _, e := range exprs {
		one, err := threshold.Parse(e)
		if err != nil {
			t.Fatal(err)
		}
		slo = append(slo, one)
	}
	return slo
}

// carried is the result of a run in which 1,000 jobs took 10 ms each, with a
// backlog of ten jobs all the time.
func carried(t *testing.T, slow, missing int) *result.Result {
	t.Helper()
	h := latency.New()
	for i := range 1000 - missing {
		if i < slow {
			h.Record(int64(60 * time.Millisecond))
		} else {
			h.Record(int64(10 * time.Millisecond))
		}
	}
	hdr, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	offered, ratio := 100.0, 1.0
	r := &result.Result{
		Scenario: scenario.Scenario{Name: "s", Load: scenario.Load{Rate: pace.PerSecond(100)}},
		Window:   result.Window{ToNS: int64(10 * time.Second), Scheduled: 1000, Completed: int64(1000 - missing)},
		Rates:    result.Rates{OfferedPerS: &offered, AchievedPerS: 100, AchievedRatio: &ratio},
		Ledger:   result.Ledger{Lost: int64(missing)},
		Stages:   map[metric.Stage]*result.StageSummary{metric.EndToEnd: {Count: int64(1000 - missing), HDR: hdr}},
		Validity: result.Validity{Verdict: result.Valid},
	}
	for s := range 10 {
		r.Timeline = append(r.Timeline, result.Second{ElapsedS: float64(s + 1), LengthS: 1, Backlog: 10})
	}
	return r
}

// use sets what was in use of a host with two CPUs: of all of them, of
// those this process may use, and of the one that Redis uses.
func use(r *result.Result, host, process, redis float64) {
	r.Validity.Usage = result.Usage{Host: &host, Generator: &process, Redis: &redis, CPUs: 2, AllowedCPUs: 2, RedisHere: true}
}

func TestJudgeSaysWhyATrialIsNotGood(t *testing.T) {
	t.Parallel()
	plain := limits(t, "end_to_end.p99 < 50ms")
	strict := limits(t, "end_to_end.p99 < 50ms", "lost == 0")
	for _, c := range []struct {
		name    string
		r       *result.Result
		slo     []threshold.Threshold
		cut     string
		growing string
		alter   func(*result.Result)
		want    capacity.Verdict
		why     string
	}{
		{name: "all is well", r: carried(t, 0, 0), slo: strict, want: capacity.Good},
		{name: "one in a hundred may be late", r: carried(t, 10, 0), slo: strict, want: capacity.Good},
		{name: "one more may not", r: carried(t, 11, 0), slo: strict, want: capacity.Bad, why: "11 of 1000"},
		{name: "lost jobs are late", r: carried(t, 6, 5), slo: plain, want: capacity.Bad, why: "11 of 1000"},
		{name: "lost jobs within the quantile, not limited", r: carried(t, 0, 5), slo: plain, want: capacity.Good},
		{name: "lost jobs", r: carried(t, 0, 5), slo: strict, want: capacity.Bad, why: "lost == 0"},
		{name: "a value at the limit is beyond a strict one", r: carried(t, 0, 0), slo: limits(t, "end_to_end.p99 < 5ms"), want: capacity.Bad},
		{name: "the backlog grows", r: carried(t, 0, 0), slo: strict, growing: "the backlog grew", want: capacity.Bad, why: "the backlog grew"},
		{
			name: "it takes too long to drain", r: carried(t, 0, 0), slo: strict, want: capacity.Bad, why: "its last job arrived 3s after the end",
			alter: func(r *result.Result) { r.Window.DrainNS = int64(3 * time.Second) },
		},
		{
			name: "the generator could not keep up", r: carried(t, 500, 0), slo: strict, want: capacity.Invalid, why: "could not keep up",
			alter: func(r *result.Result) {
				r.Validity.Checks = map[string]result.Check{"sent_in_time": {Passed: false, Detail: "90%"}}
			},
		},
		{
			name: "the slow jobs' time went to the host", r: carried(t, 500, 0), slo: strict, want: capacity.Invalid, why: "busy host",
			alter: func(r *result.Result) {
				r.Validity.Triage = result.Triage{Where: usage.Host, Detail: "busy host"}
			},
		},
		{
			name: "a CPU limit took the time, and other programs were busy too", r: carried(t, 500, 0), slo: strict, want: capacity.Invalid, why: "cpu limit: the CPU limit of 0.2 CPUs",
			alter: func(r *result.Result) {
				use(r, 0.95, 0.10, 0.10)
				r.Validity.Usage.CPULimit, r.Validity.Usage.Throttled = 0.2, ptr(0.9)
				r.Validity.Triage = result.Triage{Where: usage.CPULimit, Limit: &result.Limit{Part: usage.CPULimit}}
			},
		},
		{
			name: "the host took time and the SLO was kept anyway", r: carried(t, 0, 0), slo: strict, want: capacity.Good,
			alter: func(r *result.Result) {
				r.Validity.Triage = result.Triage{Where: usage.Host, Detail: "busy host"}
			},
		},
		{
			name: "other programs used the host", r: carried(t, 500, 0), slo: strict, want: capacity.Invalid, why: "other programs used 80%",
			alter: func(r *result.Result) { use(r, 0.95, 0.10, 0.10) },
		},
		{
			name: "we used the host ourselves", r: carried(t, 500, 0), slo: strict, want: capacity.Bad,
			alter: func(r *result.Result) { use(r, 0.95, 0.60, 0.60) },
		},
		{
			name: "an invalid run", r: carried(t, 500, 0), slo: strict, want: capacity.Invalid, why: "strangers",
			alter: func(r *result.Result) {
				r.Validity.Verdict, r.Validity.Reasons = result.Invalid, []string{"strangers"}
			},
		},
		{
			name: "nothing completed is the system's fault", r: carried(t, 0, 1000), slo: strict, want: capacity.Bad,
			alter: func(r *result.Result) {
				r.Validity.Verdict, r.Validity.Reasons = result.Invalid, []string{"nothing to measure"}
			},
		},
		{name: "ended early", r: carried(t, 0, 0), slo: strict, cut: "a flood", want: capacity.Bad, why: "a flood"},
	} {
		if c.alter != nil {
			c.alter(c.r)
		}
		got, reasons, passing := study.Judge(c.r, c.slo, c.cut, c.growing)
		if got != c.want || !strings.Contains(strings.Join(reasons, "; "), c.why) || (got == capacity.Good) != (len(reasons) == 0) || passing != strings.HasPrefix(c.name, "other programs") {
			t.Errorf("%s: %s %q, passing %t; want %s because of %q", c.name, got, reasons, passing, c.want, c.why)
		}
	}
}

func TestLossIsLimitedUnlessTheLimitsSaySo(t *testing.T) {
	t.Parallel()
	slo := limits(t, "end_to_end.p99 < 50ms")
	if got := study.WithLoss(slo); len(got) != 2 || got[1].String() != "lost == 0" || len(slo) != 1 {
		t.Errorf("WithLoss = %v, want lost == 0 added to a copy", got)
	}
	own := limits(t, "lost < 10")
	if got := study.WithLoss(own); len(got) != 1 {
		t.Errorf("WithLoss = %v, want the user's own limit alone", got)
	}
}

func TestRatesAreOfferedToAThousandthOfAJobPerSecond(t *testing.T) {
	t.Parallel()
	for want, text := range map[float64]string{1234: "1234/s", 189.7: "1897/10s", 0.5: "5/10s", 20000: "20000/s", 0.0001: "1/16m40s"} {
		got := study.RateOf(want)
		if got.String() != text {
			t.Errorf("RateOf(%v) = %s, want %s", want, got, text)
		}
		if _, err := pace.ParseRate(got.String()); err != nil {
			t.Errorf("RateOf(%v): %v", want, err)
		}
	}
}

func TestTrialsAreLongEnoughForTheirLimits(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]time.Duration{
		"end_to_end.p99 < 50ms": 5 * time.Second, "end_to_end.p99 < 4s": 8 * time.Second, "queue.p50 < 60m": 30 * time.Second, "lost == 0": 5 * time.Second,
	} {
		if got := study.TrialLength(limits(t, expr)); got != want {
			t.Errorf("TrialLength(%s) = %s, want %s", expr, got, want)
		}
	}
}
