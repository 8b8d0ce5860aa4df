package compare

import (
	"fmt"
	"math"
	"strings"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// judge decides from the runs so far, at the error of one look. It reports
// whether more pairs would change nothing.
func (r *Record) judge(metrics []paired.Metric) (decided bool) {
	pairs, lost := r.paired()
	d := paired.Judge(metrics, pairs, r.Alpha)
	r.Verdict, r.Reasons, r.Figures, r.Pairs = d.Verdict, d.Reasons, d.Figures, d.Pairs
	r.losses(lost)
	decided = r.Verdict == paired.Pass || r.Verdict == paired.Fail
	if n := len(r.Missing); n > 0 {
		r.Reasons = append(r.Reasons, "the candidate lacks "+listed(r.Missing)+", which the baseline has")
		if r.Verdict == paired.Pass {
			r.Verdict = paired.Inconclusive
		}
	}
	if why := r.spoilt(); why != "" {
		r.Verdict, r.Reasons = paired.Invalid, append([]string{why}, r.Reasons...)
	}
	return decided
}

// listed names a few of them and counts the rest.
func listed(names []string) string { return number.Few(names, 6) }

// paired are the pairs of which both runs count, and for each by how many more
// jobs the candidate lost.
func (r *Record) paired() (pairs []paired.Pair, lost []int64) {
	at := map[int]map[Side]Run{}
	last := 0
	for _, run := range r.Runs {
		if run.Left != "" {
			continue
		}
		if at[run.Pair] == nil {
			at[run.Pair] = map[Side]Run{}
		}
		at[run.Pair][run.Side] = run
		last = max(last, run.Pair)
	}
	for n := 1; n <= last; n++ {
		base, ok1 := at[n][Base]
		candidate, ok2 := at[n][Candidate]
		if ok1 && ok2 {
			pairs = append(pairs, paired.Pair{Base: base.Figures, Candidate: candidate.Figures})
			lost = append(lost, candidate.Lost-base.Lost)
		}
	}
	return pairs, lost
}

// losses weighs lost jobs, which have no ratio: by the signs of the pairs in
// which one side lost more. A candidate that lost where the baseline did not
// never passes.
func (r *Record) losses(lost []int64) {
	more, less := 0, 0
	for _, n := range lost {
		switch {
		case n > 0:
			more++
		case n < 0:
			less++
		}
	}
	if more == 0 {
		return
	}
	if p := signTest(more, less); p <= r.Alpha {
		r.Verdict = paired.Fail
		r.Reasons = append([]string{fmt.Sprintf("the candidate lost more jobs than the baseline in %d of %d pairs, and fewer in %d", more, len(lost), less)}, r.Reasons...)
		return
	}
	if more > less && r.Verdict == paired.Pass {
		r.Verdict = paired.Inconclusive
		r.Reasons = append(r.Reasons, fmt.Sprintf("the candidate lost more jobs than the baseline in %d of %d pairs, too few to rule out chance", more, len(lost)))
	}
}

// signTest is the probability of at least so many on one side in fair coin tosses.
func signTest(more, less int) (p float64) {
	n := more + less
	for k := more; k <= n; k++ {
		lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
		p += math.Exp(lg(n) - lg(k) - lg(n-k) - float64(n)*math.Ln2)
	}
	return min(p, 1)
}

// spoilt is the reason for an invalid verdict: too many runs of a side are invalid,
// and not because of the host. Excluding them would select runs by their outcome.
func (r *Record) spoilt() string {
	invalid := map[Side]int{}
	why := map[Side]string{}
	pairs := 0
	for _, run := range r.Runs {
		pairs = max(pairs, run.Pair)
		if run.Left == leftInvalid || run.Left == leftBroken {
			invalid[run.Side]++
			var words []string
			if run.Left == leftBroken {
				words = append(words, "it did not come to its end")
			}
			if len(run.Reasons) > 0 {
				words = append(words, run.Reasons[0])
			}
			why[run.Side] = strings.Join(words, ": ")
		}
	}
	for _, side := range []Side{Base, Candidate} {
		if n := invalid[side]; n > allowed(pairs) {
			return fmt.Sprintf("%d runs of the %s are invalid, the last one because %s", n, side, why[side])
		}
	}
	return ""
}

// allowed is how many pairs may be left out, or made again, of so many.
func allowed(pairs int) int { return max(1, pairs/4) }

// Why a run does not count.
const (
	leftDisturbed = "the pair was repeated because the host was disturbed"
	leftInvalid   = "the run is invalid"
	leftBroken    = "it did not complete"
	leftWithOther = "the other run of its pair does not count"
)

// LeftWithOther reports whether the run does not count only because the other run
// of its pair does not.
func (r Run) LeftWithOther() bool { return r.Left == leftWithOther }

// counts excludes the last two runs if one of them is invalid.
func (r *Record) counts() {
	a, b := &r.Runs[len(r.Runs)-2], &r.Runs[len(r.Runs)-1]
	for _, run := range []*Run{a, b} {
		if run.Left == "" && run.Validity == result.Invalid {
			run.Left = leftInvalid
		}
	}
	if a.Left != "" || b.Left != "" {
		r.LeftOut++
		for _, run := range []*Run{a, b} {
			if run.Left == "" {
				run.Left = leftWithOther
			}
		}
	}
}
