package compare_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// bench is a host on which runs cost nothing: each takes ten seconds of virtual
// time, and the candidate's p50 is the baseline's times ratio.
type bench struct {
	ratio  float64
	noise  float64
	lost   int64 // by each run of the candidate
	change func(run *compare.Run, side compare.Side, pair int)
	idle   func(n int) compare.Idle
	seeds  map[int][]uint64
	sides  []compare.Side
	looked int
}

func (b *bench) options(metrics ...paired.Metric) compare.Options {
	r := rand.New(rand.NewPCG(1, 1))
	b.seeds = map[int][]uint64{}
	if metrics == nil {
		metrics = []paired.Metric{{Name: "p50", Margin: 0.1, Gate: true}}
	}
	return compare.Options{
		Metrics: metrics,
		Run: func(ctx context.Context, side compare.Side, pair int, seed uint64) (compare.Run, error) {
			b.seeds[pair] = append(b.seeds[pair], seed)
			b.sides = append(b.sides, side)
			time.Sleep(10 * time.Second)
			v := math.Exp(b.noise * r.NormFloat64())
			run := compare.Run{Validity: result.Valid}
			if side == compare.Candidate {
				v *= b.ratio
				run.Lost = b.lost
			}
			run.Figures = map[string]float64{"p50": v}
			if b.change != nil {
				b.change(&run, side, pair)
			}
			return run, ctx.Err()
		},
		Idle: func(context.Context) (compare.Idle, error) {
			b.looked++
			if b.idle != nil {
				return b.idle(b.looked), nil
			}
			return compare.Idle{}, nil
		},
	}
}

func compareAll(t *testing.T, b *bench, pairs int) *compare.Record {
	t.Helper()
	r := &compare.Record{Seed: 7, MostPairs: pairs}
	synctest.Test(t, func(t *testing.T) {
		if err := compare.Compare(t.Context(), r, b.options()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestAClearDifferenceEndsAtTheFirstLook(t *testing.T) {
	t.Parallel()
	for ratio, want := range map[float64]paired.Verdict{1: paired.Pass, 1.4: paired.Fail, 0.7: paired.Pass} {
		b := &bench{ratio: ratio, noise: 0.02}
		r := compareAll(t, b, 20)
		if r.Verdict != want || r.Pairs != 8 || len(r.Runs) != 16 {
			t.Errorf("ratio %v: %s after %d pairs and %d runs, want %s after 8: %q", ratio, r.Verdict, r.Pairs, len(r.Runs), want, r.Reasons)
		}
		for i := 0; i < len(b.sides); i += 4 {
			if b.sides[i] == b.sides[i+1] || b.sides[i] == b.sides[i+2] {
				t.Errorf("runs %d to %d are of %v: want pairs in both orders", i, i+3, b.sides[i:i+4])
			}
		}
		seen := map[uint64]bool{}
		for pair, s := range b.seeds {
			if len(s) != 2 || s[0] != s[1] || seen[s[0]] {
				t.Errorf("pair %d has the seeds %v: want one for both, and another one than other pairs", pair, s)
			}
			seen[s[0]] = true
		}
	}
}

func TestNoiseIsInconclusiveAndSaysWhatWouldHelp(t *testing.T) {
	t.Parallel()
	r := compareAll(t, &bench{ratio: 1, noise: 0.8}, 12)
	f := r.Figures[0]
	if r.Verdict != paired.Inconclusive || r.Pairs != 12 || f.MarginNeeded < 0.2 {
		t.Errorf("%s after %d pairs, %+v", r.Verdict, r.Pairs, f)
	}
}

func TestRunsThatCannotBeBelievedAreLeftOutAndThenDecide(t *testing.T) {
	t.Parallel()
	once := &bench{ratio: 1, noise: 0.01, change: func(run *compare.Run, side compare.Side, pair int) {
		if pair == 3 && side == compare.Base {
			run.Validity, run.Reasons = result.Invalid, []string{"the generator fell behind"}
		}
	}}
	if r := compareAll(t, once, 8); r.Verdict != paired.Pass || r.LeftOut != 1 || len(r.Runs) != 18 {
		t.Errorf("one such run: %s, %d left out, %d runs", r.Verdict, r.LeftOut, len(r.Runs))
	}
	always := &bench{ratio: 1, noise: 0.01, change: func(run *compare.Run, side compare.Side, _ int) {
		if side == compare.Candidate {
			run.Validity, run.Reasons = result.Invalid, []string{"the generator fell behind"}
		}
	}}
	if r := compareAll(t, always, 8); r.Verdict != paired.Invalid || !strings.Contains(r.Reasons[0], "runs of the candidate are invalid") || len(r.Runs) > 6 {
		t.Errorf("all of one side: %s because %q after %d runs", r.Verdict, r.Reasons, len(r.Runs))
	}
}

func TestOnlyTheHostsFaultIsRepeated(t *testing.T) {
	t.Parallel()
	busy := &bench{ratio: 1, noise: 0.01, idle: func(n int) compare.Idle {
		return compare.Idle{Busy: map[bool]float64{true: 0.9}[n == 5]}
	}}
	r := compareAll(t, busy, 8)
	if r.Repeated != 1 || r.Verdict != paired.Pass || r.Pairs != 8 || len(r.Runs) != 18 {
		t.Errorf("one busy moment: %s, %d repeated, %d pairs of %d runs", r.Verdict, r.Repeated, r.Pairs, len(r.Runs))
	}
	never := &bench{ratio: 1, noise: 0.01, idle: func(int) compare.Idle { return compare.Idle{Busy: 0.9} }}
	if r := compareAll(t, never, 8); r.Repeated != 2 || r.Pairs != 8 {
		t.Errorf("a host that is never quiet: %d repeated, %d pairs; want a quarter and all", r.Repeated, r.Pairs)
	}
}

func TestLostJobsFailWhateverTheLatency(t *testing.T) {
	t.Parallel()
	r := compareAll(t, &bench{ratio: 0.8, noise: 0.01, lost: 3}, 8)
	if r.Verdict != paired.Fail || !strings.Contains(r.Reasons[0], "lost more jobs") {
		t.Errorf("%s because %q", r.Verdict, r.Reasons)
	}
	one := &bench{ratio: 0.8, noise: 0.01, change: func(run *compare.Run, side compare.Side, pair int) {
		if pair == 2 && side == compare.Candidate {
			run.Lost = 1
		}
	}}
	if r := compareAll(t, one, 8); r.Verdict != paired.Inconclusive {
		t.Errorf("one job lost once: %s because %q, want neither pass nor fail", r.Verdict, r.Reasons)
	}
}

func TestAnInterruptionLeavesTheStateSoFar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 75*time.Second)
		defer cancel()
		r := &compare.Record{Seed: 7, MostPairs: 20}
		if err := compare.Compare(ctx, r, (&bench{ratio: 3}).options()); err != nil {
			t.Fatal(err)
		}
		if !r.Interrupted || r.Verdict != paired.Inconclusive || r.Pairs != 3 || len(r.Runs) != 6 || len(r.Figures) != 1 {
			t.Errorf("%+v", r)
		}
	})
}

func TestWhatCannotRunAtAllIsAnError(t *testing.T) {
	t.Parallel()
	r := &compare.Record{MostPairs: 8}
	o := (&bench{}).options()
	o.Run = func(context.Context, compare.Side, int, uint64) (compare.Run, error) {
		return compare.Run{}, errors.New("no such file")
	}
	if err := compare.Compare(t.Context(), r, o); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("Compare = %v", err)
	}
}

func TestCalibrationFindsTheNoiseAndNoChange(t *testing.T) {
	t.Parallel()
	r := &compare.Record{Seed: 7, MostPairs: 20}
	synctest.Test(t, func(t *testing.T) {
		o := (&bench{ratio: 1, noise: 0.05}).options()
		o.All = true
		if err := compare.Compare(t.Context(), r, o); err != nil {
			t.Error(err)
		}
	})
	c := compare.Calibrate(r, 20)
	n := c.Metrics["p50"]
	if want := 0.05 * math.Sqrt2; n.Spread < want/2 || n.Spread > 2*want || n.Margin < n.Smallest || n.Margin > 0.2 {
		t.Errorf("%+v, want a spread of about %v", n, want)
	}
	if s := c.Resampled; s.Fail > 0.01 || s.Pass < 0.8 || math.Abs(s.Fail+s.Pass+s.Inconclusive-1) > 1e-9 {
		t.Errorf("%+v", s)
	}
}

// stored are results a minute apart, in the order that is given.
func stored(order string, p50 map[rune]int64) (base, candidate []*result.Result) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, side := range order {
		v := p50[side] + int64(i)
		res := &result.Result{
			Run:    result.Info{StartedAt: at.Add(time.Duration(i) * time.Minute)},
			Stages: map[metric.Stage]*result.StageSummary{metric.EndToEnd: {Count: 1000, P50NS: &v}},
		}
		if side == 'a' {
			base = append(base, res)
		} else {
			candidate = append(candidate, res)
		}
	}
	return base, candidate
}

func TestStoredResultsClaimNoMoreThanTheyCan(t *testing.T) {
	t.Parallel()
	metrics := []paired.Metric{{Name: "end_to_end.p50", Margin: 0.1, Gate: true}}
	slower := map[rune]int64{'a': 1e6, 'b': 2e6}
	for _, row := range []struct {
		order  string
		insist bool
		want   paired.Verdict
		says   string
	}{
		{"abbaabbaabba", false, paired.Fail, "worse than the baseline"},
		{"aaaaaabbbbbb", false, paired.Inconclusive, "not run alternately"},
		{"aaaaaabbbbbb", true, paired.Fail, "worse than the baseline"},
		{"abab", false, paired.Inconclusive, "too few"},
	} {
		base, candidate := stored(row.order, slower)
		r := &compare.Record{}
		compare.Stored(r, base, candidate, metrics, row.insist)
		if r.Verdict != row.want || !strings.Contains(strings.Join(r.Reasons, "; "), row.says) || len(r.Warnings) > 0 != row.insist {
			t.Errorf("%s: %s because %q, warnings %q", row.order, r.Verdict, r.Reasons, r.Warnings)
		}
	}
	base, candidate := stored("abbaabbaabba", slower)
	candidate[2].Host.CPUModel = "another"
	r := &compare.Record{}
	compare.Stored(r, base, candidate, metrics, false)
	if r.Verdict != paired.Inconclusive || !slices.Contains(r.Reasons, "the results are of different hosts") {
		t.Errorf("of two hosts: %s because %q", r.Verdict, r.Reasons)
	}
}

func TestSoFewStoredResultsThatNothingCanFailGiveNoVerdict(t *testing.T) {
	t.Parallel()
	metrics := compare.Defaults()
	base, candidate := stored("abbaabbaabba", map[rune]int64{'a': 1e6, 'b': 2e6})
	r := &compare.Record{}
	compare.Stored(r, base, candidate, metrics, false)
	if r.Verdict != paired.Inconclusive || !strings.Contains(r.Reasons[0], "6 results a side are too few: the metrics that gate cannot fail with fewer than 8") {
		t.Errorf("%s because %q", r.Verdict, r.Reasons)
	}
}
