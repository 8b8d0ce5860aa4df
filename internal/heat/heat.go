// Package heat counts the jobs of a run by time and latency: for each stage, how many
// jobs ended it in each column of time and each band of latency. It reads the interval
// log of a run in one pass, in memory that does not grow with the length of the run.
// Begin reading at [Read].
package heat

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
)

// Map is how the jobs of a run are spread over time and latency.
type Map struct {
	// Spans are the columns in ascending order, from the epoch of the run. They do not
	// overlap. Between two of them may be a gap, in which no job ended.
	Spans []Span
	// Merged is the length of the columns where intervals of the log were merged, 0
	// where each has its own column.
	Merged time.Duration
	// Stages holds the cells of each stage.
	Stages map[metric.Stage]Grid
}

// Span is a time from From to To.
type Span struct{ From, To time.Duration }

// Grid holds the counts of one stage.
type Grid struct {
	// Edges are the ends of the bands in nanoseconds: band i is from Edges[i] up to
	// Edges[i+1].
	Edges []float64
	// Columns has a list for each span: the lowest band with jobs, then the counts from this
	// band to the highest one with jobs. The list is empty where no job ended.
	Columns [][]int64
}

// Limits bound a [Map]. The columns are merged until both are kept.
type Limits struct {
	// Columns is the largest number of columns.
	Columns int
	// Cells is the largest number of counts in all stages together. One column per
	// stage is kept even if it has more.
	Cells int
}

// interval is the length of the intervals of a run.
const interval = time.Second

// Read reads an interval log as package render writes it. Rows of stages that this
// build does not know are ignored. Its errors name the line.
func Read(log io.Reader, limits Limits) (*Map, error) {
	b := builder{slots: map[int64]*slot{}, width: interval}
	lines := bufio.NewScanner(log)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	for n := 1; lines.Scan(); n++ {
		if err := b.line(lines.Text()); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if len(b.slots) > max(1, limits.Columns) {
			b.widen()
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	for b.cells() > limits.Cells && len(b.slots) > 1 {
		b.widen()
	}
	return b.done(), nil
}

// longestLine bounds one row: a histogram with a count in every bucket is shorter.
const longestLine = 1 << 20

// counts are the jobs of one stage by band.
type counts = [latency.Bands]int64

// slot collects the intervals whose middle lies in one part of the time.
type slot struct {
	Span
	stages map[metric.Stage]*counts
}

// builder sorts intervals into slots of equal width.
type builder struct {
	slots   map[int64]*slot
	width   time.Duration
	counter latency.BandCounter
}

// line adds one row: Tag=STAGE,START,LENGTH,MAX,HISTOGRAM, in seconds.
func (b *builder) line(text string) error {
	tag, found := strings.CutPrefix(text, "Tag=")
	if !found {
		return nil // a comment, or the names of the columns
	}
	fields := strings.Split(tag, ",")
	if len(fields) != 5 {
		return errors.New("the row is cut off")
	}
	stage := metric.Stage(fields[0])
	if !slices.Contains(metric.Stages(), stage) {
		return nil
	}
	from, err := seconds(fields[1])
	if err != nil {
		return err
	}
	length, err := seconds(fields[2])
	if err != nil {
		return err
	}
	var sum counts
	if err := b.counter.Add(fields[4], &sum); err != nil {
		return err
	}
	at := int64((from + length/2) / b.width)
	b.join(at, &slot{Span: Span{from, from + length}, stages: map[metric.Stage]*counts{stage: &sum}})
	return nil
}

// seconds reads a time in seconds. Logs of decades are refused: their sums would not
// fit.
func seconds(text string) (time.Duration, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v < 1e9) {
		return 0, fmt.Errorf("%q is not a time in seconds", text)
	}
	return time.Duration(math.Round(v*1000)) * time.Millisecond, nil
}

// join adds to the slot at a place.
func (b *builder) join(at int64, more *slot) {
	s := b.slots[at]
	if s == nil {
		b.slots[at] = more
		return
	}
	s.From, s.To = min(s.From, more.From), max(s.To, more.To)
	for stage, sum := range more.stages {
		if s.stages[stage] == nil {
			s.stages[stage] = sum
			continue
		}
		for i, n := range sum {
			s.stages[stage][i] += n
		}
	}
}

// widen merges each two neighbors.
func (b *builder) widen() {
	old := b.slots
	b.slots, b.width = map[int64]*slot{}, 2*b.width
	for at, s := range old {
		b.join(at/2, s)
	}
}

// cells is how many counts the map would hold.
func (b *builder) cells() (n int) {
	for _, s := range b.slots {
		for _, sum := range s.stages {
			if low, high, found := bounds(sum); found {
				n += high - low + 1
			}
		}
	}
	return n
}

// bounds are the lowest and the highest band with jobs, of nil none.
func bounds(sum *counts) (low, high int, found bool) {
	if sum == nil {
		return 0, 0, false
	}
	low = slices.IndexFunc(sum[:], func(n int64) bool { return n != 0 })
	if low < 0 {
		return 0, 0, false
	}
	for high = latency.Bands - 1; sum[high] == 0; high-- {
	}
	return low, high, true
}

func (b *builder) done() *Map {
	m := &Map{Stages: map[metric.Stage]Grid{}}
	if b.width > interval {
		m.Merged = b.width
	}
	order := slices.Sorted(maps.Keys(b.slots))
	for _, at := range order {
		m.Spans = append(m.Spans, b.slots[at].Span)
	}
	for _, stage := range metric.Stages() {
		if g, found := b.grid(stage, order); found {
			m.Stages[stage] = g
		}
	}
	return m
}

// grid holds the counts of one stage, from its lowest band to its highest.
func (b *builder) grid(stage metric.Stage, order []int64) (g Grid, found bool) {
	lowest, highest := latency.Bands, -1
	for _, at := range order {
		if low, high, found := bounds(b.slots[at].stages[stage]); found {
			lowest, highest = min(lowest, low), max(highest, high)
		}
	}
	if highest < 0 {
		return g, false
	}
	for band := lowest; band <= highest+1; band++ {
		g.Edges = append(g.Edges, float64(latency.BandStart(band)))
	}
	for _, at := range order {
		column := []int64{}
		if low, high, found := bounds(b.slots[at].stages[stage]); found {
			column = append([]int64{int64(low - lowest)}, b.slots[at].stages[stage][low:high+1]...)
		}
		g.Columns = append(g.Columns, column)
	}
	return g, true
}
