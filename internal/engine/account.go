package engine

import (
	"cmp"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/token"
	"github.com/queuedyno/queuedyno/result"
)

// account keeps the account of every job: the table of those on their way, the
// tallies of the goroutines, and the recorder of those that are over.
type account struct {
	flight   *flight.Table
	rec      *record.Recorder
	tallies  []*ledger.Tally
	complete uint64 // the marks of a job of which nothing is missing
	observed bool   // the jobs are external
	first    int64  // the number of the first job that is not prefilled
	filled   int64  // jobs that were prefilled
	numbers  atomic.Int64
	tokens   *token.Pool       // nil in an open loop
	thinking *token.Think      // nil without think time
	readers  *readers          // nil without WebSocket clients
	blackBox bool              // only WebSocket clients see the end of a job
	tenant   func(n int64) int // of a job
	again    atomic.Int64      // the longest end_to_end of a job that was given out twice
	found    atomic.Int64      // jobs that arrived although the answer to their push was lost
	losses   *losses           // nil without faults
}

func (a *account) tally() *ledger.Tally {
	t := &ledger.Tally{}
	a.tallies = append(a.tallies, t)
	return t
}

// total is the sum of one counter.
func (a *account) total(c ledger.Counter) int64 {
	sum := ledger.SumOf(a.tallies, c)
	return sum[c]
}

// start takes a job into flight that is due at that moment.
func (a *account) start(n, due int64) *flight.Job {
	j := a.flight.Start(n)
	j.Stamp = blank
	j.Stamp[flight.DueAt] = due
	if a.readers != nil {
		a.expect(j, a.tenant(n))
	}
	return j
}

// finish closes a job that has every mark of a complete one, and records it.
// Several goroutines may try to; one succeeds.
func (a *account) finish(b *flight.Block, j *flight.Job, n int64, marks uint64, s *record.Shard) {
	if proved(marks)&a.complete != a.complete {
		return
	}
	if marks, first, here := j.Mark(n, flight.Closed); here && first {
		if marks&flight.PushUnknown != 0 {
			a.found.Add(1)
		}
		stamp := &j.Stamp
		if marks&flight.Again != 0 { // another consumer may be stamping it at this moment
			var copied [flight.Stamps]int64
			for i := range copied {
				copied[i] = atomic.LoadInt64(&stamp[i])
			}
			stamp = &copied
		}
		settle(stamp)
		if marks&flight.Again != 0 {
			a.slowest(flight.Ended(stamp) - stamp[flight.DueAt])
		}
		s.Add(n, stamp)
		a.flight.Close(b)
	}
}

// proved are the marks together with those that a notification proves: an answer that was
// lost with its connection is not waited for.
func proved(marks uint64) uint64 {
	if marks&flight.Notified == 0 {
		return marks
	}
	if marks&flight.PushUnknown != 0 {
		marks |= flight.Acked
	}
	if marks&flight.PublishUnknown != 0 {
		marks |= flight.Published
	}
	return marks
}

// settle makes the stamps of a finished job consistent. What a WebSocket client has read
// was notified before, and had begun before, whenever the subscriber of the run got to
// those messages.
func settle(stamp *[flight.Stamps]int64) {
	if read := stamp[flight.BroadcastAt]; read != flight.Absent && stamp[flight.NotifiedAt] > read {
		stamp[flight.NotifiedAt] = read
		stamp[flight.FirstAt] = min(stamp[flight.FirstAt], read)
		stamp[flight.RunningAt] = min(stamp[flight.RunningAt], read)
	}
}

// slowest keeps the longest end_to_end of a job that was given out twice.
func (a *account) slowest(took int64) {
	for {
		was := a.again.Load()
		if took <= was || a.again.CompareAndSwap(was, took) {
			return
		}
	}
}

// surelyLost closes a job that certainly will not arrive, and counts it: one that the server
// refused, or says it published to no subscriber.
func (a *account) surelyLost(b *flight.Block, j *flight.Job, n int64, t *ledger.Tally, as ledger.Counter) {
	due := j.Stamp[flight.DueAt]
	if _, first, here := j.Mark(n, flight.Closed); !here || !first {
		return
	}
	t.Add(as, 1)
	if due >= a.rec.From && due < a.rec.To {
		t.Add(ledger.WindowLost, 1)
		a.rec.Lose(n, due)
	}
	a.losses.add(due, legCounted(as))
	a.rec.Gone(due)
	a.free(n)
	a.flight.Close(b)
}

// stray counts a job that was seen again, or that was never sent.
func (a *account) stray(n int64, t *ledger.Tally) {
	if n < a.flight.Top.Load() {
		t.Add(ledger.Duplicated, 1)
	} else {
		t.Add(ledger.Corrupt, 1)
	}
}

// finished is how many jobs are over, complete or known to be lost.
func (a *account) finished() int64 {
	added := a.rec.Added()
	t := ledger.SumOf(a.tallies, ledger.Gone...)
	return added + t.Over()
}

// outstanding is how many jobs were sent and are not over.
func (a *account) outstanding() int64 {
	if a.observed {
		return 0 // the jobs are external
	}
	over := a.finished()
	return a.total(ledger.Sent) - over
}

// free returns the token of a finished job to the closed loop, after the think time
// where there is one. Prefilled jobs have no token.
func (a *account) free(n int64) {
	switch {
	case a.tokens == nil || n < a.first:
	case a.thinking != nil:
		a.thinking.Take()
	default:
		a.tokens.Give(1)
	}
}

// maxLostJobs bounds [result.Ledger.LostJobs].
const maxLostJobs = 1000

// lostJob is a job that did not arrive.
type lostJob struct {
	n   int64
	leg result.Leg
}

// keepFirst cuts the list down to the jobs with the lowest numbers, now and then.
func keepFirst(lost []lostJob) []lostJob {
	if len(lost) < 4*maxLostJobs {
		return lost
	}
	return firstLost(lost)
}

// firstLost are the jobs with the lowest numbers, in order.
func firstLost(lost []lostJob) []lostJob {
	slices.SortFunc(lost, func(a, b lostJob) int { return cmp.Compare(a.n, b.n) })
	return lost[:min(len(lost), maxLostJobs)]
}

// named are the lost jobs by their ids. The ids that the user's API chose are not kept.
func (r *reconciliation) named() []result.LostJob {
	var out []result.LostJob
	for _, l := range firstLost(r.lost) {
		id := strconv.FormatInt(r.spread.Number(l.n), 10)
		if r.ids == nil {
			id = string(r.format.AppendID(nil, l.n))
		}
		out = append(out, result.LostJob{ID: id, Leg: l.leg})
	}
	return out
}
