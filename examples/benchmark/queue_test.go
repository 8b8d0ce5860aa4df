package mine_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/scenariotest"
)

func BenchmarkQueue(b *testing.B) {
	scenariotest.Benchmark(b, redistest.Queue(b), scenario.Scenario{Consumers: 8})
}
