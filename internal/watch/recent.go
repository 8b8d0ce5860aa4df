package watch

import (
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
)

const (
	// recentOver is the time that the recent distributions cover.
	recentOver = 10 * time.Second
	// slotOf is the time of one histogram of the ring. There is one slot more
	// than the time has, since the newest is not full yet.
	slotOf = time.Second
	slots  = int(recentOver/slotOf) + 1
)

// recent is a distribution of the last ten seconds: a ring of histograms of a
// second each, 3 MB at most, which are made when they are needed first.
type recent struct {
	ring   [slots]*latency.Histogram
	newest int // the second that the newest slot is of
}

// record takes in a value at a moment.
func (r *recent) record(ns int64, at time.Duration) {
	r.advance(at)
	slot := &r.ring[r.newest%slots]
	if *slot == nil {
		*slot = latency.New()
	}
	(*slot).Record(ns)
}

// advance empties the slots of the seconds that have begun since.
func (r *recent) advance(at time.Duration) {
	second := int(at / slotOf)
	for from := max(r.newest+1, second-slots+1); from <= second; from++ {
		if h := r.ring[from%slots]; h != nil {
			h.Reset()
		}
	}
	r.newest = max(r.newest, second)
}

// times are the distribution at a moment, and since is the moment from which on
// values are in it.
func (r *recent) times(now time.Duration) (t Times, since time.Duration) {
	r.advance(now)
	all := latency.New()
	for _, h := range r.ring {
		if h != nil {
			all.Merge(h)
		}
	}
	return timesOf(all), max(0, time.Duration(r.newest-slots+1)*slotOf)
}
