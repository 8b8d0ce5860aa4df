package merge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/merge"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// whole is the timeline of a real shard for as many seconds: all stages, of which the
// headline has its histogram.
func whole(tb testing.TB, seed, seconds int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(seed), 1))
	h := latency.New()
	rows := make([]result.Second, seconds)
	for k := range rows {
		h.Reset()
		for range 100 {
			h.Record(int64((0.2 + rnd.ExpFloat64()) * 1e6))
		}
		rows[k] = result.Second{
			ElapsedS: float64(k+1) + rnd.Float64()/1000, LengthS: 0.999 + rnd.Float64()/1000, Phase: "window", Offered: 100, Sent: 100, Notified: 100,
			Backlog: rnd.Int64N(5), BacklogMax: 5 + rnd.Int64N(5), QueueLen: ptr(rnd.Int64N(3)), Blocked: ptr(rnd.Int64N(9)), Stages: map[result.Stage]*result.SecondStage{},
		}
		for _, stage := range []result.Stage{metric.EndToEnd, metric.Enqueue, metric.FromSend, metric.Lateness, metric.Notify, metric.Publish, metric.Queue, "work"} {
			rows[k].Stages[stage] = record.Second(h)
		}
		rows[k].Stages[metric.EndToEnd].HDR = h.EncodePlain()
	}
	data, err := json.MarshalIndent(rows, "  ", "  ")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// fleetOf are the results of n shards of as many seconds, as they lie in files. They share
// a few timelines, so that the files of a large fleet need not be in memory.
func fleetOf(tb testing.TB, n, seconds int) (all []merge.Source, size int64) {
	var timelines [4][]byte
	for i := range timelines {
		timelines[i] = whole(tb, i, seconds)
	}
	for i := range n {
		r, _ := made(i, n, 1)
		r.Scenario.Load.Duration = time.Duration(seconds) * time.Second
		r.Timeline = []result.Second{}
		data, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			tb.Fatal(err)
		}
		before, after, ok := bytes.Cut(data, []byte(`"timeline": []`))
		if !ok {
			tb.Fatal("the result has no empty timeline")
		}
		rows := timelines[i%len(timelines)]
		size += int64(len(before) + len(rows) + len(after))
		all = append(all, merge.Source{Name: fmt.Sprint(i), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(before), strings.NewReader(`"timeline": `), bytes.NewReader(rows), bytes.NewReader(after))), nil
		}})
	}
	return all, size
}

// TestTheLengthOfASharedQueueIsNotAdded: all shards ask for the length of the same queue.
func TestTheLengthOfASharedQueueIsNotAdded(t *testing.T) {
	t.Parallel()
	for _, one := range []bool{false, true} {
		var all []*result.Result
		want := int64(0)
		for i := range 3 {
			r, _ := made(i, 3, 1)
			r.Run.Shard.SharedQueue, r.Timeline[0].QueueLen = one, ptr(int64(10+i))
			all = append(all, r)
			if want += int64(10 + i); one {
				want = int64(10 + i)
			}
		}
		if got := merged(t, all...).Timeline[0].QueueLen; got == nil || *got != want {
			t.Errorf("shared %v: the length is %v, want %d", one, got, want)
		}
	}
}

// BenchmarkMerge reads and merges many shards, the largest fleet with
//
//	go test ./internal/merge -run - -bench 'Merge/shards=1000' -benchtime 1x
//
// It reports how much memory is in use with all of them merged, and how much the program
// has ever had.
func BenchmarkMerge(b *testing.B) {
	sizes := []struct{ shards, seconds int }{{50, 300}, {200, 300}, {1000, 3600}}
	if testing.Short() { // the largest takes a minute
		sizes = sizes[:1]
		sizes[0].shards, sizes[0].seconds = 4, 30
	}
	for _, size := range sizes {
		b.Run(fmt.Sprintf("shards=%d/seconds=%d", size.shards, size.seconds), func(b *testing.B) {
			files, bytes := fleetOf(b, size.shards, size.seconds)
			b.SetBytes(bytes)
			var inUse uint64
			for b.Loop() {
				before := heap()
				var m merge.Merger
				if err := m.AddAll(files, store.ParseRun); err != nil {
					b.Fatal(err)
				}
				if _, err := m.Result(); err != nil {
					b.Fatal(err)
				}
				inUse = heap() - before
				runtime.KeepAlive(&m)
			}
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			b.ReportMetric(float64(inUse)/(1<<20), "MiB-in-use")
			b.ReportMetric(float64(s.Sys)/(1<<20), "MiB-ever")
			b.ReportMetric(float64(size.shards)*float64(b.N)/b.Elapsed().Seconds(), "shards/s")
		})
	}
}

// TestRowsThatBecomeLongerAreLinedUp merges shards of a load that ends when its jobs have
// ended: after an hour its rows are of two seconds, and each shard ends at its own moment.
func TestRowsThatBecomeLongerAreLinedUp(t *testing.T) {
	t.Parallel()
	closed := func(i int, ends ...float64) *result.Result {
		r, _ := made(i, 2, 1)
		r.Scenario.Load = scenario.Load{Jobs: 1_000_000, InFlight: 10}
		r.Timeline = nil
		before := 3598.0
		for _, end := range ends {
			r.Timeline = append(r.Timeline, result.Second{ElapsedS: end, LengthS: end - before, Phase: "window", Sent: 1, Notified: 1, Backlog: 1, BacklogMax: 1})
			before = end
		}
		return r
	}
	a := closed(0, 3599.01, 3600.02, 3602.03, 3604.01, 3604.9) // its last row ends early
	b := closed(1, 3599, 3600.1, 3602, 3604, 3606.2, 3607)
	got := merged(t, a, b)
	type row struct {
		elapsedS float64
		sent     int64
	}
	var rows []row
	for _, s := range got.Timeline {
		rows = append(rows, row{s.ElapsedS, s.Sent})
	}
	want := []row{{3599, 2}, {3600, 2}, {3602, 2}, {3604, 2}, {3606, 2}, {3608, 1}}
	if diff := cmp.Diff(want, rows, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// heap is the live memory.
func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// TestMemoryFollowsTheSecondsAndNotTheShards merges many shards of the same length: what is
// kept of each is small compared with its timeline.
func TestMemoryFollowsTheSecondsAndNotTheShards(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	const seconds, few, many = 100, 10, 60
	var m merge.Merger
	base := heap()
	var afterFew uint64
	var size int
	for i := range many {
		r, _ := made(i, many, seconds)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		size += len(data)
		if err := m.Add(copied(t, r), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if i == few-1 {
			afterFew = heap() - base
		}
	}
	afterMany := heap() - base
	runtime.KeepAlive(&m)
	// Six times the shards, and each row has more buckets: not six times the memory.
	if afterMany > 3*afterFew {
		t.Errorf("%d shards take %d bytes and %d shards %d, of %d bytes of JSON", few, afterFew, many, afterMany, size)
	}
}
