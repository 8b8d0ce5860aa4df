package paired_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/paired"
)

// TestCriticalRanksAreThoseOfTheTables holds the exact distribution to values
// that were worked out by hand elsewhere.
func TestCriticalRanksAreThoseOfTheTables(t *testing.T) {
	t.Parallel()
	tails := []float64{0.05, 0.025, 0.02, 0.0125, 0.005}
	for n, want := range map[int][]int{
		8:  {5, 3, 3, 2, 0},
		10: {10, 8, 7, 5, 3},
		12: {17, 13, 12, 10, 7},
		15: {30, 25, 23, 20, 15},
		16: {35, 29, 28, 25, 19},
		20: {60, 52, 50, 45, 37},
		24: {91, 81, 78, 72, 61},
		30: {151, 137, 132, 124, 109},
	} {
		for i, tail := range tails {
			if got := paired.Critical(n, tail); got != want[i] {
				t.Errorf("Critical(%d, %v) = %d, want %d", n, tail, got, want[i])
			}
		}
	}
	if got := paired.Critical(4, 0.05); got != -1 {
		t.Errorf("Critical(4, 0.05) = %d: four values cannot tell, want -1", got)
	}
}

func TestSignedRankCountsEverySign(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		values        []float64
		center        float64
		greater, less float64
	}{
		{[]float64{1, 2, 3, 4, 5}, 0, 1.0 / 32, 1},
		{[]float64{-1, -2, -3, -4, -5}, 0, 1, 1.0 / 32},
		{[]float64{1, 2, 3, 4, 5}, 6, 1, 1.0 / 32},
		// 3 above of 1+2+3: sums of at least 3 are 3, 3, 4, 5 and 6 of eight.
		{[]float64{-1, -2, 3}, 0, 5.0 / 8, 5.0 / 8},
		// Ties: ranks 1.5, 1.5, 3; the sum 4.5 or more comes in 3 of 8 ways.
		{[]float64{-1, 1, 2}, 0, 3.0 / 8, 7.0 / 8},
		// What is the center itself says nothing.
		{[]float64{0, 0, 1, 2}, 0, 1.0 / 4, 1},
		{[]float64{7, 7}, 7, 1, 1},
		{nil, 0, 1, 1},
	} {
		greater, less := paired.SignedRank(row.values, row.center)
		if math.Abs(greater-row.greater) > 1e-12 || math.Abs(less-row.less) > 1e-12 {
			t.Errorf("SignedRank(%v, %v) = %v, %v, want %v, %v", row.values, row.center, greater, less, row.greater, row.less)
		}
	}
}

// TestSignedRankIsWhatAllSignsGive holds it to the definition, ties and zeros
// included: every choice of signs is as likely as any other.
func TestSignedRankIsWhatAllSignsGive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ints := rapid.SliceOfN(rapid.IntRange(-4, 4), 1, 9).Draw(t, "values")
		var v []float64
		for _, i := range ints {
			if i != 0 {
				v = append(v, float64(i))
			}
		}
		rank := func(x float64) (r float64) {
			below, same := 0.0, 0.0
			for _, y := range v {
				if math.Abs(y) < math.Abs(x) {
					below++
				} else if math.Abs(y) == math.Abs(x) {
					same++
				}
			}
			return below + (same+1)/2
		}
		var w float64
		for _, x := range v {
			if x > 0 {
				w += rank(x)
			}
		}
		var high, low float64
		for signs := range 1 << len(v) {
			var s float64
			for i, x := range v {
				if signs>>i&1 == 1 {
					s += rank(x)
				}
			}
			if s >= w {
				high++
			}
			if s <= w {
				low++
			}
		}
		all := float64(int(1) << len(v))
		greater, less := paired.SignedRank(v, 0)
		if math.Abs(greater-high/all) > 1e-9 || math.Abs(less-low/all) > 1e-9 {
			t.Fatalf("SignedRank(%v) = %v, %v, want %v, %v", v, greater, less, high/all, low/all)
		}
	})
}

// TestTheIntervalHoldsWhatTheTestDoesNotRefute: the two are one procedure.
func TestTheIntervalHoldsWhatTheTestDoesNotRefute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		v := make([]float64, rapid.IntRange(5, 30).Draw(t, "n"))
		for i := range v {
			v[i] = r.NormFloat64()
		}
		e := paired.Shift(v, 0.05)
		if !e.Bounded || e.Low > e.Center || e.Center > e.High {
			t.Fatalf("Shift = %+v", e)
		}
		for _, c := range []struct {
			at      float64
			refuted bool
		}{{e.Low - 1e-9, true}, {e.Low + 1e-9, false}, {e.High - 1e-9, false}, {e.High + 1e-9, true}} {
			greater, less := paired.SignedRank(v, c.at)
			if got := min(greater, less) <= 0.05; got != c.refuted {
				t.Fatalf("of %v: %v is refuted: %t, want %t", e, c.at, got, c.refuted)
			}
		}
	})
}

func TestHolmKeepsTheOrderAndCountsWhatIsLeft(t *testing.T) {
	t.Parallel()
	got := paired.Holm([]float64{0.01, 0.04, 0.03, 0.005})
	want := []float64{0.03, 0.06, 0.06, 0.02}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Fatalf("Holm = %v, want %v", got, want)
		}
	}
	if got := paired.Holm([]float64{0.9, 0.8}); got[0] != 1 || got[1] != 1 {
		t.Errorf("Holm = %v: a chance is at most 1", got)
	}
}

func TestTheOrderTurnsWithinEachTwoPairs(t *testing.T) {
	t.Parallel()
	first := map[bool]int{}
	for seed := range uint64(200) {
		o := paired.Order(seed, 20)
		for i := 0; i < len(o); i += 2 {
			if o[i] == o[i+1] {
				t.Fatalf("seed %d: pairs %d and %d run in the same order", seed, i, i+1)
			}
		}
		first[o[0]]++
		if !slices.Equal(o, paired.Order(seed, 20)) {
			t.Fatalf("seed %d gives two orders", seed)
		}
	}
	if first[true] < 60 || first[false] < 60 {
		t.Errorf("of 200 seeds the candidate runs first in %d", first[true])
	}
	if n := len(paired.Order(1, 7)); n != 7 {
		t.Errorf("Order of 7 pairs has %d", n)
	}
}
