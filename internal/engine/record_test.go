package engine

import (
	"sync"
	"testing"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// ride takes job n through all its stations on the structures of a run.
func ride(r *run, s *record.Shard, n int64) {
	j := r.flight.Start(n)
	j.Stamp = blank
	j.Stamp[flight.DueAt], j.Stamp[flight.SentAt] = n, n+1
	j.Launch(n)
	_, j = r.flight.Find(n)
	j.Stamp[flight.AckedAt] = n + 20_000
	j.Mark(n, flight.Acked)
	j.Mark(n, flight.Popped)
	j.Stamp[flight.PoppedAt] = n + 30_000
	j.Stamp[flight.DoneAt] = n + 40_000
	j.Mark(n, flight.Done)
	j.Stamp[flight.PublishedAt] = n + 60_000
	j.Mark(n, flight.Published)
	b, j := r.flight.Find(n)
	j.Stamp[flight.NotifiedAt] = n + 70_000
	marks, _, _ := j.Mark(n, flight.Notified)
	r.finish(b, j, n, marks, s)
}

func testRun(subscribers int) (*run, *record.Shard) {
	r, _ := newRun(scenario.Scenario{Subscribers: subscribers, Batch: 1, Load: scenario.Load{InFlight: 1}}, nil, Options{}, 1)
	return r, r.rec.Shard()
}

func TestRecordingAJobDoesNotAllocate(t *testing.T) {
	r, s := testRun(1)
	n := int64(0)
	for ; n < 2*flight.BlockJobs; n++ {
		ride(r, s, n)
	}
	if got := testing.AllocsPerRun(5000, func() { ride(r, s, n); n++ }); got != 0 {
		t.Errorf("%v allocations for a job", got)
	}
}

// BenchmarkRecordJob is the price of recording a finished job in all stages.
func BenchmarkRecordJob(b *testing.B) {
	_, s := testRun(1)
	t := blank
	copy(t[:], []int64{0, 1_000, 81_000, 90_000, 1_090_000, 1_150_000, 1_200_000})
	b.ReportAllocs()
	i := int64(0)
	for b.Loop() {
		t[flight.NotifiedAt] = 1_200_000 + i*37%900_000
		i++
		s.Add(i, &t)
	}
}

// BenchmarkAccountJob is the price of a job's whole way through the account: its
// slot, every mark, and its record.
func BenchmarkAccountJob(b *testing.B) {
	r, s := testRun(1)
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		ride(r, s, n)
		n++
	}
}

func TestStorageFollowsTheJobsInFlight(t *testing.T) {
	t.Parallel()
	r, s := testRun(1)
	const straggler, dir = 5, 64
	r.flight = flight.New(1, 1, dir)
	for n := range int64(dir*flight.BlockJobs + 10*flight.BlockJobs) {
		if n == straggler {
			j := r.flight.Start(n)
			j.Launch(n)
			continue
		}
		ride(r, s, n)
	}
	used, free := r.flight.Blocks()
	if blocks := used + free; blocks > 4 {
		t.Errorf("%d blocks are held for one job in flight", blocks)
	}
	// The straggler's place in the directory has long gone to others.
	b, j := r.flight.Find(straggler)
	if j == nil {
		t.Fatal("the straggler is lost")
	}
	if _, first, here := j.Mark(straggler, flight.Notified); !first || !here {
		t.Error("the straggler cannot be marked")
	}
	var left int
	r.flight.Each(func(n int64, _ *flight.Job, _ uint64) {
		left++
		if n != straggler {
			t.Errorf("job %d is still in flight", n)
		}
	})
	if left != 1 {
		t.Errorf("%d jobs in flight, want 1", left)
	}
	j.Mark(straggler, flight.Closed)
	r.flight.Close(b)
	if after, _ := r.flight.Blocks(); after != used-1 {
		t.Errorf("%d blocks are in use after the straggler's end, and %d before it: its block was not given back", after, used)
	}
}

func TestAJobIsFinishedOnceByWhoeverComesLast(t *testing.T) {
	t.Parallel()
	const jobs = 20_000
	r, _ := testRun(1)
	for n := range int64(jobs) {
		j := r.flight.Start(n)
		j.Stamp = [flight.Stamps]int64{1, 1, 1, 1, 1, 1, 1}
		j.Launch(n)
	}
	var wg sync.WaitGroup
	for _, m := range []uint64{flight.Acked, flight.Done | flight.Popped, flight.Published, flight.Notified} {
		s := r.rec.Shard()
		wg.Go(func() {
			for n := range int64(jobs) {
				b, j := r.flight.Find(n)
				marks, first, here := j.Mark(n, m)
				if !first || !here {
					t.Errorf("job %d: mark %b is not the first", n, m)
				}
				r.finish(b, j, n, marks, s)
			}
		})
	}
	wg.Wait()
	if got := r.rec.Added(); got != jobs {
		t.Errorf("%d jobs recorded, want %d", got, jobs)
	}
	r.flight.Each(func(n int64, _ *flight.Job, _ uint64) { t.Errorf("job %d is left over", n) })
}

func TestALateDuplicateFindsNothing(t *testing.T) {
	t.Parallel()
	r, s := testRun(2)
	sub := &listener{r: r, index: 1, tally: r.tally(), shard: s}
	b, j := r.flight.Find(3)
	if b != nil || j != nil {
		t.Fatal("a job that was never started was found")
	}
	for n := range int64(flight.BlockJobs) {
		j := r.flight.Start(n)
		j.Launch(n)
		b, _ := r.flight.Find(n)
		j.Mark(n, flight.Closed)
		r.flight.Close(b)
	}
	sub.ended(3, 0, jobqueue.Completed, 0)
	sub.ended(1<<40, 0, jobqueue.Completed, 0)
	if d, c := r.total(ledger.Duplicated), r.total(ledger.Corrupt); d != 1 || c != 1 {
		t.Errorf("%d duplicated and %d corrupt, want 1 and 1", d, c)
	}
}
