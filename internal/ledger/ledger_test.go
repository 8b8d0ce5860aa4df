package ledger_test

import (
	"sync"
	"testing"

	"github.com/queuedyno/queuedyno/internal/ledger"
)

func TestEveryRowHasItsOwnCounterKeyNameAndColumn(t *testing.T) {
	t.Parallel()
	seen := map[any]string{}
	for _, row := range ledger.Rows() {
		if row.Counts == "" {
			t.Errorf("%s does not say what it counts", row.Key)
		}
		type key struct{ of, text string }
		keys := []any{row.Counter, key{"key", row.Key}, key{"name", row.Name}}
		if row.Column != "" {
			keys = append(keys, key{"column", row.Column})
		}
		for _, k := range keys {
			if other := seen[k]; other != "" {
				t.Errorf("%s and %s share %v", row.Key, other, k)
			}
			seen[k] = row.Key
		}
		if got, ok := ledger.Lookup(row.Key); !ok || got != row {
			t.Errorf("Lookup(%q) = %+v, %t", row.Key, got, ok)
		}
	}
}

// A reader that sums while jobs are counted must never see a job at the end of its
// way that it does not see at the beginning.
func TestNoSumShowsMoreJobsAtTheEndOfTheWayThanAtItsBeginning(t *testing.T) {
	t.Parallel()
	producer, consumer := &ledger.Tally{}, &ledger.Tally{}
	tallies := []*ledger.Tally{producer, consumer}
	done := make(chan struct{})
	var counting sync.WaitGroup
	counting.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				producer.Add(ledger.Sent, 1)
				producer.Add(ledger.Acked, 1)
				consumer.Add(ledger.Popped, 1)
				consumer.Add(ledger.Published, 1)
				consumer.Add(ledger.Notified, 1)
			}
		}
	})
	way := []ledger.Counter{ledger.Sent, ledger.Acked, ledger.Popped, ledger.Published, ledger.Notified}
	for range 2000 {
		sum := ledger.Sum(tallies)
		for i := 1; i < len(way); i++ {
			if sum[way[i]] > sum[way[i-1]] {
				t.Errorf("counter %d is %d and counter %d before it is %d", way[i], sum[way[i]], way[i-1], sum[way[i-1]])
			}
		}
	}
	close(done)
	counting.Wait()
}

func TestCountingDoesNotAllocate(t *testing.T) {
	tally := &ledger.Tally{}
	if n := testing.AllocsPerRun(1000, func() { tally.Add(ledger.Popped, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
