package validity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func ptr[T any](v T) *T { return &v }

// run is the result of a run, and what else was measured.
type run struct {
	result.Result
	validity.Measured
}

func (r run) judge() result.Validity {
	v, _ := validity.Judge(&r.Result, r.Measured)
	return v
}

// p99 sets the 99th percentile of a stage.
func (r *run) p99(stage result.Stage, d time.Duration) { r.Stages[stage].P99NS = ptr(int64(d)) }

// all is a histogram of many values that are the same.
func all(d time.Duration) *latency.Histogram {
	h := latency.New()
	for range 2000 {
		h.Record(int64(d))
	}
	return h
}

// good is a run that nothing is wrong with.
func good() run {
	stage := func(p50, p99 time.Duration) *result.StageSummary {
		return &result.StageSummary{P50NS: ptr(int64(p50)), P99NS: ptr(int64(p99))}
	}
	return run{
		Result: result.Result{
			Scenario: scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(1000)}},
			Window:   result.Window{Completed: 10_000},
			Ledger:   result.Ledger{LostByLeg: map[result.Leg]int64{}},
			Server:   result.Server{Deltas: map[string]float64{}},
			Stages: map[result.Stage]*result.StageSummary{
				metric.EndToEnd: stage(1250*time.Microsecond, 2*time.Millisecond),
				metric.FromSend: stage(1200*time.Microsecond, 1900*time.Microsecond),
				metric.Lateness: stage(50*time.Microsecond, 100*time.Microsecond),
				metric.WorkTime: stage(800*time.Microsecond, 900*time.Microsecond),
			},
		},
		Measured: validity.Measured{
			Schedule: validity.Schedule{SentInTime: ptr(1.0), LateShare: ptr(0.001), LateLimit: time.Millisecond, TailShare: ptr(0.01)},
			Probes:   probe.Findings{Hiccup: all(100 * time.Microsecond), Echo: all(150 * time.Microsecond), Ping: all(200 * time.Microsecond)},
			Usage:    usage.Usage{CPUs: 2, AllowedCPUs: 2, RedisHere: true},
			Course:   validity.Course{Settled: true, WarmupExcess: 1},
		},
	}
}

func TestAGoodRunIsValidWithoutReasons(t *testing.T) {
	t.Parallel()
	e := good()
	v, notes := validity.Judge(&e.Result, e.Measured)
	if v.Verdict != result.Valid || len(v.Reasons) != 0 || len(notes) != 0 || v.Triage.Where != "" {
		t.Errorf("verdict %+v", v)
	}
	for name, c := range v.Checks {
		if !c.Passed || c.Detail == "" {
			t.Errorf("check %s: %+v", name, c)
		}
	}
}

func TestEachFaultHasItsVerdictAndItsReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		spoil   func(*run)
		verdict string
		reason  string // in the reasons, or in the notes when the verdict stays
	}{
		{"nothing completed", func(e *run) { e.Window.Completed = 0 }, result.Invalid, "nothing to measure"},
		{"an error", func(e *run) { e.Result.Run.Error = "EOF" }, result.Invalid, "EOF"},
		{"a limit", func(e *run) { e.Limited = "max_in_flight" }, result.Invalid, "max_in_flight"},
		{"a broken clock", func(e *run) { e.Negative = 3 }, result.Invalid, "clock"},
		{"a load that was not sent", func(e *run) { e.Schedule.SentInTime = ptr(0.9) }, result.Invalid, "generator could not keep up"},
		{"many late jobs", func(e *run) { e.Schedule.LateShare = ptr(0.2) }, result.Suspect, "held up"},
		{"a median that is the generator's", func(e *run) { *e.Stages[metric.FromSend].P50NS = 500_000 }, result.Suspect, "end_to_end.p50 is generator-affected"},
		{"a tail that is the generator's", func(e *run) {
			e.Schedule.TailShare = ptr(0.5)
			*e.Stages[metric.FromSend].P99NS = 1_000_000
		}, result.Suspect, "the tail is not the server's"},
		{"another consumer", func(e *run) { e.Strangers = 5 }, result.Invalid, "another consumer"},
		{"jobs that vanished", func(e *run) { e.Ledger.LostByLeg[ledger.LegVanished] = 5 }, result.Invalid, "another consumer"},
		{"a subscriber thrown out", func(e *run) { e.Connections.Resubscribed = 1 }, result.Suspect, "client-output-buffer-limit"},
		{"evicted keys", func(e *run) { e.Server.Deltas["evicted_keys"] = 9 }, result.Suspect, "evicted"},
		{"steal", func(e *run) { e.Measured.Host.Steal = ptr(0.2) }, result.Suspect, "hypervisor"},
		{"garbage", func(e *run) { e.Measured.Host.GC = ptr(0.2) }, result.Suspect, "garbage"},
		{"a starved scheduler", func(e *run) { e.Measured.Host.SchedP99 = ptr(20 * time.Millisecond) }, result.Suspect, "Go scheduler"},
		{"a host too busy", func(e *run) { e.Probes.Hiccup = all(3 * time.Millisecond) }, result.Suspect, "too busy"},
		{"Little's law broken", func(e *run) { e.Queue.Mean, e.Queue.Stamps, e.Queue.Noise = ptr(50.0), ptr(20.0), 0.05 }, result.Suspect, "Little"},
		{"external workers", func(e *run) { e.Workers.Mean, e.Workers.Stamps, e.Workers.Noise = ptr(0.9), ptr(0.5), 0.02 }, result.Suspect, "workers"},
		{"drift", func(e *run) { e.Course.Drift, e.Course.DriftSpreads = ptr(1.5), 5 }, result.Suspect, "drifts"},
		{"drift of an overload", func(e *run) {
			e.Course.Drift, e.Course.DriftSpreads, e.Course.BacklogSlope, e.Course.SlopeLimit = ptr(3.0), 5, ptr(0.2), 0.01
		}, result.Valid, "more than the system carries"},
		{"a warm-up too short", func(e *run) { e.Course.WarmupNeeded, e.Course.WarmupExcess = ptr(5*time.Second), 3 }, result.Valid, "longer --warmup"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := good()
			c.spoil(&e)
			v, notes := validity.Judge(&e.Result, e.Measured)
			where := v.Reasons
			if c.verdict == result.Valid {
				where = notes
			}
			if v.Verdict != c.verdict || !strings.Contains(strings.Join(where, "; "), c.reason) {
				t.Errorf("verdict %s, reasons %q, notes %q; want %s because of %q", v.Verdict, v.Reasons, notes, c.verdict, c.reason)
			}
		})
	}
}

func TestInvalidIsNeverRaisedToSuspect(t *testing.T) {
	t.Parallel()
	e := good()
	e.Negative, e.Connections.Resubscribed = 1, 1
	if v := e.judge(); v.Verdict != result.Invalid || len(v.Reasons) != 2 {
		t.Errorf("verdict %s: %q", v.Verdict, v.Reasons)
	}
}

func TestTriageNamesThePlace(t *testing.T) {
	t.Parallel()
	slow := 100 * time.Millisecond
	for _, c := range []struct {
		where string
		spoil func(*run)
	}{
		{usage.Generator, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.p99(metric.Lateness, slow)
		}},
		{usage.Host, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.p99(metric.Lateness, slow)
			e.Probes.Hiccup, e.Probes.Echo, e.Probes.Ping = all(slow), all(slow), all(slow)
		}},
		{usage.Client, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.Probes.Echo, e.Probes.Ping = all(slow), all(slow)
		}},
		{usage.Redis, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.Probes.Ping = all(slow)
		}},
		{usage.Host, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.Probes.Ping = all(slow)
			e.Usage.Host, e.Usage.RedisHere = ptr(0.97), true
		}},
		{usage.Workers, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.Stages[metric.Pickup] = &result.StageSummary{P99NS: ptr(int64(slow))}
		}},
		{usage.Redis, func(e *run) { e.Probes.Ping.Record(int64(500 * time.Millisecond)) }},
		{usage.Workers, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.Usage.Workers = ptr(0.97)
		}},
		{usage.Workers, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.p99(metric.WorkTime, slow)
		}},
		{usage.CPULimit, func(e *run) {
			e.p99(metric.EndToEnd, slow)
			e.p99(metric.Lateness, slow)
			e.Usage.Throttled = ptr(0.1)
		}},
		{usage.CPULimit, func(e *run) { e.Usage.Throttled = ptr(0.9) }},
		{"", func(e *run) { e.Usage.Throttled = ptr(0.001) }},
	} {
		e := good()
		c.spoil(&e)
		v := e.judge()
		if v.Triage.Where != c.where || validity.Explain(v) == "" {
			t.Errorf("triage %+v, %q; want %q", v.Triage, validity.Explain(v), c.where)
		}
	}
}

func TestAJobWithoutAnAnswerIsNamedAfterWhatWasAsked(t *testing.T) {
	t.Parallel()
	for kind, want := range map[scenario.EntryKind]string{
		scenario.EntryPush: "3 jobs are lost whose push or publish was never answered",
		scenario.EntryHTTP: "3 jobs are lost whose request was never answered: whether the API did them is not known",
	} {
		e := good()
		e.Scenario.Entry.Kind = kind
		e.Ledger.LostByLeg[ledger.LegUnacknowledged] = 3
		if v := e.judge(); v.Verdict != result.Suspect || !strings.Contains(strings.Join(v.Reasons, "; "), want) {
			t.Errorf("%s: %s because of %q, want %q", kind, v.Verdict, v.Reasons, want)
		}
	}
}
