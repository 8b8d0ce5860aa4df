package redistest_test

import (
	"fmt"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// BenchmarkPush measures one round trip. The server is the same for all
// benchmarks of a package, and ends with it.
func BenchmarkPush(b *testing.B) {
	queue := redistest.Queue(b)
	for b.Loop() {
		if err := queue.Push(b.Context(), "4711"); err != nil {
			b.Fatal(err)
		}
	}
}

// The helpers take any testing.TB: here that of a benchmark, which "go test
// -bench Push" runs just as well.
func Example() {
	result := testing.Benchmark(BenchmarkPush)
	fmt.Println("pushed something:", result.N > 0)
	// Output:
	// pushed something: true
}
