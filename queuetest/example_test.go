package queuetest_test

import (
	"fmt"
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// BenchmarkQueue measures at which latency the queue carries 500 jobs/s. For a
// Redis in place of the queue in memory write redistest.Queue(b).
func BenchmarkQueue(b *testing.B) {
	queuetest.Benchmark(b, memory.New(), scenario.Scenario{
		Load:      scenario.Load{Rate: pace.PerSecond(500)},
		Consumers: 4,
	})
}

// A benchmark is run by "go test -bench Queue"; here a program runs it.
func ExampleBenchmark() {
	result := testing.Benchmark(BenchmarkQueue)
	fmt.Println("jobs:", result.N > 0, "lost:", result.Extra["lost"])
	// Output:
	// jobs: true lost: 0
}
