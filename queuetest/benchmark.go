package queuetest

import (
	"cmp"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// Benchmark measures the target under the scenario's load. One operation is one
// job, from its push until every subscriber has its notification, so b.N is the
// number of jobs: the scenario's own Load.Jobs, Load.Duration and Warmup are not
// used, nor are its Thresholds. A zero Name becomes "benchmark".
//
// Without a Load.Rate it is a closed loop: as fast as the target goes with
// Load.InFlight jobs on their way, and a latency is one at that number in
// flight. With a rate it is an open loop, in which latency counts from the
// moment at which a job was due; ns/op would only be one divided by the rate,
// so it is not shown.
//
// Besides ns/op, B/op and allocs/op it reports
//
//	jobs/s                     what was achieved
//	p50-ns, p99-ns, p99.9-ns   of end_to_end
//	lost                       jobs that did not arrive
//
// where a quantile needs ten jobs above it: p99 a b.N of 1,000, p99.9 one of
// 10,000. B/op and allocs/op are those of this whole process, and so of the
// harness as well. Connecting, subscribing, clearing and closing lie outside the
// timer. Name sub-benchmarks as key=value, and "benchstat -col /key" compares
// them; the direction of each unit is printed once, as benchstat reads it.
//
// A benchmark that loses a job fails. Doubts about the figures (a generator that
// was late, a busy machine) are logged below them and fail nothing.
func Benchmark(b *testing.B, target jobqueue.Backend, s scenario.Scenario) {
	b.Helper()
	b.StopTimer()
	b.ReportAllocs()
	printUnits()
	res, err := engine.Run(b.Context(), forBenchmark(s, b.N), target, engine.Options{
		Begin: func() {
			// What the testing package and the preparations used is not ours.
			b.ResetTimer()
			b.StartTimer()
		},
		End: b.StopTimer,
	})
	if err != nil {
		b.Fatal(err)
	}
	if res.Ledger.Lost > 0 {
		b.Fatalf("lost %d of %d jobs (%s)", res.Ledger.Lost, res.Ledger.Scheduled, legs(res.Ledger))
	}
	report(b, res)
	doubts(b, res)
}

// forBenchmark is the scenario with n jobs, all of which count. The testing
// package begins with one job, and a push cannot carry more than there are.
func forBenchmark(s scenario.Scenario, n int) scenario.Scenario {
	s.Name = cmp.Or(s.Name, "benchmark")
	s.Load.Jobs, s.Load.Duration, s.Warmup, s.Thresholds = int64(n), 0, 0, nil
	s.Batch = min(s.Batch, n)
	return s
}

// report adds the result's metrics to the benchmark's line.
func report(b *testing.B, res *result.Result) {
	if !res.Scenario.Load.Closed() {
		b.ReportMetric(0, "ns/op") // which takes it away
	}
	b.ReportMetric(res.Rates.AchievedPerS, "jobs/s")
	whole := res.Stages[metric.EndToEnd]
	for _, q := range []struct {
		ns   *int64
		unit string
	}{{whole.P50NS, "p50-ns"}, {whole.P99NS, "p99-ns"}, {whole.P999NS, "p99.9-ns"}} {
		if q.ns != nil {
			b.ReportMetric(float64(*q.ns), q.unit)
		}
	}
	b.ReportMetric(float64(res.Ledger.Lost), "lost")
}

// fewest is the number of jobs below which the testing package is only feeling
// its way to the b.N that it will show, and too few to judge anything by.
const fewest = 100

// doubts logs why the figures may not be believed.
func doubts(b *testing.B, res *result.Result) {
	b.Helper()
	if b.N < fewest {
		return
	}
	for _, reason := range res.Validity.Reasons {
		b.Logf("N=%d is %s: %s", b.N, res.Validity.Verdict, reason)
	}
	for _, n := range []struct {
		count int64
		what  string
	}{
		{res.Ledger.Duplicated, "deliveries of a job that had been delivered"},
		{res.Ledger.Corrupt, "corrupt jobs or notifications"},
		{res.Ledger.Unreadable, "messages on the channel that are no updates"},
		{res.Ledger.Foreign, "foreign jobs or notifications"},
		{res.Ledger.Failed, "jobs that failed"},
	} {
		if n.count > 0 {
			b.Logf("N=%d had %d %s", b.N, n.count, n.what)
		}
	}
}

// legs says where jobs were lost.
func legs(l result.Ledger) string {
	var parts []string
	for _, leg := range result.Legs() {
		if n := l.LostByLeg[leg]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", leg, n))
		}
	}
	return strings.Join(parts, ", ")
}

// printUnits tells benchstat which direction is better. It does so once, and on separate lines: the testing
// package runs every benchmark with N = 1 before it begins the line of the
// result. A benchmark that a program or a test runs by testing.Benchmark prints
// no line that these could belong to.
var printUnits = sync.OnceFunc(func() {
	if f := flag.Lookup("test.bench"); f == nil || f.Value.String() == "" {
		return
	}
	fmt.Print("Unit jobs/s better=higher\n" +
		"Unit p50-ns better=lower\n" +
		"Unit p99-ns better=lower\n" +
		"Unit p99.9-ns better=lower\n" +
		"Unit lost better=lower\n")
})
