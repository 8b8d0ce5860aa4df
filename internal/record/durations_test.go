package record

import (
	"math/rand/v2"
	"testing"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/metric"
)

// TestAJobIsTheSumOfItsStagesToTheNanosecond takes jobs of every way through the system:
// stored or not, saved or not, read by WebSocket clients or not.
func TestAJobIsTheSumOfItsStagesToTheNanosecond(t *testing.T) {
	t.Parallel()
	place := map[metric.Stage]int{}
	for i, stage := range metric.Stages() {
		place[stage] = i
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for way := range 8 {
		for range 1000 {
			var stamp [flight.Stamps]int64
			for i := range stamp {
				stamp[i] = flight.Absent
			}
			at := dice.Int64N(1e12)
			next := func(which int, happens bool) {
				if happens {
					at += dice.Int64N(1e9)
					stamp[which] = at
				}
			}
			next(flight.DueAt, true)
			next(flight.SentAt, true)
			next(flight.StoredAt, way&1 != 0)
			next(flight.PoppedAt, true)
			next(flight.AckedAt, true) // its answer may come late
			next(flight.DoneAt, true)
			next(flight.SavedAt, way&2 != 0)
			next(flight.NotifiedAt, true)
			next(flight.BroadcastAt, way&4 != 0)
			next(flight.PublishedAt, true)
			d := durations(&stamp, false)
			var sum int64
			for _, stage := range []metric.Stage{metric.Lateness, metric.Store, metric.Queue, metric.WorkTime, metric.Save, metric.Notify, metric.Broadcast} {
				if took := d[place[stage]]; took != flight.Absent {
					sum += took
				}
			}
			if whole := d[place[metric.EndToEnd]]; sum != whole {
				t.Fatalf("the stages add up to %d ns, end_to_end is %d ns: stamps %v", sum, whole, stamp)
			}
		}
	}
}
