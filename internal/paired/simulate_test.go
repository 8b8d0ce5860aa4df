package paired_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/queuedyno/queuedyno/internal/paired"
)

// noise is a model of how a figure varies from run to run on one machine: a
// drift that runs remember, fresh noise, and now and then an outlier upwards.
type noise struct {
	name                          string
	drift, memory, fresh, outlier float64
	// margin is one that twenty pairs of such noise can decide, more or less.
	margin float64
}

func noises() []noise {
	return []noise{
		{"quiet", 0, 0, 0.027, 0, 0.1},
		{"p50-like", 0.08, 0.6, 0.06, 0.05, 0.1},
		{"p99-like", 0.5, 0.6, 0.3, 0.10, 0.5},
	}
}

// machine draws one run after another.
type machine struct {
	noise
	r    *rand.Rand
	last float64
}

func (m *machine) run() float64 {
	m.last = m.memory*m.last + math.Sqrt(1-m.memory*m.memory)*m.drift*m.r.NormFloat64()
	v := m.last + m.fresh*m.r.NormFloat64()
	if m.r.Float64() < m.outlier {
		v += 4 * m.fresh * m.r.ExpFloat64()
	}
	return v
}

// simulated is how often comparisons came out how, and how many pairs they took.
type simulated struct{ fail, pass, open, pairs float64 }

// simulate makes n comparisons, each of at most so many pairs and of metrics
// that are all noisy in the same way and independent, of which the first is
// worse by the true ratio.
func simulate(n int, one noise, metrics []paired.Metric, most int, ratio float64) (s simulated) {
	plan := paired.Within(most)
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		var machines []*machine
		for range metrics {
			m := &machine{noise: one, r: r}
			m.last = one.drift * r.NormFloat64()
			machines = append(machines, m)
		}
		run := func(worse float64) map[string]float64 {
			v := map[string]float64{}
			for j, m := range metrics {
				x := machines[j].run()
				if j == 0 {
					x += math.Log(worse)
				}
				if m.HigherBetter {
					x = -x
				}
				v[m.Name] = math.Exp(x)
			}
			return v
		}
		var pairs []paired.Pair
		var d paired.Decision
		for _, candidateFirst := range paired.Order(uint64(i), most) {
			var p paired.Pair
			if candidateFirst {
				p.Candidate, p.Base = run(ratio), run(1)
			} else {
				p.Base, p.Candidate = run(1), run(ratio)
			}
			if pairs = append(pairs, p); !plan.Look(len(pairs)) {
				continue
			}
			if d = paired.Judge(metrics, pairs, plan.Alpha); d.Verdict == paired.Pass || d.Verdict == paired.Fail {
				break
			}
		}
		s.pairs += float64(len(pairs)) / float64(n)
		switch d.Verdict {
		case paired.Fail:
			s.fail += 1 / float64(n)
		case paired.Pass:
			s.pass += 1 / float64(n)
		default:
			s.open += 1 / float64(n)
		}
	}
	return s
}

func gated(margin float64, names ...string) (all []paired.Metric) {
	for i, name := range names {
		all = append(all, paired.Metric{Name: name, Margin: margin, Gate: true, HigherBetter: i%2 == 1})
	}
	return all
}

// comparisons is how many are simulated for each row.
const comparisons = 2000

// TestNoChangeIsNoFailure: what does not change does not fail, whatever the
// noise, how many metrics gate, and how often it is looked.
func TestNoChangeIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, one := range noises() {
		for _, metrics := range [][]paired.Metric{gated(one.margin, "a"), gated(one.margin, "a", "b", "c", "d")} {
			s := simulate(comparisons, one, metrics, 20, 1)
			t.Logf("%-9s %d metrics, no change: fail %.4f pass %.4f inconclusive %.4f, %.1f pairs", one.name, len(metrics), s.fail, s.pass, s.open, s.pairs)
			if s.fail > 0.01 {
				t.Errorf("%s, %d metrics: %.2f%% of the comparisons fail when nothing changed, want 1%% at most", one.name, len(metrics), 100*s.fail)
			}
		}
	}
}

// TestAtTheMarginBothErrorsKeepTheirBound: there, and there alone, fail and pass
// are both wrong.
func TestAtTheMarginBothErrorsKeepTheirBound(t *testing.T) {
	t.Parallel()
	for _, one := range noises() {
		for _, most := range []int{8, 12, 16, 20, 28} {
			s := simulate(comparisons, one, gated(0.1, "a"), most, 1.1)
			t.Logf("%-9s at the margin, %d pairs: fail %.4f pass %.4f", one.name, most, s.fail, s.pass)
			// Three standard errors of the simulation above the 5%.
			if limit := 0.05 + 3*math.Sqrt(0.05*0.95/comparisons); s.fail > limit || s.pass > limit {
				t.Errorf("%s, %d pairs: fail %.3f, pass %.3f of the comparisons, want 0.05 at most", one.name, most, s.fail, s.pass)
			}
		}
	}
}

// TestAQuarterWorseIsFound in twenty pairs, with noise like a p50's; a little
// more rarely when it is one of several metrics, which all have to be allowed for.
func TestAQuarterWorseIsFound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		metrics []paired.Metric
		want    float64
	}{
		{gated(0.1, "a"), 0.95},
		{gated(0.1, "a", "b", "c", "d"), 0.9},
	} {
		s := simulate(comparisons, noises()[1], row.metrics, 20, 1.25)
		t.Logf("p50-like  %d metrics, +25%%: fail %.4f pass %.4f inconclusive %.4f, %.1f pairs", len(row.metrics), s.fail, s.pass, s.open, s.pairs)
		if s.fail < row.want {
			t.Errorf("%d metrics: +25%% is found in %.1f%% of the comparisons, want %.0f%%", len(row.metrics), 100*s.fail, 100*row.want)
		}
	}
}

// TestOperatingCharacteristics shows, with -v, the rows of docs/gates.md, and
// holds them to what must never be: a change beyond the margin that passes, and
// one within it that fails.
func TestOperatingCharacteristics(t *testing.T) {
	t.Parallel()
	for _, one := range noises() {
		margins := []float64{0.1}
		if one.name == "p99-like" {
			margins = []float64{0.25, 0.5}
		}
		for _, margin := range margins {
			for _, ratio := range []float64{1, 1.05, 1.1, 1.25, 1.5, 2} {
				s := simulate(comparisons/2, one, gated(margin, "a"), 20, ratio)
				t.Logf("%-9s margin %2.0f%%, true %+4.0f%%: fail %.3f pass %.3f inconclusive %.3f, %.1f pairs",
					one.name, 100*margin, 100*(ratio-1), s.fail, s.pass, s.open, s.pairs)
				if ratio > 1+margin && s.pass > 0.06 || ratio < 1+margin && s.fail > 0.06 {
					t.Errorf("%s, margin %v, true ratio %v: %+v", one.name, margin, ratio, s)
				}
			}
		}
	}
}

// drawn are n pairs of one metric in which nothing changed.
func drawn(one noise, seed uint64, n int) (pairs []paired.Pair) {
	m := &machine{noise: one, r: rand.New(rand.NewPCG(seed, 3))}
	for range n {
		pairs = append(pairs, paired.Pair{
			Base:      map[string]float64{"a": math.Exp(m.run())},
			Candidate: map[string]float64{"a": math.Exp(m.run())},
		})
	}
	return pairs
}
