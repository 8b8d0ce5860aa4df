package rendertest

import (
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// Compared is a comparison of eight pairs in which the candidate's p50 is ratio
// times the baseline's, and its p90 too noisy to decide.
func Compared(ratio float64) *compare.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &compare.Record{
		Schema: compare.Schema, Kind: "compare", Name: "steady",
		Tool: result.Tool{Version: "v1.2.3", Commit: "abc1234", Go: "go1.26"},
		Host: result.Host{OS: "linux", Arch: "amd64", CPUs: 2, GOMAXPROCS: 2, CPUModel: "Some CPU"},
		Base: compare.Arm{Label: "baseline", Settings: map[string]string{"scenario": "steady", "work": "1ms"},
			Redis: result.Redis{Kind: "process", Version: "7.0.15", Mode: "standalone", Address: "redis://127.0.0.1:6390/0"}},
		Candidate: compare.Arm{Label: "candidate", Settings: map[string]string{"scenario": "steady", "work": "2ms", "redis-args": "--appendonly yes"}},
		StartedAt: at, EndedAt: at.Add(3 * time.Minute), Seed: 7, MostPairs: 20, Looks: []int{8, 12, 16, 20}, Alpha: 0.02,
		Repeated: 1, LeftOut: 0, Warnings: []string{"the disk was slow | or so"},
	}
	var pairs []paired.Pair
	for i := range 8 {
		wobble := 1 + 0.001*float64(i)
		noisy := math.Pow(2, float64(i%3-1))
		base := map[string]float64{"end_to_end.p50": 1e6 * wobble, "end_to_end.p90": 2e6, "achieved_rate": 999.5}
		candidate := map[string]float64{"end_to_end.p50": 1e6 * ratio * (2 - wobble), "end_to_end.p90": 2e6 * noisy, "achieved_rate": 999.5 + 0.1*float64(i)}
		pairs = append(pairs, paired.Pair{Base: base, Candidate: candidate})
		for side, figures := range map[compare.Side]map[string]float64{compare.Base: base, compare.Candidate: candidate} {
			run := compare.Run{Pair: i + 1, Side: side, Seed: 9, Figures: figures, Validity: result.Valid}
			if i == 3 && side == compare.Base {
				run.Validity = result.Suspect
			}
			r.Runs = append(r.Runs, run)
		}
	}
	d := paired.Judge([]paired.Metric{
		{Name: "end_to_end.p50", Margin: 0.1, Gate: true},
		{Name: "end_to_end.p90", Margin: 0.25, Gate: true},
		{Name: "achieved_rate", Margin: 0.02, Gate: true, HigherBetter: true},
		{Name: "end_to_end.p99", Margin: 0.5},
	}, pairs, r.Alpha)
	r.Verdict, r.Reasons, r.Figures, r.Pairs = d.Verdict, d.Reasons, d.Figures, d.Pairs
	return r
}
