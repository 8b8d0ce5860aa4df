package record

import (
	"cmp"
	"slices"

	"github.com/queuedyno/queuedyno/internal/thin"
)

// MaxCountBins bounds a [timeCounts]: 2 MB, and bins of less than 10 ms in a
// run of an hour.
const MaxCountBins = 1 << 19

// timeCounts counts events in bins of equal length. The bins are as short as
// MaxCountBins allows: they are a microsecond long at first, and when an event
// lies beyond the last bin, neighbours are merged in pairs.
type timeCounts struct {
	Shift uint // a bin is 1<<shift nanoseconds long
	Bins  []uint32
}

func NewTimeCounts() timeCounts { return timeCounts{Shift: 10, Bins: make([]uint32, 0, MaxCountBins)} }

// Add counts an event at that moment. One before the epoch counts as at it.
func (c *timeCounts) Add(at int64) {
	at = max(0, at)
	for at>>c.Shift >= MaxCountBins {
		c.Merge()
	}
	i := int(at >> c.Shift)
	if i >= len(c.Bins) {
		c.Bins = append(c.Bins, make([]uint32, i+1-len(c.Bins))...)
	}
	c.Bins[i]++
}

// Merge doubles the length of a bin.
func (c *timeCounts) Merge() {
	half := (len(c.Bins) + 1) / 2
	for i := range half {
		n := c.Bins[2*i]
		if 2*i+1 < len(c.Bins) {
			n += c.Bins[2*i+1]
		}
		c.Bins[i] = n
	}
	clear(c.Bins[half:])
	c.Bins = c.Bins[:half]
	c.Shift++
}

// Between is how many events lie in [from, to). An event is attributed to the
// beginning of its bin at both edges, so that events at equal distances are
// counted exactly, whatever their phase.
func (c *timeCounts) Between(from, to int64) int64 {
	i, j := max(0, from)>>c.Shift, max(0, to)>>c.Shift
	j = min(j, int64(len(c.Bins)))
	var n int64
	for ; i < j; i++ {
		n += int64(c.Bins[i])
	}
	return n
}

// MaxCourse bounds the jobs that a [course] keeps.
const MaxCourse = 1 << 13

// coursePoint is when a job was due, and its latency.
type coursePoint struct{ due, latency int64 }

// course is the latency of the window's jobs over their due times: of all of
// them, or of every k-th when there are many.
type course struct{ thin.Series[coursePoint] }

func newCourse() course { return course{thin.New[coursePoint](MaxCourse)} }

func (c *course) add(due, latency int64) { c.Add(coursePoint{due, latency}) }

// Growth is by how much latency grew from the beginning to the end of a span of
// that length: the line through the medians of the first and the last tenth of
// the jobs. It is 0 for fewer than 3 jobs.
func (c *course) Growth(length int64) float64 {
	n := len(c.Kept)
	if n < 3 {
		return 0
	}
	points := slices.Clone(c.Kept)
	slices.SortFunc(points, func(a, b coursePoint) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.latency, b.latency))
	})
	zone := max(n/10, min(n/3, 10))
	due0, first := middle(points[:zone])
	due1, last := middle(points[n-zone:])
	if due1 <= due0 {
		return 0
	}
	return (last - first) / (due1 - due0) * float64(length)
}

// middle is the mean due time of the points and their median latency.
func middle(points []coursePoint) (due, latency float64) {
	all := make([]int64, len(points))
	for i, p := range points {
		due += float64(p.due) / float64(len(points))
		all[i] = p.latency
	}
	slices.Sort(all)
	return due, float64(all[len(all)/2]+all[(len(all)-1)/2]) / 2
}

// Bins are the series by which stationarity is judged. They are a tenth of a second long,
// and in a run of more than an hour twice as long as often as it takes for MaxBins.
type Bins struct {
	Length int64 // of a bin, in nanoseconds
	Of     []Bin
}

// Bin sums end_to_end of the jobs that were due in it.
type Bin struct {
	Sum   float64
	Count int64
}

// MaxBins bounds [Bins], in 576 kB. It is even.
const MaxBins = 3600 * 10

// Add adds a job that was due at that moment, if it was not prefilled.
func (b *Bins) Add(due, latency int64) {
	if due < 0 {
		return
	}
	for due/b.Length >= MaxBins {
		half := (len(b.Of) + 1) / 2
		for i := range half {
			sum := b.Of[2*i]
			if 2*i+1 < len(b.Of) {
				sum.Sum, sum.Count = sum.Sum+b.Of[2*i+1].Sum, sum.Count+b.Of[2*i+1].Count
			}
			b.Of[i] = sum
		}
		b.Of, b.Length = b.Of[:half], 2*b.Length
	}
	i := int(due / b.Length)
	for len(b.Of) <= i {
		b.Of = append(b.Of, Bin{})
	}
	b.Of[i].Sum += float64(latency)
	b.Of[i].Count++
}
