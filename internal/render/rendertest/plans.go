package rendertest

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
)

// Calibrated is a calibration from twenty pairs, of three metrics.
func Calibrated() *compare.Calibration {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &compare.Calibration{
		Schema: compare.Schema, Kind: "calibration", Name: "steady", StartedAt: at, EndedAt: at.Add(6 * time.Minute),
		Host:     result.Host{OS: "linux", Arch: "amd64", CPUs: 2, GOMAXPROCS: 2, CPUModel: "Some CPU"},
		Redis:    result.Redis{Kind: "process", Version: "7.0.15", Mode: "standalone", Address: "redis://127.0.0.1:6390/0"},
		Settings: map[string]string{"scenario": "steady", "load": "1,000/s"}, For: 20, Pairs: 20,
		Metrics: map[string]compare.Noise{
			"end_to_end.p50": {Median: 1_270_000, Spread: 0.021, Smallest: 0.015, Margin: 0.03, Gate: true},
			"end_to_end.p99": {Median: 4_040_000, Spread: 0.12, Smallest: 0.08, Margin: 0.15, Gate: true},
			"end_to_end.max": {Median: 11_000_000, Spread: 0.6, Smallest: 0.4, Margin: 0.8},
		},
		Resampled: compare.Resampled{Comparisons: 1000, Pairs: 20, Fail: 0.002, Pass: 0.967, Inconclusive: 0.031},
		Warnings:  []string{"the disk was slow"},
	}
}

// Staffed is a plan for 2,000 jobs/s of 8 ms each, checked with a run; or one that no
// number of workers fulfils.
func Staffed(t testing.TB, possible bool) *study.Staffing {
	t.Helper()
	s := &study.Staffing{
		Schema: study.Schema, Kind: "plan", Rate: 2000, Service: 8 * time.Millisecond, ServiceCV: 1, ArrivalCV: 1, From: "as given", Notes: []string{},
		SLO: []string{"queue.p99 < 20ms", "queue.p50 < 5ms"}, Outage: study.Outage{Length: time.Minute},
	}
	if !possible {
		s.Stall, s.StallEvery = time.Second, 10*time.Second
	}
	if err := s.Staff(0); err != nil {
		t.Fatal(err)
	}
	if possible {
		s.Check = &study.Check{
			Workers: s.Workers, Metric: "queue.p99", Service: 8_200_000, Predicted: 11 * time.Millisecond, Measured: 13 * time.Millisecond, Ratio: 1.18, Fits: true,
			Verdict: "the prediction fits the measurement",
		}
	}
	return s
}
