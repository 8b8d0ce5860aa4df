package telemetry_test

import (
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/telemetry"
)

// second is a histogram of a second at 10,000 jobs/s.
func second() latency.Interval {
	h := latency.New()
	for range 10_000 {
		h.Record(1_000_000 + rand.Int64N(20_000_000))
	}
	return latency.Interval{Stage: metric.EndToEnd, Histogram: h}
}

// What the goroutine that samples a run does for each stage, once a second.
func BenchmarkInterval(b *testing.B) {
	s, iv := telemetry.New().Add("steady", metric.EndToEnd), second()
	b.ReportAllocs()
	for b.Loop() {
		s.Interval(iv)
	}
}

// What a scrape of a run with eight stages takes, over HTTP.
func BenchmarkScrape(b *testing.B) {
	m := telemetry.New()
	s, iv := m.Add("steady"), second()
	for _, stage := range metric.Stages()[:8] {
		iv.Stage = stage
		s.Interval(iv)
	}
	server, err := m.Serve("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	b.ReportAllocs()
	for b.Loop() {
		answer, err := http.Get("http://" + server.Address() + "/metrics")
		if err != nil {
			b.Fatal(err)
		}
		answer.Body.Close()
	}
}
