package latency_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/queuedyno/queuedyno/internal/latency"
)

func TestShardsAddUpToWhatAllGoroutinesRecorded(t *testing.T) {
	t.Parallel()
	const goroutines, each = 8, 2000
	s, want := latency.NewSharded(3), latency.New()
	var recording sync.WaitGroup
	for g := range goroutines {
		for i := range each {
			want.Record(int64(g*each + i))
		}
		recording.Go(func() {
			for i := range each {
				s.Record(int64(g*each + i))
			}
		})
	}
	got := latency.New()
	s.Take(got) // while they record
	recording.Wait()
	s.Take(got)
	if got.Count() != want.Count() || got.Min() != want.Min() || got.Max() != want.Max() || !slices.Equal(got.Buckets(), want.Buckets()) {
		t.Errorf("%d values from %d to %d, want %d from %d to %d in the same buckets", got.Count(), got.Min(), got.Max(), want.Count(), want.Min(), want.Max())
	}
	again := latency.New()
	if s.Take(again); again.Count() != 0 {
		t.Errorf("%d values were taken twice", again.Count())
	}
}

func TestRecordingIntoShardsDoesNotAllocate(t *testing.T) {
	s := latency.NewSharded(4)
	if n := testing.AllocsPerRun(1000, func() { s.Record(12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
