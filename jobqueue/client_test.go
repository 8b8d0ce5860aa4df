package jobqueue_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario/scenariotest"
)

// connect returns a client with names of its own on the server, and checks at
// the end that it leaves no key behind.
func connect(tb testing.TB, s *redisserver.Server) *jobqueue.Client {
	tb.Helper()
	queue, channel := jobqueue.Names(fmt.Sprint("test", serial.Add(1)))
	c, err := jobqueue.Connect(tb.Context(), jobqueue.Config{URL: s.URL(), Queue: queue, Channel: channel})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

var serial atomic.Int64

func TestConformanceOnRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	scenariotest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return connect(tb, s) })
}

func TestConformanceOnTheEmbeddedServer(t *testing.T) {
	t.Parallel()
	s := redistest.Embedded(t)
	scenariotest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return connect(tb, s) })
}
