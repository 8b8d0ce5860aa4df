package meeting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/result"
)

// met is what the shards agreed on.
type met struct {
	fleet string
	start int64 // on the server's clock
	began Comparison
	late  time.Duration
	ended *Comparison
	runs  []string // of all shards
}

// agree works out the start and the name of the fleet. Every shard has the same marks.
func agree(marks map[int]mark) *met {
	var last int64
	var longest time.Duration
	h := sha256.New()
	var runs []string
	for _, i := range sorted(marks) {
		runs = append(runs, marks[i].Run)
		last, longest = max(last, marks[i].Arrived), max(longest, marks[i].RoundTrip)
		fmt.Fprintf(h, "%d %s\n", i, marks[i].Nonce)
	}
	sum := h.Sum(nil)
	// Ids begin with a letter, so that no table takes them for numbers.
	id := string("abcdef"[sum[31]%6]) + hex.EncodeToString(sum)[:14]
	return &met{fleet: id, start: last + int64(2*longest+lead+time.Duration(len(marks))*leadEach), runs: runs}
}

func sorted(marks map[int]mark) []int {
	var all []int
	for i := range marks {
		all = append(all, i)
	}
	slices.Sort(all)
	return all
}

// Runs are the ids of the runs of all shards in their order, this one included, and nil
// before they have met.
func (m *Meeting) Runs() []string {
	if m.met == nil {
		return nil
	}
	return m.met.runs
}

// CompareAgain compares the clocks once more, after the load.
func (m *Meeting) CompareAgain(ctx context.Context) error {
	m.renew() // it was idle for the whole load
	c, err := m.Compare(ctx)
	if err == nil && m.met != nil {
		m.met.ended = &c
	}
	return err
}

// Describe adds what the shards agreed on to the shard of a result.
func (m *Meeting) Describe(s *result.Shard) {
	s.Configuration = m.o.Configuration
	if m.met == nil {
		return
	}
	s.Fleet = m.met.fleet
	c := &result.Clock{
		StartNS: m.met.start, OffsetNS: int64(m.met.began.Offset), UncertaintyNS: int64(m.met.began.Uncertainty()), LateNS: int64(m.met.late),
	}
	if e := m.met.ended; e != nil {
		c.EndOffsetNS, c.EndUncertaintyNS = new(int64(e.Offset)), new(int64(e.Uncertainty()))
		if length := (e.At - m.met.began.At).Seconds(); length > 0 {
			c.Drift = new(float64(int64(e.Offset)-c.OffsetNS) / length)
		}
	}
	s.Clock = c
}
