package engine_test

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// What decides whether pushes share writes is how many there are in all: not how
// many each producer makes, by which a rate just below the limit had its
// producers wake twice as often as one just above it.
func TestWritesAreSharedByTheRateOfAllProducers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		rate             int64
		producers, batch int
		most             time.Duration // what sharing may add; 0: nothing is shared
	}{
		{"10,000 a second each have their own", 10_000, 4, 1, 0},
		{"10,000 of one producer, too", 10_000, 1, 1, 0},
		{"20,000 of four", 20_000, 4, 1, 400 * time.Microsecond},
		{"40,000 of four", 40_000, 4, 1, 400 * time.Microsecond},
		{"20,000 of one", 20_000, 1, 1, 100 * time.Microsecond},
		{"100,000 of sixteen", 100_000, 16, 1, 500 * time.Microsecond},
		{"100,000 in batches of 16", 100_000, 4, 16, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				r := mustRun(t, scenario.Scenario{
					Name: "shared", Producers: c.producers, Consumers: 4, Batch: c.batch,
					Load: scenario.Load{Rate: pace.PerSecond(c.rate), Duration: 200 * time.Millisecond},
				}, memory.New(), virtual())
				if r.Ledger.Lost != 0 || r.Ledger.Notified < c.rate/5 {
					t.Fatalf("ledger %+v, want all of %d and more", r.Ledger, c.rate/5)
				}
				late := time.Duration(*r.Stages[metric.Lateness].MaxNS)
				if late > c.most || c.most > 0 && late == 0 {
					t.Errorf("a job was sent %s late, want up to %s", late, c.most)
				}
			})
		})
	}
}
