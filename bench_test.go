package queuedyno_test

// The benchmarks of this project, and a model for yours. Each answers one
// question about a Redis job queue; run one of them, or all:
//
//	go test -run '^$' -bench Consumers -benchtime 2000x
//	go test -run '^$' -bench . -benchtime 2000x -count 10 | benchstat -col /consumers -
//
// REDIS_URL names the Redis to measure. Without it a container is started, and
// where there is no Docker a redis-server of our own. See docs/benchmarks.md.

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

// How many more jobs pass when a push carries several, and a worker takes
// several?
func BenchmarkBatch(b *testing.B) {
	queue := redistest.Queue(b)
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			queuetest.Benchmark(b, queue, scenario.Scenario{Consumers: 4, Batch: n})
		})
	}
}

// What does it cost to send the job through the list, rather than only its id?
func BenchmarkPayload(b *testing.B) {
	queue := redistest.Queue(b)
	for _, bytes := range []int{0, 1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("payload=%d", bytes), func(b *testing.B) {
			queuetest.Benchmark(b, queue, scenario.Scenario{Consumers: 4, Payload: bytes})
		})
	}
}

// What does it cost that every API server hears of every job?
func BenchmarkSubscribers(b *testing.B) {
	queue := redistest.Queue(b)
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			queuetest.Benchmark(b, queue, scenario.Scenario{Consumers: 4, Subscribers: n})
		})
	}
}

// How long does a user wait at a rate that the queue carries easily (open), and
// how long when it is driven as fast as it goes (closed)? Only the first is what
// users will see.
func BenchmarkLoop(b *testing.B) {
	loops(b, redistest.Queue(b), pace.Poisson)
}

// What does the container cost, against the same server as a bare process?
func BenchmarkServer(b *testing.B) {
	b.Run("redis=container", func(b *testing.B) { loops(b, connect(b, redistest.Docker(b)), pace.Constant) })
	b.Run("redis=process", func(b *testing.B) { loops(b, connect(b, redistest.Process(b)), pace.Constant) })
}

// How fast is the harness alone, with no Redis at all? None can be measured to
// be faster than that.
func BenchmarkCeiling(b *testing.B) {
	loops(b, memory.New(), pace.Constant)
}

// loops measures the target in an open and in a closed loop.
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

// connect is a queue on a server that nobody else uses.
func connect(tb testing.TB, s *redisserver.Server) *jobqueue.Client {
	tb.Helper()
	c, err := jobqueue.Connect(tb.Context(), jobqueue.Config{URL: s.URL()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}
