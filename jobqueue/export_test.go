package jobqueue

import (
	"testing"
	"time"
)

// Rest makes what a connection belongs to take it for one that has been idle, and
// waits until the other side is known to have closed it.
func Rest(tb testing.TB, end any) {
	tb.Helper()
	var w *wire
	switch end := end.(type) {
	case *producer:
		w = end.w
	case *streamProducer:
		w = end.w
	case *consumer:
		w = end.w
	case *apartProducer:
		for _, one := range end.each {
			Rest(tb, one)
		}
		return
	default:
		tb.Fatalf("no wire in a %T", end)
	}
	for deadline := time.Now().Add(20 * time.Second); !peerClosed(w.conn); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatal("the connection was not closed")
		}
	}
	w.used = time.Time{}
}
