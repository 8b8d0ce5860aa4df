package paired_test

import (
	"math"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/paired"
)

// pairsOf are pairs in which the candidate's figures are the baseline's times
// one of the ratios after the other.
func pairsOf(metric string, ratios ...float64) (all []paired.Pair) {
	for i, r := range ratios {
		base := 100 + float64(i)
		all = append(all, paired.Pair{Base: map[string]float64{metric: base}, Candidate: map[string]float64{metric: base * r}})
	}
	return all
}

func TestTheVerdictIsAboutTheMargin(t *testing.T) {
	t.Parallel()
	same := []float64{1, 1.01, 0.99, 1.02, 0.98, 1.005, 0.995, 1.001}
	worse := []float64{1.3, 1.31, 1.29, 1.32, 1.28, 1.305, 1.295, 1.301}
	for _, row := range []struct {
		name   string
		metric paired.Metric
		ratios []float64
		want   paired.Verdict
		says   string
	}{
		{"nothing changed", paired.Metric{Margin: 0.1, Gate: true}, same, paired.Pass, ""},
		{"slower by 30%", paired.Metric{Margin: 0.1, Gate: true}, worse, paired.Fail, "worse than the baseline by more than 10%"},
		{"slower by 30%, of which 50% are allowed", paired.Metric{Margin: 0.5, Gate: true}, worse, paired.Pass, "worse, but within its margin of 50%"},
		{"throughput up by 30%", paired.Metric{Margin: 0.1, Gate: true, HigherBetter: true}, worse, paired.Pass, ""},
		{"slower by 30%, not gating", paired.Metric{Margin: 0.1}, worse, paired.Inconclusive, "no metric gates"},
		{"on the margin", paired.Metric{Margin: 0.3, Gate: true}, worse, paired.Inconclusive, "cannot be decided in 8 pairs"},
		{"no values", paired.Metric{Name: "other", Margin: 0.3, Gate: true}, worse, paired.Inconclusive, "has no value in any pair"},
	} {
		metric := row.metric
		if metric.Name == "" {
			metric.Name = "m"
		}
		d := paired.Judge([]paired.Metric{metric}, pairsOf("m", row.ratios...), 0.02)
		if d.Verdict != row.want || !strings.Contains(strings.Join(d.Reasons, "; "), row.says) {
			t.Errorf("%s: %s because %q, want %s because %q", row.name, d.Verdict, d.Reasons, row.want, row.says)
		}
	}
}

func TestTheChangeIsThatOfTheFigure(t *testing.T) {
	t.Parallel()
	for _, higher := range []bool{false, true} {
		d := paired.Judge([]paired.Metric{{Name: "m", Margin: 0.1, HigherBetter: higher}}, pairsOf("m", 0.8, 0.81, 0.79, 0.82, 0.78, 0.8), 0.05)
		f := d.Figures[0]
		if math.Abs(f.Change+0.2) > 0.005 || f.Low == nil || f.High == nil || *f.Low > f.Change || f.Change > *f.High {
			t.Errorf("higher better %t: change %v from %v to %v, want -0.2 within", higher, f.Change, f.Low, f.High)
		}
		if f.Worse() != higher {
			t.Errorf("higher better %t: Worse() = %t", higher, f.Worse())
		}
	}
}

func TestOneMetricThatIsOpenKeepsTheOthersFromPassing(t *testing.T) {
	t.Parallel()
	var pairs []paired.Pair
	for i := range 12 {
		noisy := []float64{0.5, 2}[i%2]
		pairs = append(pairs, paired.Pair{
			Base:      map[string]float64{"calm": 10, "noisy": 10},
			Candidate: map[string]float64{"calm": 10 + 0.01*float64(i), "noisy": 10 * noisy},
		})
	}
	metrics := []paired.Metric{{Name: "calm", Margin: 0.05, Gate: true}, {Name: "noisy", Margin: 0.05, Gate: true}}
	d := paired.Judge(metrics, pairs, 0.02)
	if d.Verdict != paired.Inconclusive || d.Figures[0].Verdict != paired.Pass || d.Figures[1].Verdict != paired.Inconclusive {
		t.Errorf("%+v", d)
	}
	if n, m := d.Figures[1].PairsNeeded, d.Figures[1].MarginNeeded; n <= 12 || m <= 0.05 {
		t.Errorf("%d pairs or a margin of %v would decide; want more of both", n, m)
	}
	metrics[1].Gate = false
	if d := paired.Judge(metrics, pairs, 0.02); d.Verdict != paired.Pass {
		t.Errorf("what does not gate decides: %+v", d)
	}
}

// TestWhatIsNeededIsEnough: as many pairs as are said to be needed pass with a
// chance of about 80%, as they are meant to.
func TestWhatIsNeededIsEnough(t *testing.T) {
	t.Parallel()
	quiet := noises()[0]
	spread := quiet.fresh * math.Sqrt2
	margin := paired.Detectable(spread, 10)
	metrics := gated(margin, "a")
	s := 0
	for i := range 400 {
		d := paired.Judge(metrics, drawn(quiet, uint64(i), 10), 0.05)
		if d.Verdict == paired.Pass {
			s++
		}
	}
	if s < 280 || s > 360 {
		t.Errorf("at the margin that 10 pairs decide, %d of 400 comparisons pass, want about 320", s)
	}
}

func TestAPlanLooksAtTheLastPairAndKeepsItsError(t *testing.T) {
	t.Parallel()
	for pairs, want := range map[int][]int{5: {5}, 8: {8}, 9: {9}, 12: {8, 12}, 20: {8, 12, 16, 20}, 22: {8, 12, 16, 20, 22}} {
		p := paired.Within(pairs)
		for _, n := range want {
			if !p.Look(n) {
				t.Errorf("Within(%d) does not look at %d", pairs, n)
			}
		}
		if len(p.Looks) != len(want) || p.Alpha <= 0 || p.Alpha > paired.Alpha {
			t.Errorf("Within(%d) = %+v, want looks at %v", pairs, p, want)
		}
	}
	if p := paired.Within(20); p.Alpha != 0.02 {
		t.Errorf("Within(20) has an error of %v a look, want 0.02", p.Alpha)
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(1.0, 1.1, 0.1, true)
	f.Add(0.0, math.Inf(1), 1e-300, false)
	f.Fuzz(func(t *testing.T, a, b, margin float64, higher bool) {
		if !(margin > 0) || margin > 1e6 {
			t.Skip("not a margin")
		}
		var pairs []paired.Pair
		for i := range 6 {
			pairs = append(pairs, paired.Pair{Base: map[string]float64{"m": a + float64(i)}, Candidate: map[string]float64{"m": b}})
		}
		d := paired.Judge([]paired.Metric{{Name: "m", Margin: margin, HigherBetter: higher, Gate: true}}, pairs, 0.05)
		for _, x := range []float64{d.Figures[0].PFail, d.Figures[0].PPass, d.Figures[0].PFailHolm} {
			if !(x >= 0 && x <= 1) {
				t.Fatalf("a chance is %v: %+v", x, d)
			}
		}
	})
}

// Allocations are the figures that are zero and must stay so.
func TestWhatWasNothingAndIsSomethingIsBeyondEveryMargin(t *testing.T) {
	t.Parallel()
	of := func(base, candidate float64) (all []paired.Pair) {
		for range 8 {
			all = append(all, paired.Pair{Base: map[string]float64{"m": base}, Candidate: map[string]float64{"m": candidate}})
		}
		return all
	}
	for _, row := range []struct {
		name            string
		base, candidate float64
		higher          bool
		want            paired.Verdict
	}{
		{"still nothing", 0, 0, false, paired.Pass},
		{"something where nothing was", 0, 1, false, paired.Fail},
		{"nothing where something was", 1, 0, false, paired.Pass},
		{"nothing of what there should be more", 1, 0, true, paired.Fail},
		{"below nothing", -1, 0, false, paired.Inconclusive},
	} {
		d := paired.Judge([]paired.Metric{{Name: "m", Margin: 0.02, Gate: true, HigherBetter: row.higher}}, of(row.base, row.candidate), 0.02)
		if d.Verdict != row.want {
			t.Errorf("%s: %s because %q, want %s", row.name, d.Verdict, d.Reasons, row.want)
		}
	}
}

// TestFewPairsAreNotBlamedOnNoise: of many metrics that gate, few pairs cannot
// fail any, and no number of pairs is named that could not either.
func TestFewPairsAreNotBlamedOnNoise(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	metrics := gated(0.1, names...)
	for i := range metrics {
		metrics[i].HigherBetter = false
	}
	for n := 5; n <= 9; n++ {
		var pairs []paired.Pair
		for i := range n {
			p := paired.Pair{Base: map[string]float64{}, Candidate: map[string]float64{}}
			for _, name := range names {
				p.Base[name], p.Candidate[name] = 100, 200+float64(i)
			}
			pairs = append(pairs, p)
		}
		d := paired.Judge(metrics, pairs, paired.Alpha)
		if n >= 8 {
			if d.Verdict != paired.Fail {
				t.Errorf("%d pairs: %s, want %s", n, d.Verdict, paired.Fail)
			}
			continue
		}
		reasons := strings.Join(d.Reasons, "; ")
		if d.Verdict != paired.Inconclusive || !strings.Contains(reasons, "with 7 metrics that gate it takes at least 8 pairs") || strings.Contains(reasons, "noise") {
			t.Errorf("%d pairs: %s because %q, want it to say that they cannot fail", n, d.Verdict, reasons)
		}
		for _, f := range d.Figures {
			if f.PairsNeeded < 8 {
				t.Errorf("%d pairs: %s would be decided by %d pairs, and 8 is the least", n, f.Name, f.PairsNeeded)
			}
		}
	}
}
