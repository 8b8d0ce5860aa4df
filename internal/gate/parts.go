package gate

import (
	"fmt"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/result"
)

// Parts gathers what became of a threshold in each part of a window. The zero
// value with a threshold is ready.
type Parts struct {
	Threshold threshold.Threshold
	n         int
	worst     *part
	// missing is why a part had no value, of the first such part.
	missing string
	lacking int
}

// part is the one that stands worst so far.
type part struct {
	outcome  result.Threshold
	from, to time.Duration
	distance float64
}

// Add looks at the next part, which lies between two moments of the run, and
// returns what became of it. The function is as for [Check].
func (p *Parts) Add(from, to time.Duration, value func(metric string) (float64, string, bool)) result.Threshold {
	o := Check(p.Threshold, value, "")
	p.n++
	if o.Undecided {
		p.lacking++
		if p.missing == "" {
			p.missing = fmt.Sprintf("%s (from %s to %s)", o.Reason, seconds(from), seconds(to))
		}
		return o
	}
	d := math.Inf(1) // decided without a value
	if o.Value != nil {
		d = limit(p.Threshold).distance(*o.Value)
	} else if o.Passed {
		d = math.Inf(-1)
	}
	switch w := p.worst; {
	case w == nil, w.outcome.Passed && !o.Passed, w.outcome.Passed == o.Passed && d > w.distance:
		p.worst = &part{o, from, to, d}
	}
	return o
}

// Outcome is the worst part's, which decides for all. Without a part, or with
// one that tells nothing where the others keep the limit, it is undecided.
func (p *Parts) Outcome(invalid string) result.Threshold {
	o := result.Threshold{Expr: p.Threshold.String(), Limit: p.Threshold.Value, Undecided: true}
	length := seconds(p.Threshold.Over)
	switch {
	case p.n == 0:
		o.Reason = "the window holds no part of " + length
	case p.worst != nil && (!p.worst.outcome.Passed || p.lacking == 0):
		o = p.worst.outcome
		o.Reason = fmt.Sprintf("in the worst of %s of %s (from %s to %s) %s", number.Plural(p.n, "part"), length, seconds(p.worst.from), seconds(p.worst.to), o.Reason)
	default:
		o.Reason = fmt.Sprintf("%d of %s of %s tell nothing: %s", p.lacking, number.Plural(p.n, "part"), length, p.missing)
	}
	if invalid != "" {
		o.Passed, o.Undecided = false, true
		o.Reason = fmt.Sprintf("not decided, since %s; %s", invalid, o.Reason)
	}
	return o
}

// distance grows with how far v lies on the bad side of the limit.
func (t limit) distance(v float64) float64 {
	switch t.Op {
	case threshold.Greater, threshold.GreaterOrEqual:
		return t.Value - v
	case threshold.NotEqual:
		return -max(v-t.Value, t.Value-v)
	case threshold.Equal, threshold.Within:
		return max(v-t.Value, t.Value-v)
	}
	return v - t.Value
}

// seconds writes a moment of a run.
func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Round(time.Millisecond).Seconds()) }
