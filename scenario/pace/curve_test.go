package pace_test

import (
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

// oracle is the slow way: areas as fractions, roots with 600 bits.
type oracle struct {
	steps pace.Steps
	ends  []*big.Rat // areas up to the end of each step
}

func fraction(r pace.Rate) *big.Rat {
	if r.IsZero() {
		return new(big.Rat)
	}
	return big.NewRat(r.Jobs, int64(r.Per))
}

func newOracle(steps pace.Steps) oracle {
	o, sum := oracle{steps: steps}, new(big.Rat)
	for _, s := range steps {
		area := new(big.Rat).Add(fraction(s.From), fraction(s.To))
		area.Mul(area, big.NewRat(int64(s.For), 2))
		sum = new(big.Rat).Add(sum, area)
		o.ends = append(o.ends, sum)
	}
	return o
}

// jobs is the whole area, rounded up.
func (o oracle) jobs() int64 {
	last := o.ends[len(o.ends)-1]
	n := new(big.Int).Add(last.Num(), last.Denom())
	n.Sub(n, big.NewInt(1)).Quo(n, last.Denom())
	return n.Int64()
}

// due is when job k is, in nanoseconds.
func (o oracle) due(k int64) *big.Float {
	num := func(r *big.Rat) *big.Float { return new(big.Float).SetPrec(600).SetRat(r) }
	begins, before := time.Duration(0), new(big.Rat)
	point := new(big.Rat).SetInt64(k)
	for i, s := range o.steps {
		if point.Cmp(o.ends[i]) < 0 {
			n := new(big.Rat).Sub(point, before)
			slope := new(big.Rat).Sub(fraction(s.To), fraction(s.From))
			slope.Quo(slope, new(big.Rat).SetInt64(int64(s.For)))
			at := num(new(big.Rat).SetInt64(int64(begins)))
			if n.Sign() == 0 {
				return at
			}
			square := new(big.Rat).Mul(fraction(s.From), fraction(s.From))
			square.Add(square, new(big.Rat).Mul(slope, new(big.Rat).Mul(n, big.NewRat(2, 1))))
			root := num(square)
			root.Sqrt(root)
			t := num(new(big.Rat).Mul(n, big.NewRat(2, 1)))
			t.Quo(t, root.Add(root, num(fraction(s.From))))
			return at.Add(at, t)
		}
		before, begins = o.ends[i], begins+s.For
	}
	return nil
}

// jobDue is when job k of n is due, without walking there.
func jobDue(s pace.Schedule, k int64) pace.Group { return s.Share(int(k), int(k)+1).Next() }

func TestDueTimesInStepsAreExact(t *testing.T) {
	t.Parallel()
	const month = 30 * 24 * time.Hour
	rapid.Check(t, func(t *rapid.T) {
		// Up to 10^9 jobs and far beyond it, over months.
		steps := drawSteps(t, month, 1_000_000)
		o := newOracle(steps)
		n, ends := pace.Schedule{Steps: steps}.Jobs()
		if want := o.jobs(); !ends || n != want {
			t.Fatalf("Jobs() = %d, %t, want %d", n, ends, want)
		}
		if n == 0 {
			return
		}
		k := rapid.OneOf(rapid.Int64Range(0, n-1), rapid.Just(int64(0)), rapid.Just(n-1)).Draw(t, "k")
		got, want := jobDue(pace.Schedule{Steps: steps}, k), o.due(k)
		// Rounded down, save that what lies less than 10^-9 ns below a whole
		// one may be that one.
		exact, _ := want.Int64()
		above, _ := new(big.Float).Add(want, big.NewFloat(1e-9)).Int64()
		if got.First != k || got.Jobs != 1 || int64(got.Due) != exact && int64(got.Due) != above {
			t.Fatalf("job %d = %+v, want it due at %s", k, got, want.Text('f', 12))
		}
	})
}

func TestAHeldStepEqualsItsRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := drawRate(t)
		length := time.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(t, "for"))
		s := pace.Schedule{Steps: pace.Steps{{For: length, From: rate, To: rate}}}
		n, _ := s.Jobs()
		if want := rate.Before(length); n != want {
			t.Fatalf("Jobs() = %d, want %d", n, want)
		}
		k := rapid.Int64Range(0, n-1).Draw(t, "k")
		if got, want := jobDue(s, k).Due, rate.At(k); got != want {
			t.Fatalf("job %d is due at %s, want %s", k, got, want)
		}
	})
}

func TestARampIsSpacedAsItsIntegralSays(t *testing.T) {
	t.Parallel()
	// From 0 to 100/s in 10 s: n = 5t², so job 5 is due after 1 s, job 20
	// after 2 s, job 125 after 5 s; 500 jobs in all.
	up := pace.Schedule{Steps: pace.Steps{{For: 10 * time.Second, To: pace.PerSecond(100)}}}
	for k, want := range map[int64]time.Duration{0: 0, 5: time.Second, 20: 2 * time.Second, 125: 5 * time.Second, 405: 9 * time.Second} {
		if got := jobDue(up, k); got.Due != want {
			t.Errorf("job %d on the way up is due at %s, want %s", k, got.Due, want)
		}
	}
	// The way down is its mirror image: 500 - 5(10-t)².
	down := pace.Schedule{Steps: pace.Steps{{For: 10 * time.Second, From: pace.PerSecond(100)}}}
	for k, want := range map[int64]time.Duration{0: 0, 95: time.Second, 375: 5 * time.Second, 480: 8 * time.Second, 495: 9 * time.Second} {
		if got := jobDue(down, k); got.Due != want {
			t.Errorf("job %d on the way down is due at %s, want %s", k, got.Due, want)
		}
	}
	for _, s := range []pace.Schedule{up, down} {
		if n, ends := s.Jobs(); n != 500 || !ends {
			t.Errorf("Jobs() = %d, %t, want 500", n, ends)
		}
	}
}

func TestAJobThatFallsIntoAPauseIsDueAfterIt(t *testing.T) {
	t.Parallel()
	steps, err := pace.ParseSteps("1s:0,1s:2,10s:0,1s:1,5s:0")
	if err != nil {
		t.Fatal(err)
	}
	share := pace.Schedule{Steps: steps}.Share(0, 1)
	for i, want := range []time.Duration{time.Second, 1500 * time.Millisecond, 12 * time.Second} {
		if got := share.Next(); got != (pace.Group{First: int64(i), Jobs: 1, Due: want}) {
			t.Errorf("job %d = %+v, want it due at %s", i, got, want)
		}
	}
	for range 3 {
		if got := share.Next(); got.Jobs != 0 || got.Due != math.MaxInt64 {
			t.Errorf("Next() after the end = %+v, want no jobs, never due", got)
		}
	}
}

func TestSharesOfStepsAreTheWholeAndFollowTheIntegral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		steps := drawSteps(t, 3*time.Second, 300)
		batch := rapid.IntRange(1, 5).Draw(t, "batch")
		producers := rapid.IntRange(1, 5).Draw(t, "producers")
		s := pace.Schedule{Steps: steps, Batch: batch}
		total, _ := s.Jobs()
		length, _ := s.Length()
		var groups []pace.Group
		for i := range producers {
			share, last := s.Share(i, producers), time.Duration(0)
			for g := share.Next(); g.Jobs > 0; g = share.Next() {
				if g.Due < last || g.Due >= length {
					t.Fatalf("share %d: due at %s, after %s, in %s", i, g.Due, last, length)
				}
				last = g.Due
				groups = append(groups, g)
			}
		}
		slices.SortFunc(groups, func(a, b pace.Group) int { return int(a.First - b.First) })
		next, last := int64(0), time.Duration(0)
		for _, g := range groups {
			if g.First != next || g.Due < last || g.Jobs > batch {
				t.Fatalf("%+v does not follow job %d at %s", g, next-1, last)
			}
			next, last = g.First+int64(g.Jobs), g.Due
		}
		if next != total {
			t.Fatalf("%d jobs, want %d", next, total)
		}
		if batch > 1 {
			return
		}
		// Both sides of each due time, and anywhere.
		anywhere := time.Duration(rapid.Int64Range(0, int64(length)).Draw(t, "at"))
		ats := []time.Duration{anywhere, length}
		for _, g := range groups {
			ats = append(ats, g.Due, g.Due+1)
		}
		for _, at := range ats {
			n, _ := slices.BinarySearchFunc(groups, at, func(g pace.Group, at time.Duration) int { return int(g.Due - at) })
			if want := s.Expected(at); math.Abs(float64(n)-want) > 1+1e-6 {
				t.Fatalf("%d jobs before %s, want %f", n, at, want)
			}
		}
	})
}

func TestPoissonArrivalsInStepsAreExponentialInTheIntegral(t *testing.T) {
	t.Parallel()
	steps, err := pace.ParseSteps("2s:0,5s:..2k,5s:500,3s:0,10s:3k..100,4s:..1k")
	if err != nil {
		t.Fatal(err)
	}
	const producers = 4
	draw := func(seed uint64) (due []float64) {
		for i := range producers {
			share := pace.Schedule{Steps: steps, Arrivals: pace.Poisson, Seed: seed}.Share(i, producers)
			last := time.Duration(0)
			for g := share.Next(); g.Jobs > 0; g = share.Next() {
				if g.Due < last || g.Due >= steps.Length() {
					t.Fatalf("share %d is due at %s, after %s", i, g.Due, last)
				}
				last = g.Due
				// Seen through the integral the process has rate 1.
				due = append(due, steps.Expected(g.Due))
			}
		}
		slices.Sort(due)
		return due
	}
	due := draw(42)
	if !slices.Equal(due, draw(42)) {
		t.Fatal("the same seed gave other arrivals")
	}
	n := float64(len(due))
	s := pace.Schedule{Steps: steps, Arrivals: pace.Poisson}
	if want, _ := s.Jobs(); math.Abs(n-float64(want)) > 4*math.Sqrt(float64(want)) {
		t.Errorf("%g arrivals, want %d, give or take four standard deviations", n, want)
	}
	gaps := make([]float64, len(due)-1)
	for i := range gaps {
		gaps[i] = due[i+1] - due[i]
	}
	slices.Sort(gaps)
	// Kolmogorov-Smirnov at 1%, for the gaps and for where the arrivals are.
	check := func(name string, sorted []float64, f func(float64) float64) {
		var d float64
		for i, x := range sorted {
			d = max(d, math.Abs(f(x)-float64(i)/float64(len(sorted))), math.Abs(f(x)-float64(i+1)/float64(len(sorted))))
		}
		if limit := 1.63 / math.Sqrt(float64(len(sorted))); d > limit {
			t.Errorf("%s: off by %f, more than %f", name, d, limit)
		}
	}
	check("gaps", gaps, func(x float64) float64 { return 1 - math.Exp(-x) })
	end := steps.Expected(steps.Length())
	check("places", due, func(x float64) float64 { return x / end })
}

func TestASchedulesFigures(t *testing.T) {
	t.Parallel()
	steps, err := pace.ParseSteps("10s:100,10s:..300,5s:0,1s:90/m")
	if err != nil {
		t.Fatal(err)
	}
	s := pace.Schedule{Steps: steps, Rate: pace.PerSecond(7)}
	if d, ends := s.Length(); d != 26*time.Second || !ends {
		t.Errorf("Length() = %s, %t, want 26s", d, ends)
	}
	if n, ends := s.Jobs(); n != 3002 || !ends { // 1000 + 2000 + 1.5, rounded up
		t.Errorf("Jobs() = %d, %t, want 3002", n, ends)
	}
	if got := s.PeakRate(); got != 300 {
		t.Errorf("PeakRate() = %f, want 300", got)
	}
	for at, want := range map[time.Duration]int{-1: -1, 0: 0, 10*time.Second - 1: 0, 10 * time.Second: 1, 24 * time.Second: 2, 26*time.Second - 1: 3, 26 * time.Second: -1} {
		if got := s.StepAt(at); got != want {
			t.Errorf("StepAt(%s) = %d, want %d", at, got, want)
		}
	}
	for at, want := range map[time.Duration]float64{-time.Second: 0, 5 * time.Second: 500, 15 * time.Second: 1750, 22 * time.Second: 3000, time.Hour: 3001.5} {
		if got := s.Expected(at); math.Abs(got-want) > 1e-9 {
			t.Errorf("Expected(%s) = %f, want %f", at, got, want)
		}
	}
	endless := pace.Schedule{Rate: pace.PerSecond(7)}
	if _, ends := endless.Length(); ends {
		t.Error("a rate's Length ends")
	}
	if _, ends := endless.Jobs(); ends {
		t.Error("a rate's Jobs end")
	}
	if got := endless.Expected(2 * time.Second); got != 14 || endless.PeakRate() != 7 || endless.StepAt(0) != -1 {
		t.Errorf("a rate expects %f, peaks at %f and has step %d", got, endless.PeakRate(), endless.StepAt(0))
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	for name, s := range map[string]pace.Schedule{
		"constant": {Steps: pace.Steps{{For: time.Hour, To: pace.PerSecond(1000)}}},
		"poisson":  {Steps: pace.Steps{{For: time.Hour, To: pace.PerSecond(1000)}}, Arrivals: pace.Poisson},
	} {
		share := s.Share(0, 2)
		if n := testing.AllocsPerRun(1000, func() { share.Next() }); n != 0 {
			t.Errorf("%s: Next allocates %f times", name, n)
		}
	}
}

// BenchmarkNext shows what a due time costs.
func BenchmarkNext(b *testing.B) {
	const year = 366 * 24 * time.Hour
	ramp := pace.Steps{{For: year, To: pace.PerSecond(1000)}}
	hold := pace.Steps{{For: year, From: pace.PerSecond(1000), To: pace.PerSecond(1000)}}
	for name, s := range map[string]pace.Schedule{
		"rate": {Rate: pace.PerSecond(1000)}, "hold": {Steps: hold}, "ramp": {Steps: ramp},
		"poisson": {Steps: ramp, Arrivals: pace.Poisson},
	} {
		b.Run("load="+name, func(b *testing.B) {
			share := s.Share(0, 1)
			b.ReportAllocs()
			for b.Loop() {
				share.Next()
			}
		})
	}
}
