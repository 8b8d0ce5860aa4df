package redistest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Queue returns a job queue on [Server] under unique names, so that no two
// tests meet, nor a test and another user of that Redis. It is removed and
// closed at the end of the test.
func Queue(tb testing.TB) *jobqueue.Client {
	tb.Helper()
	queue, channel := runname.Of("test-" + rand.Text())
	c, err := jobqueue.Connect(tb.Context(), jobqueue.Config{URL: Server(tb).URL(), Queue: queue, Channel: channel})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// The context of the test is over by now.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := c.Clear(ctx); err != nil {
			tb.Error(err)
		}
		if err := c.Close(); err != nil {
			tb.Errorf("close the queue: %v", err)
		}
	})
	return c
}
