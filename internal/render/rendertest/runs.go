// Package rendertest holds records for the tests of what renders and stores them:
// runs, searches and comparisons that went well, badly and not at all.
package rendertest

import (
	"maps"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Ptr is a pointer to v.
func Ptr[T any](v T) *T { return &v }

// Law gives the latency in nanoseconds of job i of n.
type Law func(i, n int) int64

// Tail is a law with the given median that doubles with every further nine.
func Tail(median int64) Law {
	return func(i, n int) int64 {
		q := (float64(i) + 0.5) / float64(n)
		return int64(float64(median) * 0.8 * math.Pow(1-q, -0.3))
	}
}

// Summarise builds a stage as a run would: from a histogram of count jobs out
// of scheduled ones.
func Summarise(count, scheduled int, f Law) *result.StageSummary {
	h := latency.New()
	for i := range count {
		h.Record(f(i, count))
	}
	s, err := record.Summarize(h, int64(scheduled-count))
	if err != nil {
		panic(err)
	}
	if h.Count() > 0 {
		s.MeanNS, s.StddevNS = Ptr(tenth(h.Mean())), Ptr(tenth(h.Stddev()))
	}
	if s.Missing == nil {
		s.Missing = map[string]result.Missing{}
	}
	return s
}

// tenth keeps golden files the same on machines that round the last bit of a
// sum differently.
func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// Medians are those of the stages of [Steady], in nanoseconds.
func Medians() map[metric.Stage]int64 {
	return map[metric.Stage]int64{
		metric.Lateness: 2_100, metric.Enqueue: 61_000, metric.Queue: 112_000, metric.WorkTime: 1_072_000,
		metric.Publish: 58_000, metric.Notify: 71_000, metric.EndToEnd: 1_270_000, metric.FromSend: 1_260_000,
	}
}

// Histograms are dear to build under the race detector, and no test changes
// what they hold; so each set is built once.
var (
	goodStages    = sync.OnceValue(func() stages { return build(5000, 5000, Tail, Usual()...) })
	lossyStages   = sync.OnceValue(func() stages { return build(4940, 5000, Tail, Usual()...) })
	outlierStages = sync.OnceValue(func() stages {
		late := func(median int64) Law {
			return func(i, n int) int64 {
				if i == n-1 {
					return 10e9
				}
				return Tail(median)(i, n)
			}
		}
		return build(5000, 5000, late, metric.Notify, metric.EndToEnd, metric.FromSend)
	})
)

// Usual are the stages that a run of all defaults measures.
func Usual() []metric.Stage { return scenario.Scenario{}.WithDefaults().Measured() }

type stages = map[metric.Stage]*result.StageSummary

func build(count, scheduled int, of func(median int64) Law, names ...metric.Stage) stages {
	out := stages{}
	for _, stage := range names {
		out[stage] = Summarise(count, scheduled, of(Medians()[stage]))
	}
	return out
}

// Steady is a valid run in which all went well: 1,000 jobs/s for 6 s, the
// first of them warm-up.
func Steady(t testing.TB) *result.Result {
	t.Helper()
	start := time.Date(2026, 3, 14, 15, 9, 26, 535_000_000, time.UTC)
	r := &result.Result{
		Schema: result.Schema,
		Tool:   result.Tool{Version: "v0.1.0", Commit: "0123456789ab", Go: "go1.26.8"},
		Run: result.Info{
			ID: "0123456789abcde", Scenario: "steady", StartedAt: start, EndedAt: start.Add(6*time.Second + 3*time.Millisecond),
			StopReason: stopreason.ScheduleOver, Seed: 42, Tags: map[string]string{"branch": "main"},
		},
		Scenario: scenario.Scenario{
			Name: "steady", Description: "Does the pipeline hold 1,000 jobs/s?",
			Producers: 2, Consumers: 8, Subscribers: 1, Batch: 1, Work: scenario.Work{Time: time.Millisecond},
			Warmup: time.Second, DrainTimeout: 10 * time.Second,
			Thresholds: []string{"end_to_end.p99 < 50ms", "lost == 0"}, Seed: 42,
		},
		Redis: result.Redis{
			Kind: "process", Version: "7.0.15", Mode: "standalone", Address: "127.0.0.1:6390",
			Config: map[string]string{"appendonly": "no", "save": "", "maxmemory-policy": "noeviction"},
		},
		Host:   result.Host{OS: "linux", Arch: "amd64", CPUs: 2, GOMAXPROCS: 2, CPUModel: "Example CPU @ 2.50GHz", Kernel: "6.1.0", MemoryBytes: 8 << 30},
		Window: result.Window{FromNS: 1e9, ToNS: 6e9, Scheduled: 5000, Completed: 5000, DrainNS: 1_300_000},
		Rates:  result.Rates{OfferedPerS: Ptr(1000.0), AchievedPerS: 1000.2, AchievedRatio: Ptr(1.0002)},
		Ledger: result.Ledger{
			Scheduled: 6000, Sent: 6000, Acked: 6000, Popped: 6000, Finished: 6000, Published: 6000, Notified: 6000,
			LostByLeg: map[result.Leg]int64{}, OutOfOrder: 17, Errors: map[string]int64{},
		},
		Stages:  map[metric.Stage]*result.StageSummary{},
		Scalars: map[string]*float64{"backlog.max": Ptr(9.0), "cpu_per_job": Ptr(84_200.0), "redis_cpu_per_job": nil},
		Validity: result.Validity{
			Verdict: result.Valid, Reasons: []string{},
			Checks: map[string]result.Check{
				"lateness_p99": {Value: Ptr(0.01), Limit: Ptr(1.0), Unit: "ms", Passed: true, Detail: "the generator kept its schedule"},
				"host_cpu":     {Limit: Ptr(0.8), Passed: true, Detail: "this system does not tell"},
			},
		},
		Thresholds: []result.Threshold{
			{Expr: "end_to_end.p99 < 50ms", Value: Ptr(4_040_000.0), Passed: true, Reason: "4.04 ms is 46.0 ms (92%) under the limit of 50 ms"},
			{Expr: "lost == 0", Value: Ptr(0.0), Passed: true, Reason: "0 is 0"},
		},
		Server: result.Server{
			Before: map[string]string{"redis_version": "7.0.15"}, After: map[string]string{"redis_version": "7.0.15"},
			Deltas: map[string]float64{"total_commands_processed": 18_020, "used_cpu_sys": 0.512},
			Commands: map[string]result.CommandStat{
				"lpush": {Calls: 6000, USec: 12_345, USecPerCall: 2.0575}, "brpop": {Calls: 6008, USec: 20_001, USecPerCall: 3.329},
				"publish": {Calls: 6000, USec: 9_876, USecPerCall: 1.646},
			},
		},
		Warnings: []string{},
	}
	l := &r.Scenario.Load
	l.Rate, l.Duration, l.Arrivals = pace.PerSecond(1000), 6*time.Second, pace.Constant
	maps.Copy(r.Stages, goodStages())
	for i := range 7 {
		s := result.Second{
			ElapsedS: float64(i + 1), LengthS: 1, Phase: "window", Offered: 1000, Sent: 1000, Notified: int64(1000 - i%2),
			Backlog: int64(i % 3), QueueLen: Ptr(int64(i % 2)), Stages: map[metric.Stage]*result.SecondStage{},
		}
		switch i {
		case 0:
			s.Phase = "warmup"
		case 6:
			s.Phase, s.ElapsedS, s.LengthS = "drain", 6.003, 0.003
			s.Offered, s.Sent, s.Notified, s.Backlog, s.QueueLen = 0, 0, 2, 0, nil
		}
		for stage, m := range Medians() {
			row := &result.SecondStage{Count: s.Notified, MaxNS: Ptr(m * 9)}
			if s.Notified >= 1000-1 {
				row.P50NS, row.P90NS, row.P99NS = Ptr(m+int64(i)*m/50), Ptr(m*17/10), Ptr(m*32/10+int64(i%3)*m/3)
			}
			s.Stages[stage] = row
		}
		r.Timeline = append(r.Timeline, s)
	}
	return r
}

// Lossy is a run with losses, errors, nulls, failed thresholds and warnings.
func Lossy(t testing.TB) *result.Result {
	t.Helper()
	r := Steady(t)
	r.Window.Completed = 4940
	l := &r.Ledger
	l.Notified, l.Lost, l.Acked, l.Popped, l.Finished, l.Published = 5940, 60, 5990, 5960, 5950, 5950
	l.LostByLeg = map[result.Leg]int64{ledger.LegUnacknowledged: 10, ledger.LegInQueue: 30, ledger.LegUnfinished: 10, ledger.LegUnnotified: 10}
	l.Errors = map[string]int64{"push": 3, "publish": 1}
	l.Duplicated, l.Corrupt, l.Foreign, l.Failed = 2, 1, 4, 5
	maps.Copy(r.Stages, lossyStages())
	r.Validity.Verdict = result.Suspect
	r.Validity.Reasons = []string{"lateness p99 is 12.0 ms, over 1 ms: the generator fell behind", "the host was busy: 93% of its CPU"}
	r.Thresholds[0] = result.Threshold{Expr: "end_to_end.p99 < 50ms", Reason: "falls among jobs that never arrived"}
	r.Thresholds[1] = result.Threshold{Expr: "lost == 0", Value: Ptr(60.0), Reason: "60 is 60 over the limit of 0"}
	r.Warnings = []string{"Redis writes its append-only file to a slow disk | see `INFO`", "the run was short"}
	r.Timeline[2].Lost, r.Timeline[3].Lost, r.Timeline[5].Lost = 40, 15, 5
	r.Timeline[3].Stages = nil
	r.Timeline[4].Stages[metric.EndToEnd] = nil
	return r
}

// Empty is a run of which no job completed, as little filled in as can be.
func Empty() *result.Result {
	return &result.Result{
		Schema: result.Schema,
		Run:    result.Info{Scenario: "steady"},
		Window: result.Window{Scheduled: 100, ToNS: 1e9},
		Ledger: result.Ledger{Scheduled: 100, Lost: 100, LostByLeg: map[result.Leg]int64{ledger.LegInQueue: 100}},
		Stages: map[metric.Stage]*result.StageSummary{metric.EndToEnd: {}, metric.Queue: nil},
		Validity: result.Validity{
			Verdict: result.Invalid, Reasons: []string{"no job completed"},
			Checks: map[string]result.Check{"completed": {Detail: "nothing to check"}},
		},
	}
}

// Interrupted is a run that was stopped in its third second.
func Interrupted(t testing.TB) *result.Result {
	t.Helper()
	r := Steady(t)
	r.Run.Interrupted, r.Run.StopReason = true, stopreason.Outside
	r.Timeline = r.Timeline[:3]
	return r
}

// Closed is a closed loop.
func Closed(t testing.TB) *result.Result {
	t.Helper()
	r := Steady(t)
	l := &r.Scenario.Load
	l.Rate, l.Arrivals, l.Duration, l.Jobs, l.InFlight = pace.Rate{}, "", 0, 6000, 16
	r.Rates = result.Rates{AchievedPerS: 21_345.67}
	return r
}

// Outlier is a run with one job of ten seconds.
func Outlier(t testing.TB) *result.Result {
	t.Helper()
	r := Steady(t)
	maps.Copy(r.Stages, outlierStages())
	return r
}

// Failed is a run that an error ended in its first second.
func Failed(t testing.TB) *result.Result {
	t.Helper()
	r := Empty()
	r.Run.Failed, r.Run.Error = true, `push to "job_queue": connection refused`
	r.Validity.Checks = nil
	r.Timeline = Steady(t).Timeline[:1]
	return r
}

// Hostile is a run whose names try to get out of where they are printed.
func Hostile(t testing.TB) *result.Result {
	t.Helper()
	r := Lossy(t)
	evil := "a|b\n# c <b>`d` [e](f) \x1b[31m**g**, \"h\" _i_ ``` $$ \x00"
	r.Run.Scenario, r.Scenario.Description, r.Run.Tags = evil, "- "+evil, map[string]string{evil: evil}
	r.Warnings, r.Validity.Reasons = []string{"warning " + evil}, []string{evil}
	r.Thresholds[0].Expr, r.Thresholds[0].Reason, r.Redis.Address = evil, evil, evil
	r.Ledger.Errors = map[string]int64{evil: 1}
	r.Server.Commands = map[string]result.CommandStat{evil: {Calls: 1}}
	return r
}

// Observed is a run that observed external workers.
func Observed(t testing.TB) *result.Result {
	t.Helper()
	r := Steady(t)
	r.Scenario = scenario.Scenario{Name: "observe", Load: scenario.Load{Observed: true, Duration: 6 * time.Second}, Warmup: time.Second}.WithDefaults()
	r.Run.Scenario, r.Run.StopReason, r.Thresholds = "observe", stopreason.TimeOver, nil
	r.Window.DrainNS, r.Rates = 0, result.Rates{AchievedPerS: 1000}
	r.Ledger = result.Ledger{Failed: 12, LostByLeg: map[result.Leg]int64{}, Errors: map[string]int64{}}
	r.Stages = build(4900, 4900, func(int64) Law { return Tail(1_072_000) }, metric.Running, metric.WorkTime)
	r.Scalars = map[string]*float64{"backlog.max": Ptr(931.0)}
	r.Observed = &result.Observation{
		Updates: result.Updates{Running: 5900, Completed: 5988, Failed: 12, Other: 2, Unreadable: 1}, Alone: 104, Open: 4,
		Backlog: result.ObservedBacklog{
			Mean: Ptr(771.5), First: Ptr(int64(930)), Last: Ptr(int64(612)), Max: Ptr(int64(931)), PerS: Ptr(-79.5), DrainS: Ptr(7.7),
		},
		ArrivedPerS: Ptr(920.5),
	}
	for i := range r.Timeline {
		row := &r.Timeline[i]
		row.Offered, row.Sent, row.Backlog, row.QueueLen = 0, 0, int64(930-80*i), Ptr(int64(930-80*i))
		row.Stages = map[metric.Stage]*result.SecondStage{metric.Running: row.Stages[metric.WorkTime]}
	}
	return r
}

// Results are all of the above by name.
func Results(t testing.TB) map[string]*result.Result {
	t.Helper()
	return map[string]*result.Result{
		"steady": Steady(t), "lossy": Lossy(t), "empty": Empty(), "interrupted": Interrupted(t),
		"closed": Closed(t), "outlier": Outlier(t), "failed": Failed(t), "hostile": Hostile(t),
		"observed": Observed(t), "stored": Stored(t), "requested": Requested(t), "black box": BlackBox(t), "zero": {},
	}
}
