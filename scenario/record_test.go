package scenario

import (
	"sync"
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// ride takes job n through all its stations on the structures of a run.
func ride(r *run, s *shard, n int64) {
	j := r.flight.start(n)
	j.stamp = blank
	j.stamp[tDue], j.stamp[tSent] = n, n+1
	j.launch(n)
	b, j := r.flight.find(n)
	j.stamp[tAcked] = n + 20_000
	j.mark(n, mAcked)
	j.mark(n, mPopped)
	j.stamp[tPopped] = n + 30_000
	j.stamp[tDone] = n + 40_000
	j.mark(n, mDone)
	j.stamp[tPublished] = n + 60_000
	j.mark(n, mPublished)
	b, j = r.flight.find(n)
	j.stamp[tNotified] = n + 70_000
	marks, _, _ := j.mark(n, mNotified)
	r.finish(b, j, n, marks, s)
}

func testRun(subscribers int) (*run, *shard) {
	r := newRun(Scenario{Subscribers: subscribers, Batch: 1, Load: Load{InFlight: 1}}, nil, Options{}, 1)
	return r, r.rec.shard()
}

func TestRecordingAJobDoesNotAllocate(t *testing.T) {
	r, s := testRun(1)
	n := int64(0)
	for ; n < 2*blockJobs; n++ {
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
		t[tNotified] = 1_200_000 + i*37%900_000
		i++
		s.add(i, &t)
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
	r.flight = newFlight(1, dir)
	for n := range int64(dir*blockJobs + 10*blockJobs) {
		if n == straggler {
			j := r.flight.start(n)
			j.launch(n)
			continue
		}
		ride(r, s, n)
	}
	blocks := len(r.flight.free) + len(r.flight.old)
	for i := range r.flight.dir {
		if r.flight.dir[i].Load() != nil {
			blocks++
		}
	}
	if blocks > 4 {
		t.Errorf("%d blocks are held for one job in flight", blocks)
	}
	// The straggler's place in the directory has long gone to others.
	b, j := r.flight.find(straggler)
	if j == nil {
		t.Fatal("the straggler is lost")
	}
	if _, first, here := j.mark(straggler, mNotified); !first || !here {
		t.Error("the straggler cannot be marked")
	}
	var left int
	r.flight.each(func(n int64, _ *job, _ uint64) {
		left++
		if n != straggler {
			t.Errorf("job %d is still in flight", n)
		}
	})
	if left != 1 {
		t.Errorf("%d jobs in flight, want 1", left)
	}
	j.mark(straggler, mClosed)
	r.flight.close(b)
	if len(r.flight.old) != 0 {
		t.Error("the straggler's block was not given back")
	}
}

func TestAJobIsFinishedOnceByWhoeverComesLast(t *testing.T) {
	t.Parallel()
	const jobs = 20_000
	r, _ := testRun(1)
	for n := range int64(jobs) {
		j := r.flight.start(n)
		j.stamp = [stamps]int64{1, 1, 1, 1, 1, 1, 1}
		j.launch(n)
	}
	var wg sync.WaitGroup
	for _, m := range []uint64{mAcked, mDone | mPopped, mPublished, mNotified} {
		s := r.rec.shard()
		wg.Go(func() {
			for n := range int64(jobs) {
				b, j := r.flight.find(n)
				marks, first, here := j.mark(n, m)
				if !first || !here {
					t.Errorf("job %d: mark %b is not the first", n, m)
				}
				r.finish(b, j, n, marks, s)
			}
		})
	}
	wg.Wait()
	if got := r.rec.added(); got != jobs {
		t.Errorf("%d jobs recorded, want %d", got, jobs)
	}
	r.flight.each(func(n int64, _ *job, _ uint64) { t.Errorf("job %d is left over", n) })
}

func TestALateDuplicateFindsNothing(t *testing.T) {
	t.Parallel()
	r, s := testRun(2)
	sub := &subscriber{r: r, index: 1, tally: r.tally(), shard: s}
	b, j := r.flight.find(3)
	if b != nil || j != nil {
		t.Fatal("a job that was never started was found")
	}
	for n := range int64(blockJobs) {
		j := r.flight.start(n)
		j.launch(n)
		b, _ := r.flight.find(n)
		j.mark(n, mClosed)
		r.flight.close(b)
	}
	sub.notified(3, 0, jobqueue.View{Status: jobqueue.Completed})
	sub.notified(1<<40, 0, jobqueue.View{Status: jobqueue.Completed})
	if d, c := sub.tally.duplicated.Load(), sub.tally.corrupt.Load(); d != 1 || c != 1 {
		t.Errorf("%d duplicated and %d corrupt, want 1 and 1", d, c)
	}
}
