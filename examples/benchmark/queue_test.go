package mine_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
)

func BenchmarkQueue(b *testing.B) {
	queuetest.Benchmark(b, redistest.Queue(b), scenario.Scenario{Consumers: 8})
}
