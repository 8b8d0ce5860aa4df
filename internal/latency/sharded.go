package latency

import (
	"math/rand/v2"
	"sync"
)

// Sharded is a distribution that many goroutines record into at once. Each value goes
// into one of several histograms at random, so that two goroutines seldom meet at a
// lock. Recording takes some ten nanoseconds and does not allocate. It is safe for
// concurrent use.
type Sharded struct{ shards []shard }

type shard struct {
	mu sync.Mutex
	h  *Histogram
	_  [64]byte // keeps two shards' locks off one cache line
}

// NewSharded returns an empty distribution with at least one histogram. Twice as many
// as there are CPUs are enough.
func NewSharded(histograms int) *Sharded {
	s := &Sharded{shards: make([]shard, max(1, histograms))}
	for i := range s.shards {
		s.shards[i].h = New()
	}
	return s
}

// Record adds one duration in nanoseconds.
func (s *Sharded) Record(ns int64) {
	one := &s.shards[rand.IntN(len(s.shards))]
	one.mu.Lock()
	one.h.Record(ns)
	one.mu.Unlock()
}

// Take moves what was recorded since the last Take into h.
func (s *Sharded) Take(h *Histogram) {
	for i := range s.shards {
		one := &s.shards[i]
		one.mu.Lock()
		h.Merge(one.h)
		one.h.Reset()
		one.mu.Unlock()
	}
}
