package jobqueue

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// Rest makes what a connection belongs to take it for one that has been idle, and
// waits until the other side is known to have closed it.
func Rest(tb testing.TB, end any) {
	tb.Helper()
	var w *redisconn.Wire
	switch end := end.(type) {
	case *producer:
		w = end.w
	case *streamProducer:
		w = end.w
	case *consumer:
		w = end.w
	case *crossSlotProducer:
		for _, one := range end.each {
			Rest(tb, one)
		}
		return
	default:
		tb.Fatalf("no wire in a %T", end)
	}
	for deadline := time.Now().Add(20 * time.Second); !redisconn.PeerClosed(w.Conn); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatal("the connection was not closed")
		}
	}
	w.Used = time.Time{}
}
