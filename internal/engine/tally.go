package engine

import "sync/atomic"

// tally counts what one goroutine did. Only that goroutine adds; anybody reads.
type tally struct {
	sent, acked, popped, finished, published, notified atomic.Int64
	duplicated, outOfOrder, corrupt, foreign, failed   atomic.Int64
	redelivered, unreadable                            atomic.Int64
	// windowNobody are all of the window of which it is known that nobody will
	// hear of them: refused ones as well.
	nobody, refused, windowSent, windowNobody atomic.Int64
	_                                         [64]byte // one cache line is nobody else's
}

// totals are the sums over all tallies.
type totals struct {
	sent, acked, popped, finished, published, notified int64
	duplicated, outOfOrder, corrupt, foreign, failed   int64
	redelivered, unreadable                            int64
	nobody, refused, windowSent, windowNobody          int64
}

func sum(ts []*tally) (s totals) {
	for _, t := range ts {
		// What comes later on a job's way is read first, so that no sum can
		// show more jobs at the end of the way than at its beginning.
		s.notified += t.notified.Load()
		s.nobody += t.nobody.Load()
		s.refused += t.refused.Load()
		s.windowNobody += t.windowNobody.Load()
		s.duplicated += t.duplicated.Load()
		s.outOfOrder += t.outOfOrder.Load()
		s.corrupt += t.corrupt.Load()
		s.foreign += t.foreign.Load()
		s.unreadable += t.unreadable.Load()
		s.failed += t.failed.Load()
		s.redelivered += t.redelivered.Load()
	}
	for _, t := range ts {
		s.published += t.published.Load()
		s.finished += t.finished.Load()
		s.popped += t.popped.Load()
	}
	for _, t := range ts {
		s.acked += t.acked.Load()
		s.sent += t.sent.Load()
		s.windowSent += t.windowSent.Load()
	}
	return s
}

// backlogSum is the part of [sum] that the backlog is made of.
func backlogSum(ts []*tally) (s totals) {
	for _, t := range ts {
		s.notified += t.notified.Load()
		s.nobody += t.nobody.Load()
	}
	for _, t := range ts {
		s.sent += t.sent.Load()
	}
	return s
}
