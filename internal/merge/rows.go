package merge

import (
	"maps"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/joinrows"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/rowlength"
	"github.com/queuedyno/queuedyno/internal/rowscan"
	"github.com/queuedyno/queuedyno/result"
)

// row is a row of the merged timeline: what all shards have in the same interval after the
// common start.
type row struct {
	result.Second
	stages map[result.Stage]*second
}

// second is a stage in a row.
type second struct {
	count   int64
	max     *int64
	lacking bool // some of its jobs are in no histogram
	buckets latency.Sparse
}

// timeline is the timeline of one result as it was read. It holds no pointers for each row,
// and its memory is used again.
type timeline struct {
	rows    []rowscan.Row // without stages
	upTo    []int         // where in stages those of each row end
	stages  []stageRow
	buckets []int32
	counts  []int64
}

// stageRow is a stage in a row of one result.
type stageRow struct {
	name  string
	count int64
	max   rowscan.Number
	upTo  int // where its buckets end
}

func (t *timeline) reset() {
	t.rows, t.upTo, t.stages, t.buckets, t.counts = t.rows[:0], t.upTo[:0], t.stages[:0], t.buckets[:0], t.counts[:0]
}

// read adds a row.
func (t *timeline) read(r *rowscan.Row, c *latency.BandCounter) error {
	for _, of := range r.Stages {
		if len(of.HDR) > 0 {
			var err error
			if t.buckets, t.counts, err = c.AppendBuckets(of.HDR, t.buckets, t.counts); err != nil {
				return &rowError{r.ElapsedS, of.Name, err}
			}
		}
		t.stages = append(t.stages, stageRow{of.Name, of.Count, of.Max, len(t.buckets)})
	}
	one := *r
	one.Stages = nil
	t.rows, t.upTo = append(t.rows, one), append(t.upTo, len(t.stages))
	return nil
}

// late is how much later than its row an interval ends at most, as a share of the shortest
// row. The moment differs from shard to shard.
const late = 4

// place is the end of the merged row that an interval belongs to. Rows of one place have the
// same length in all shards, also where that grows with the length of the run. The last
// interval of a phase ends early.
func place(elapsedS float64, lengths rowlength.Rows) time.Duration {
	moment := time.Duration(elapsedS*float64(time.Second)) - min(lengths.At(0), lengths.Fine())/late
	return lengths.End(max(0, moment))
}

// add adds the rows of one result. Intervals that fall into one row follow each other there.
func (m *Merger) addRows(t *timeline, lengths rowlength.Rows, oneQueue bool) {
	stage, bucket := 0, 0
	for i := 0; i < len(t.rows); {
		at := place(t.rows[i].ElapsedS, lengths)
		head, to := headOf(&t.rows[i], at), i+1
		for ; to < len(t.rows) && place(t.rows[to].ElapsedS, lengths) == at; to++ {
			follow(&head, &t.rows[to])
		}
		sum := m.rows[at]
		if sum == nil {
			sum = &row{Second: head, stages: map[result.Stage]*second{}}
			m.rows[at] = sum
		} else {
			sum.add(&head, oneQueue)
		}
		for i = to; stage < t.upTo[to-1]; stage++ {
			one := &t.stages[stage]
			sum.addStage(one, t.buckets[bucket:one.upTo], t.counts[bucket:one.upTo])
			bucket = one.upTo
		}
	}
}

// headOf is the row of one shard without its stages.
func headOf(r *rowscan.Row, at time.Duration) result.Second {
	return result.Second{
		ElapsedS: at.Seconds(), LengthS: r.LengthS, Phase: r.Phase, Offered: r.Offered, Sent: r.Sent, Notified: r.Notified, Lost: r.Lost,
		Backlog: r.Backlog, BacklogMax: r.BacklogMax, QueueLen: r.QueueLen.Pointer(), Blocked: r.BlockedClients.Pointer(),
	}
}

// follow adds a later interval of the same shard.
func follow(s *result.Second, r *rowscan.Row) {
	s.LengthS += r.LengthS
	s.Phase = later(s.Phase, r.Phase)
	s.Offered += r.Offered
	s.Sent += r.Sent
	s.Notified += r.Notified
	s.Lost += r.Lost
	s.Backlog, s.BacklogMax = r.Backlog, max(s.BacklogMax, r.BacklogMax)
	s.QueueLen, s.Blocked = r.QueueLen.Pointer(), r.BlockedClients.Pointer()
}

// phases are the phases in their order.
var phases = []string{"warmup", "window", "drain"}

func later(a, b string) string {
	if slices.Index(phases, b) > slices.Index(phases, a) {
		return b
	}
	return a
}

// add adds the same interval of other shards.
func (r *row) add(o *result.Second, oneQueue bool) {
	r.LengthS = max(r.LengthS, o.LengthS)
	r.Phase = later(r.Phase, o.Phase)
	r.Offered += o.Offered
	r.Sent += o.Sent
	r.Notified += o.Notified
	r.Lost += o.Lost
	r.Backlog += o.Backlog
	r.BacklogMax += o.BacklogMax
	// A length that one shard does not know is not known of all; of one queue, all ask for
	// the same length.
	if oneQueue {
		r.QueueLen = joinrows.Larger(r.QueueLen, o.QueueLen)
	} else if r.QueueLen != nil && o.QueueLen != nil {
		r.QueueLen = new(*r.QueueLen + *o.QueueLen)
	} else {
		r.QueueLen = nil
	}
	// All of them ask the same server.
	r.Blocked = joinrows.Larger(r.Blocked, o.Blocked)
}

func (r *row) addStage(one *stageRow, buckets []int32, counts []int64) {
	sum := r.stages[result.Stage(one.name)]
	if sum == nil {
		sum = &second{}
		r.stages[result.Stage(one.name)] = sum
	}
	sum.count += one.count
	if one.max.Known && (sum.max == nil || one.max.N > *sum.max) {
		sum.max = one.max.Pointer()
	}
	sum.lacking = sum.lacking || one.count > 0 && len(buckets) == 0
	sum.buckets.AddBuckets(buckets, counts)
}

// smaller is the smaller of two values, of which each may be absent.
func smaller(a, b *int64) *int64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

// timeline is the merged timeline. Quantiles of a second are those of the stages whose
// histograms all shards have.
func (m *Merger) timeline() ([]result.Second, error) {
	out := []result.Second{}
	for _, at := range slices.Sorted(maps.Keys(m.rows)) {
		one := m.rows[at]
		s := one.Second
		s.Stages = map[result.Stage]*result.SecondStage{}
		for stage, of := range one.stages {
			sum := &result.SecondStage{Count: of.count, MaxNS: of.max}
			if !of.lacking && of.count > 0 && of.max != nil {
				of.buckets.Into(m.scratch(), latency.Exact{Max: *of.max})
				sum = record.Second(m.scratch())
				var err error
				if sum.HDR, err = m.scratch().Encode(); err != nil {
					return nil, err
				}
				// What was beyond the range of the histogram is in no bucket.
				sum.Count, sum.MaxNS = of.count, of.max
			}
			s.Stages[stage] = sum
		}
		out = append(out, s)
	}
	return out, nil
}

// scratch is a histogram for one figure at a time.
func (m *Merger) scratch() *latency.Histogram {
	if m.heap == nil {
		m.heap = latency.New()
	}
	return m.heap
}
