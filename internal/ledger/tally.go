package ledger

import "sync/atomic"

// Tally holds the counts of one goroutine. Only that goroutine adds; any goroutine
// may read. Counting takes a few nanoseconds and allocates nothing.
type Tally struct {
	n [counters]atomic.Int64
	_ [64]byte // keeps two goroutines' tallies off one cache line
}

// Add adds n to a counter. n may be negative, to take back what was counted.
func (t *Tally) Add(c Counter, n int64) { t.n[c].Add(n) }

// Set replaces a counter that another package keeps.
func (t *Tally) Set(c Counter, n int64) { t.n[c].Store(n) }

// Totals are the counts of a whole run.
type Totals [counters]int64

// Sum adds up all tallies.
func Sum(tallies []*Tally) (sum Totals) {
	for c := range sum {
		sum.add(tallies, Counter(c))
	}
	return sum
}

// SumOf adds up only the given counters, which are read in that order.
func SumOf(tallies []*Tally, of ...Counter) (sum Totals) {
	for _, c := range of {
		sum.add(tallies, c)
	}
	return sum
}

func (s *Totals) add(tallies []*Tally, c Counter) {
	for _, t := range tallies {
		s[c] += t.n[c].Load()
	}
}

// Gone are the counters of jobs that are known not to arrive any more.
var Gone = []Counter{Unheard, Refused, Unanswered, Unstored, Unpushed, Unsaved}

// Over is how many jobs are known not to arrive any more.
func (s *Totals) Over() (n int64) {
	for _, c := range Gone {
		n += s[c]
	}
	return n
}
