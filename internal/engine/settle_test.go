package engine

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/flight"
)

// A WebSocket client may read both messages of a job before the run's own subscriber
// gets to the first: then no stage is negative.
func TestWhatAClientHasReadWasNotifiedBefore(t *testing.T) {
	t.Parallel()
	stamps := blank
	stamps[flight.DueAt], stamps[flight.BroadcastAt] = 10, 20
	stamps[flight.RunningAt], stamps[flight.FirstAt], stamps[flight.NotifiedAt] = 30, 40, 40
	settle(&stamps)
	for _, at := range []int{flight.RunningAt, flight.FirstAt, flight.NotifiedAt, flight.BroadcastAt} {
		if stamps[at] != 20 {
			t.Errorf("stamp %d is %d, want 20", at, stamps[at])
		}
	}
	stamps = blank
	stamps[flight.NotifiedAt], stamps[flight.BroadcastAt] = 40, 20
	settle(&stamps)
	if stamps[flight.RunningAt] != flight.Absent || stamps[flight.FirstAt] != flight.Absent {
		t.Error("a message that was not received has a time")
	}
}
