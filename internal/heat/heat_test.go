package heat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/heat"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
)

// row is one row of a log with a job of each of the durations.
func row(t *testing.T, stage string, from, length float64, durations ...int64) string {
	t.Helper()
	h := latency.New()
	for _, d := range durations {
		h.Record(d)
	}
	code, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("Tag=%s,%.3f,%.3f,1.000,%s\n", stage, from, length, code)
}

const head = "#[Histogram log format version 1.3]\n\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"

var ample = heat.Limits{Columns: 1000, Cells: 100_000}

func read(t *testing.T, log string, l heat.Limits) *heat.Map {
	t.Helper()
	m, err := heat.Read(strings.NewReader(head+log), l)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// counts are those of a column, behind its lowest band.
func counts(column []int64) []int64 { return column[min(1, len(column)):] }

// jobs is how many jobs a grid holds.
func jobs(g heat.Grid) (n int64) {
	for _, c := range g.Columns {
		for _, v := range counts(c) {
			n += v
		}
	}
	return n
}

func TestEachIntervalIsAColumnAndEachJobIsInItsCell(t *testing.T) {
	t.Parallel()
	m := read(t, row(t, "queue", 0.002, 1, 1000, 1000, 5000)+row(t, "notify", 0.002, 1, 70)+
		// Nothing ended for two seconds, and the interval after that took long.
		row(t, "queue", 3.002, 2.5, 1_000_000)+row(t, "lunch", 3.002, 2.5, 1), ample)
	want := []heat.Span{{From: 2 * time.Millisecond, To: 1002 * time.Millisecond}, {From: 3002 * time.Millisecond, To: 5502 * time.Millisecond}}
	if !slices.Equal(m.Spans, want) || m.Merged != 0 || len(m.Stages) != 2 {
		t.Fatalf("columns %v, merged %v, %d stages; want %v, none merged, 2 stages", m.Spans, m.Merged, len(m.Stages), want)
	}
	g := m.Stages[metric.Queue]
	for i, durations := range [][]int64{{1000, 1000, 5000}, {1_000_000}} {
		c := g.Columns[i]
		for _, d := range durations {
			band, _ := slices.BinarySearchFunc(g.Edges, d, func(edge float64, d int64) int {
				if edge <= float64(d) {
					return -1
				}
				return 1
			})
			band-- // the last edge that is not above
			if at := 1 + band - int(c[0]); at < 1 || at >= len(c) || c[at] == 0 {
				t.Errorf("column %d has no job at %d ns: %+v of the edges %v", i, d, c, g.Edges)
			}
		}
	}
	if c := m.Stages[metric.Notify].Columns[1]; len(c) != 0 {
		t.Errorf("a stage has %v in a column in which no job ended it", c)
	}
}

func TestMergingColumnsLosesNoJob(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	for i := range 200 {
		log.WriteString(row(t, "queue", float64(i), 1, 1000, int64(1000*(i+1))))
		log.WriteString(row(t, "end_to_end", float64(i), 1, 500_000))
	}
	for _, l := range []heat.Limits{ample, {Columns: 50, Cells: 100_000}, {Columns: 1000, Cells: 300}, {}} {
		m := read(t, log.String(), l)
		if n := jobs(m.Stages[metric.Queue]); n != 400 {
			t.Errorf("with %+v the queue has %d jobs, want 400", l, n)
		}
		if n := jobs(m.Stages[metric.EndToEnd]); n != 200 {
			t.Errorf("with %+v end_to_end has %d jobs, want 200", l, n)
		}
		cells := 0
		for _, g := range m.Stages {
			for _, c := range g.Columns {
				cells += len(counts(c))
			}
		}
		if n := len(m.Spans); n > max(1, l.Columns) || cells > l.Cells && n > 1 {
			t.Errorf("with %+v there are %d columns and %d cells", l, n, cells)
		}
		if merged := len(m.Spans) < 200; merged != (m.Merged > 0) {
			t.Errorf("with %+v there are %d columns, and %v is said to be their length", l, len(m.Spans), m.Merged)
		}
		if first, last := m.Spans[0], m.Spans[len(m.Spans)-1]; first.From != 0 || last.To != 200*time.Second {
			t.Errorf("with %+v the columns are from %v to %v, want 0 to 200 s", l, first.From, last.To)
		}
	}
}

func TestALogThatCannotBeReadIsRefusedWithTheLine(t *testing.T) {
	t.Parallel()
	good := row(t, "queue", 0, 1, 1000)
	for name, bad := range map[string]string{
		"half a row":       good[:20],
		"half a histogram": good[:len(good)-20],
		"no histogram":     "Tag=queue,0.000,1.000,1.000,!\n",
		"no time":          "Tag=queue,soon,1.000,1.000,x\n",
		"negative time":    "Tag=queue,-1.000,1.000,1.000,x\n",
		"endless time":     "Tag=queue,1e300,1.000,1.000,x\n",
		"endless length":   "Tag=queue,1.000,NaN,1.000,x\n",
	} {
		if m, err := heat.Read(strings.NewReader(head+good+bad), ample); err == nil || !strings.Contains(err.Error(), "line 4") {
			t.Errorf("%s: %+v, %v; want an error that names line 4", name, m, err)
		}
	}
	if m := read(t, "", ample); len(m.Spans) != 0 || len(m.Stages) != 0 {
		t.Errorf("a log without rows gives %+v", m)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Tag=queue,0.000,1.000,1.000,HISTFAAAAA==\n")
	f.Add("#[x]\nTag=queue,0,0,0,\n")
	f.Fuzz(func(t *testing.T, log string) {
		m, err := heat.Read(strings.NewReader(log), heat.Limits{Columns: 4, Cells: 100})
		if err == nil && len(m.Spans) > 4 {
			t.Errorf("%d columns", len(m.Spans))
		}
	})
}
