package merge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/merge"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// made is the synthetic result of shard i of n, and the latencies in it. Its figures follow
// from the number alone.
func made(i, n, seconds int) (*result.Result, []int64) {
	rnd := rand.New(rand.NewPCG(uint64(i), uint64(n)))
	s := scenario.Scenario{
		Name: "made", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Duration(max(60, seconds)) * time.Second},
		Tenants: scenario.Tenants{Count: 2}, Thresholds: []string{"lost == 0", "end_to_end.p99 < 1s"}, Seed: 1,
	}.WithDefaults()
	r := &result.Result{
		Schema: result.Schema, Scenario: s, Tool: result.Tool{Version: "1"},
		Run: result.Info{
			ID: flight.NewID(), Scenario: s.Name, StartedAt: time.Unix(1000, int64(i)).UTC(), EndedAt: time.Unix(1060, int64(i)).UTC(),
			StopReason: "schedule_over", Seed: 1, Tags: map[string]string{"all": "x", "own": fmt.Sprint(i)},
			Shard: &result.Shard{Index: i, Of: n, Fleet: "a00000000000000", Configuration: "c", Clock: &result.Clock{UncertaintyNS: int64(1000 * i), LateNS: -1}},
		},
		Host:   result.Host{OS: "linux", CPUs: i},
		Window: result.Window{ToNS: int64(s.Load.Duration)},
		Ledger: result.Ledger{LostByLeg: map[result.Leg]int64{"in_queue": 0}, Errors: map[string]int64{}},
		Stages: map[result.Stage]*result.StageSummary{}, Scalars: map[string]*float64{"cpu_per_job": ptr(1000 + float64(i)/3), "backlog.max": ptr(1.0)},
		Validity: result.Validity{Verdict: result.Valid, Reasons: []string{}, Checks: map[string]result.Check{"lateness": {Passed: true, Detail: "fine"}}},
		Server:   result.Server{Deltas: map[string]float64{"used_cpu_user": float64(i + 1)}},
		Warnings: []string{}, Breakdown: map[string][]result.Part{},
	}
	var values []int64
	whole := latency.New()
	tenants := []*latency.Histogram{latency.New(), latency.New()}
	h := latency.New()
	for k := range seconds {
		h.Reset()
		for range 40 + rnd.IntN(40) {
			// In steps of a tenth of a millisecond, so that shards share buckets.
			v := int64(rnd.ExpFloat64()*10*float64(i%3+1)) * 100_000
			values = append(values, v)
			h.Record(v)
			whole.Record(v)
			tenants[len(values)%2].Record(v)
		}
		sum := record.Second(h)
		sum.HDR, _ = h.Encode()
		r.Timeline = append(r.Timeline, result.Second{
			ElapsedS: float64(k+1) + rnd.Float64()/10, LengthS: 1, Phase: "window", Offered: h.Count(), Sent: h.Count(), Notified: h.Count(),
			Backlog: rnd.Int64N(5), BacklogMax: 5 + rnd.Int64N(5), QueueLen: ptr(rnd.Int64N(3)), Blocked: ptr(rnd.Int64N(9)),
			Stages: map[result.Stage]*result.SecondStage{metric.EndToEnd: sum, metric.Queue: {Count: h.Count(), MaxNS: ptr(h.Max())}},
		})
	}
	for by, h := range map[result.Stage]*latency.Histogram{metric.EndToEnd: whole, metric.Queue: whole} {
		r.Stages[by], _ = record.Summarize(h, int64(i%2))
		r.Stages[by].SumNS = record.Sum(h)
	}
	for k, h := range tenants {
		sum, _ := record.Summarize(h, 0)
		sum.SumNS = record.Sum(h)
		r.Breakdown["tenant"] = append(r.Breakdown["tenant"], result.Part{Name: flight.TenantName(k), Scheduled: h.Count(), Sent: h.Count(), Completed: h.Count(), Lateness: sum, EndToEnd: sum})
	}
	jobs := int64(len(values))
	r.Window.Scheduled, r.Window.Completed = jobs+int64(i%2), jobs
	r.Ledger.Scheduled, r.Ledger.Sent, r.Ledger.Notified = jobs+int64(i%2), jobs+int64(i%2), jobs
	if i%2 == 1 {
		r.Ledger.Lost, r.Ledger.LostByLeg["in_queue"] = 1, 1
		r.Ledger.LostJobs = []result.LostJob{{ID: string(flight.AppendJobID(nil, uint64(i), int64(1000-i))), Leg: "in_queue"}}
		r.Validity.Verdict, r.Validity.Reasons = result.Suspect, []string{"jobs are late", fmt.Sprintf("%d is odd", i)}
		r.Validity.Checks["lateness"] = result.Check{Effect: result.Suspect, Detail: "late"}
	}
	r.Rates.AchievedPerS = float64(jobs) / s.Load.Duration.Seconds()
	r.Rates.OfferedPerS = ptr(float64(r.Window.Scheduled) / s.Load.Duration.Seconds())
	return r, values
}

func ptr[T any](v T) *T { return &v }

// copied is a result as it comes out of a file.
func copied(t interface{ Fatal(...any) }, r *result.Result) *result.Result {
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := store.ParseRun("copy", b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// merged merges copies of the results.
func merged(t interface{ Fatal(...any) }, all ...*result.Result) *result.Result {
	var m merge.Merger
	for i, r := range all {
		if err := m.Add(copied(t, r), fmt.Sprint("result ", i)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := m.Result()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func asJSON(t interface{ Fatal(...any) }, r *result.Result) string {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMergingIsAssociativeAndDoesNotDependOnTheOrder merges shards in any order and in any
// grouping, through files: the result is the same to the last byte.
func TestMergingIsAssociativeAndDoesNotDependOnTheOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "shards")
		var all []*result.Result
		for i := range n {
			r, _ := made(i, n, 2)
			r.Run.ID = "same"
			all = append(all, r)
		}
		there := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, n, func(r *result.Result) *result.Result { return r }).Draw(t, "shards that are there")
		want := asJSON(t, merged(t, there...))
		pile := rapid.Permutation(there).Draw(t, "order")
		for len(pile) > 1 {
			k := rapid.IntRange(2, len(pile)).Draw(t, "merge together")
			pile = append(pile[k:], merged(t, pile[:k]...))
		}
		if got := asJSON(t, merged(t, pile...)); got != want {
			t.Fatalf("the grouping changes the result (-at once +grouped):\n%s", cmp.Diff(want, got))
		}
	})
}

func TestTheFiguresAreThoseOfAllJobs(t *testing.T) {
	t.Parallel()
	const n, seconds = 5, 4
	var all []*result.Result
	whole := latency.New()
	var cost float64
	for i := range n {
		r, values := made(i, n, seconds)
		for _, v := range values {
			whole.Record(v)
		}
		cost += *r.Scalars["cpu_per_job"] * float64(len(values))
		all = append(all, r)
	}
	r := merged(t, all...)
	const lost = 2
	want, err := record.Summarize(whole, lost)
	if err != nil {
		t.Fatal(err)
	}
	want.SumNS = record.Sum(whole)
	got := *r.Stages[metric.EndToEnd]
	if d := *got.StddevNS / *want.StddevNS; d < 0.999 || d > 1.001 {
		t.Errorf("the standard deviation is %v, want %v", *got.StddevNS, *want.StddevNS)
	}
	got.StddevNS = want.StddevNS
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("end_to_end (-of all jobs +merged):\n%s", diff)
	}
	if r.Ledger.Notified != whole.Count() || r.Ledger.Lost != lost || r.Ledger.LostByLeg["in_queue"] != lost || r.Window.Scheduled != whole.Count()+lost {
		t.Errorf("ledger %+v, window %+v", r.Ledger, r.Window)
	}
	if got := []string{r.Ledger.LostJobs[0].ID[24:], r.Ledger.LostJobs[1].ID[24:]}; !slices.IsSorted(got) {
		t.Errorf("lost jobs in the order %v", got)
	}
	if got, want := *r.Scalars["cpu_per_job"], cost/float64(whole.Count()); got < want*0.999999 || got > want*1.000001 {
		t.Errorf("cpu_per_job = %v, want %v", got, want)
	}
	if got := *r.Rates.AchievedRatio; got != r.Rates.AchievedPerS / *r.Rates.OfferedPerS || got >= 1 {
		t.Errorf("achieved ratio %v", got)
	}
	if len(r.Timeline) != seconds {
		t.Fatalf("%d rows, want %d", len(r.Timeline), seconds)
	}
	var rows int64
	for k, row := range r.Timeline {
		var notified, peak int64
		for _, one := range all {
			notified += one.Timeline[k].Notified
			peak += one.Timeline[k].BacklogMax
		}
		s := row.Stages[metric.EndToEnd]
		if row.ElapsedS != float64(k+1) || row.Notified != notified || row.BacklogMax != peak || s.Count != notified || s.P99NS == nil && notified >= 1000 {
			t.Errorf("row %d = %+v, %+v", k, row, s)
		}
		if q := row.Stages[metric.Queue]; q.Count != notified || q.MaxNS == nil || q.P50NS != nil {
			t.Errorf("row %d: a stage without histograms: %+v", k, q)
		}
		rows += row.Notified
	}
	if rows != whole.Count() {
		t.Errorf("the rows have %d jobs of %d", rows, whole.Count())
	}
	if r.Server.Deltas["used_cpu_user"] != 1 || r.Host.CPUs != 0 || r.Fleet.Shards[4].Host.CPUs != 4 {
		t.Error("the server's facts are not those of the first shard, or the hosts' not those of each")
	}
	if !cmp.Equal(r.Run.Tags, map[string]string{"all": "x"}) || r.Run.Shard != nil || r.Run.ID != "a00000000000000" {
		t.Errorf("run %+v", r.Run)
	}
	if got := *r.Fleet.StartSpreadNS; got != 2*4000 {
		t.Errorf("the starts differ by at most %d ns", got)
	}
}

func TestWhatDoesNotBelongIsRefusedAndNamed(t *testing.T) {
	t.Parallel()
	change := func(i int, do func(*result.Result)) *result.Result {
		r, _ := made(i, 3, 1)
		do(r)
		return r
	}
	for _, c := range []struct {
		name string
		r    *result.Result
		want string
	}{
		{"the same shard twice", change(0, func(*result.Result) {}), "shard 0 is there already, from first.json"},
		{"another start", change(1, func(r *result.Result) { r.Run.Shard.Fleet = "b11111111111111" }), "shard 1 is of another start (b11111111111111)"},
		{"another scenario", change(1, func(r *result.Result) { r.Run.Shard.Configuration, r.Scenario.Batch = "d", 9 }), "shard 1 of 3 was configured differently than first.json: batch"},
		{"another number of shards", change(1, func(r *result.Result) { r.Run.Shard.Of = 4 }), "the number of shards"},
		{"a whole run", change(1, func(r *result.Result) { r.Run.Shard = nil }), "the result of a whole load"},
		{"another schema", change(1, func(r *result.Result) { r.Schema = 1 }), "schema 1 cannot be merged"},
		{"an impossible shard", change(1, func(r *result.Result) { r.Run.Shard.Index = 3 }), "no shard 3 of 3"},
		{"a histogram that cannot be read", change(1, func(r *result.Result) { r.Stages[metric.Queue].HDR = "x" }), "stages.queue.hdr"},
	} {
		var m merge.Merger
		first, _ := made(0, 3, 1)
		if err := m.Add(first, "first.json"); err != nil {
			t.Fatal(err)
		}
		before, err := m.Result()
		if err != nil {
			t.Fatal(err)
		}
		err = m.Add(c.r, "second.json")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "second.json: ") {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
		after, err := m.Result()
		if err != nil || asJSON(t, before) != asJSON(t, after) {
			t.Errorf("%s: it changed the result, %v", c.name, err)
		}
	}
	if _, err := new(merge.Merger).Result(); !errors.Is(err, merge.ErrNothing) {
		t.Errorf("nothing merged: %v", err)
	}
}

// TestMergedShardsAreTheRunOfOneMachine runs a load in virtual time, where nothing disturbs
// it, on one machine and in shards.
func TestMergedShardsAreTheRunOfOneMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	s := scenario.Scenario{
		Name: "same", Load: scenario.Load{Rate: pace.Rate{Jobs: 1001, Per: 4 * time.Second}, Duration: 4 * time.Second}, Warmup: time.Second,
		Consumers: 64, Work: scenario.Work{Time: 5 * time.Millisecond}, Tenants: scenario.Tenants{Count: 3}, Seed: 1, Thresholds: []string{"lost == 0"},
	}
	run := func(s scenario.Scenario, epoch time.Time) *result.Result {
		r, err := engine.Run(context.Background(), s, memory.New(), engine.Options{
			NoProbes: true, Waiter: waiter.Coarse, Start: func(context.Context) (time.Time, error) { return epoch, nil },
		})
		if err != nil {
			t.Error(err)
		}
		return r
	}
	synctest.Test(t, func(t *testing.T) {
		want := run(s, time.Now().Add(time.Second))
		for _, n := range []int{1, 2, 3, 7} {
			epoch := time.Now().Add(time.Second)
			all := make([]*result.Result, n)
			var wait sync.WaitGroup
			for i := range n {
				wait.Go(func() {
					one := s
					one.Shard = pace.Shard{Index: i, Of: n}
					all[i] = run(one, epoch)
					all[i].Run.Shard.Fleet, all[i].Run.Shard.Configuration = "a00000000000000", "c"
				})
			}
			wait.Wait()
			got := merged(t, all...)
			// The load goes on after the window until its jobs have arrived, in each shard for
			// itself: the ledger counts those jobs, too.
			if l := got.Ledger; l.Lost != 0 || l.Notified != l.Scheduled || l.Notified < want.Window.Completed {
				t.Errorf("%d shards: ledger %+v", n, l)
			}
			if a, b := want.Window, got.Window; a.Scheduled != b.Scheduled || a.Completed != b.Completed || a.FromNS != b.FromNS || a.ToNS != b.ToNS {
				t.Errorf("%d shards: window %+v, want %+v", n, b, a)
			}
			for stage, sum := range want.Stages {
				if of := got.Stages[stage]; of == nil || of.HDR != sum.HDR || of.Count != sum.Count {
					t.Errorf("%d shards: stage %s = %+v, want %+v", n, stage, of, sum)
				}
			}
			for i, p := range want.Breakdown["tenant"] {
				if q := got.Breakdown["tenant"][i]; p.Name != q.Name || p.Completed != q.Completed || *p.EndToEnd.P50NS != *q.EndToEnd.P50NS {
					t.Errorf("%d shards: tenant %+v, want %+v", n, q, p)
				}
			}
			if len(got.Thresholds) != 1 || !got.Thresholds[0].Passed {
				t.Errorf("%d shards: thresholds %+v", n, got.Thresholds)
			}
		}
	})
}
