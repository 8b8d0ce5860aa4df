package postgrestest_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
)

// BenchmarkSelect measures one round trip. The server is the same for all
// benchmarks of a package, and ends with it.
func BenchmarkSelect(b *testing.B) {
	pool, err := postgres.Open(b.Context(), postgrestest.Server(b).URL(), 1)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	for b.Loop() {
		if _, err := pool.Exec(b.Context(), "SELECT 1"); err != nil {
			b.Fatal(err)
		}
	}
}
