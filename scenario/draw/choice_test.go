package draw_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/draw"
)

func TestChoicesFollowZipf(t *testing.T) {
	t.Parallel()
	for _, c := range []draw.Choice{{N: 20}, {N: 20, Skew: .5}, {N: 20, Skew: 1}, {N: 100, Skew: 1.1}, {N: 7, Skew: 2.5}, {N: 2, Skew: 10}, {N: 1, Skew: 1}} {
		count, p := make([]int, c.N), c.Picker()
		const n = 100_000
		for i := range int64(n) {
			k := p.At(11, i)
			if i < 100 && k != c.At(11, i) {
				t.Fatalf("%+v: the picker says %d for job %d, the choice %d", c, k, i, c.At(11, i))
			}
			count[k]++
		}
		var sum float64
		for k := range c.N {
			sum += math.Pow(float64(k+1), -c.Skew)
		}
		// Pearson's chi-squared over those that come at least 5 times, against
		// its mean and four standard deviations.
		var chi, cells float64
		for k, got := range count {
			want := n * math.Pow(float64(k+1), -c.Skew) / sum
			if want >= 5 {
				chi += (float64(got) - want) * (float64(got) - want) / want
				cells++
			}
		}
		if limit := cells + 4*math.Sqrt(2*cells); chi > limit {
			t.Errorf("%+v: chi-squared is %f, more than %f", c, chi, limit)
		}
	}
}

func TestTheFirstOfAHundredTenantsHasAFifthOfTheJobs(t *testing.T) {
	t.Parallel()
	const n = 100_000
	first, p := 0, draw.Choice{N: 100, Skew: 1}.Picker()
	for i := range int64(n) {
		if p.At(1, i) == 0 {
			first++
		}
	}
	// 1 over the 100th harmonic number, 5.187.
	if got := float64(first) / n; math.Abs(got-.1928) > .006 {
		t.Errorf("the first has %f of the jobs, want 0.1928", got)
	}
}

func TestChoicesStayInTheirBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := draw.Choice{N: rapid.IntRange(1, 1_000_000_000).Draw(t, "n"), Skew: rapid.Float64Range(0, 10).Draw(t, "skew")}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		for n := range int64(20) {
			if k := c.At(seed, n); k < 0 || k >= c.N || k != c.At(seed, n) {
				t.Fatalf("%+v picks %d", c, k)
			}
		}
	})
}

func TestValidateRefusesChoicesOfNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []draw.Choice{{}, {N: -1}, {N: 2e9}, {N: 5, Skew: -1}, {N: 5, Skew: 11}, {N: 5, Skew: math.NaN()}} {
		if c.Validate() == nil {
			t.Errorf("%+v is valid", c)
		}
	}
}

func TestSizesAndChoicesOfAJobAreIndependent(t *testing.T) {
	t.Parallel()
	s := draw.Size{Parts: []draw.Part{{1_000_000, 0, 999}}}
	p := draw.Choice{N: 1000}.Picker()
	const n = 50_000
	var product float64
	for i := range int64(n) {
		product += (float64(s.At(9, i)) - 499.5) * (float64(p.At(9, i)) - 499.5)
	}
	// The correlation of n independent pairs has a standard deviation of 1/sqrt(n).
	if r := product / n / (1e6 / 12); math.Abs(r) > 4/math.Sqrt(n) {
		t.Errorf("sizes and choices are correlated by %f", r)
	}
}

// BenchmarkAt shows what a draw costs.
func BenchmarkAt(b *testing.B) {
	size := draw.Size{Parts: []draw.Part{{900_000, 100, 200}, {100_000, 65536, 65536}}}
	choice := draw.Choice{N: 1000, Skew: 1.1}
	picker := choice.Picker()
	work := draw.Duration{Law: draw.Lognormal, A: 5 * ms, B: 40 * ms}.Sampler(1, 1)
	for name, f := range map[string]func(n int64){
		"size":   func(n int64) { size.At(1, n) },
		"choice": func(n int64) { choice.At(1, n) },
		"picker": func(n int64) { picker.At(1, n) },
		"work":   func(int64) { work() },
	} {
		b.Run("of="+name, func(b *testing.B) {
			b.ReportAllocs()
			var n int64
			for b.Loop() {
				f(n)
				n++
			}
		})
	}
}
