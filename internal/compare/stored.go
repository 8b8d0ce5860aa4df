package compare

import (
	"fmt"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// farApart is the longest time between the two runs of a pair.
const farApart = time.Hour

// Stored compares results that were made before. They are paired in the order of
// their time. What cannot be known afterwards, whether the host was the
// same and as quiet for both, limits what is claimed: where it is visible that it
// was not, the verdict is inconclusive and Reasons say why, unless the caller
// insists.
func Stored(r *Record, base, candidate []*result.Result, metrics []paired.Metric, insist bool) {
	r.Stored = true
	sorted := func(all []*result.Result) []*result.Result {
		return slices.SortedStableFunc(slices.Values(all), func(a, b *result.Result) int { return a.Run.StartedAt.Compare(b.Run.StartedAt) })
	}
	base, candidate = sorted(base), sorted(candidate)
	n := min(len(base), len(candidate))
	r.MostPairs, r.Looks, r.Alpha = n, []int{n}, paired.Alpha
	for i := range n {
		for _, one := range []struct {
			side Side
			res  *result.Result
		}{{Base, base[i]}, {Candidate, candidate[i]}} {
			run := FromResult(one.res)
			run.Pair, run.Side, run.Idle.Quiet = i+1, one.side, true
			if one.res.Run.Failed || one.res.Run.Interrupted || one.res.Run.Aborted != "" {
				run.Left = leftBroken
			}
			r.Runs = append(r.Runs, run)
		}
		r.counts()
	}
	if n < len(base) || n < len(candidate) {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d results have no partner on the other side and are ignored", len(base)+len(candidate)-2*n))
	}
	r.judge(metrics)
	doubts := doubts(base[:n], candidate[:n])
	if least := LeastPairs(metrics); n < least {
		doubts = append([]string{fmt.Sprintf("%d results a side are too few: the metrics that gate cannot fail with fewer than %d", n, least)}, doubts...)
	}
	switch {
	case len(doubts) == 0 || r.Verdict == paired.Invalid:
	case insist:
		for _, d := range doubts {
			r.Warnings = append(r.Warnings, "verdict given despite: "+d)
		}
	default:
		r.Verdict = paired.Inconclusive
		r.Reasons = append(doubts, r.Reasons...)
	}
}

// doubts are the reasons why the difference of stored results may not be that of
// what was tested.
func doubts(base, candidate []*result.Result) (all []string) {
	say := func(format string, args ...any) {
		if s := fmt.Sprintf(format, args...); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	first := base[0]
	for _, r := range slices.Concat(base, candidate) {
		if a, b := first.Host, r.Host; a.CPUModel != b.CPUModel || a.CPUs != b.CPUs || a.OS != b.OS || a.Arch != b.Arch || a.Kernel != b.Kernel {
			say("the results are of different hosts")
		} else if a.CPULimit != b.CPULimit || a.GOMAXPROCS != b.GOMAXPROCS {
			say("the results were measured under different CPU limits or values of GOMAXPROCS")
		}
	}
	for _, side := range [][]*result.Result{base, candidate} {
		for _, r := range side {
			if a, b := side[0].Scenario, r.Scenario; a.Name != b.Name || a.Load.Rate != b.Load.Rate || a.Load.Duration != b.Load.Duration || a.Work.Time != b.Work.Time || a.Consumers != b.Consumers {
				say("the results of one side are of different scenarios")
			}
		}
	}
	if base[0].Scenario.Load.Rate != candidate[0].Scenario.Load.Rate {
		say("the two sides had different rates: latency at different rates cannot be compared")
	}
	apart, swaps := time.Duration(0), 0
	for i := range base {
		d := candidate[i].Run.StartedAt.Sub(base[i].Run.StartedAt)
		apart = max(apart, d.Abs())
		if i > 0 && base[i].Run.StartedAt.After(candidate[i-1].Run.StartedAt) && candidate[i].Run.StartedAt.After(base[i-1].Run.StartedAt) {
			swaps++
		}
	}
	if apart > farApart {
		say("the runs of a pair are up to %s apart, and a host changes within an hour", apart.Round(time.Minute))
	}
	if len(base) > 1 && swaps < len(base)-1 {
		say("the two sides were not run alternately: a drift of the host looks like a change (18%% of such comparisons report a change where nothing changed)")
	}
	return all
}
