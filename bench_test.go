package queuedyno_test

// The benchmarks of this project, and a model for yours. Each answers one question
// about a Redis job queue. Run one or all of them:
//
//	go test -run '^$' -bench Consumers -benchtime 2000x
//	go test -run '^$' -bench . -benchtime 2000x -count 10 | benchstat -col /consumers -
//
// They use REDIS_URL if set, otherwise a container, otherwise a private
// redis-server. See docs/benchmarks.md.

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }

// How much do more workers help, when each job is a millisecond of work?
func BenchmarkConsumers(b *testing.B) {
	queue := redistest.Queue(b)
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("consumers=%d", n), func(b *testing.B) {
			queuetest.Benchmark(b, queue, scenario.Scenario{
				Consumers: n,
				Work:      scenario.Work{Time: time.Millisecond},
			})
		})
	}
}

// How many more jobs/s does the queue carry when a push and a pop carry several
// jobs?
func BenchmarkBatch(b *testing.B) {
	queue := redistest.Queue(b)
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			queuetest.Benchmark(b, queue, scenario.Scenario{Consumers: 4, Batch: n})
		})
	}
}

// What does it cost to push whole jobs instead of their ids?
func BenchmarkPayload(b *testing.B) {
	queue := redistest.Queue(b)
	for _, bytes := range []int{0, 1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("payload=%d", bytes), func(b *testing.B) {
			queuetest.Benchmark(b, queue, scenario.Scenario{Consumers: 4, Payload: bytes})
		})
	}
}

// What does it cost when every API server receives every notification?
func BenchmarkSubscribers(b *testing.B) {
	queue := redistest.Queue(b)
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			queuetest.Benchmark(b, queue, scenario.Scenario{Consumers: 4, Subscribers: n})
		})
	}
}

// How long does a user wait at a rate that the queue carries easily (open), and at
// the highest rate (closed)? Users see only the first.
func BenchmarkLoop(b *testing.B) {
	loops(b, redistest.Queue(b), pace.Poisson)
}

// What does a container cost, compared with the same server as a process?
func BenchmarkServer(b *testing.B) {
	b.Run("redis=container", func(b *testing.B) { loops(b, connect(b, redistest.Docker(b)), pace.Constant) })
	b.Run("redis=process", func(b *testing.B) { loops(b, connect(b, redistest.Process(b)), pace.Constant) })
}

// How fast is the harness without a Redis? No Redis can be measured to be faster.
func BenchmarkCeiling(b *testing.B) {
	loops(b, memory.New(), pace.Constant)
}

// loops measures the target in an open and a closed loop.
func loops(b *testing.B, target jobqueue.Backend, arrivals pace.Arrivals) {
	b.Run("loop=open", func(b *testing.B) {
		queuetest.Benchmark(b, target, scenario.Scenario{
			Consumers: 4,
			Load:      scenario.Load{Rate: pace.PerSecond(1000), Arrivals: arrivals},
		})
	})
	b.Run("loop=closed", func(b *testing.B) {
		queuetest.Benchmark(b, target, scenario.Scenario{Consumers: 4})
	})
}

// connect opens a queue on a server that only this benchmark uses.
func connect(tb testing.TB, s *redisserver.Server) *jobqueue.Client {
	tb.Helper()
	c, err := jobqueue.Connect(tb.Context(), jobqueue.Config{URL: s.URL()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}
