package paired

import (
	"fmt"
	"math"

	"github.com/queuedyno/queuedyno/internal/number"
)

// need works out what would decide the metric, of which as many pairs as least are
// needed if it gates.
func (f *Figure) need(least int) {
	if f.Pairs == 0 || f.Spread == 0 {
		return
	}
	worse := math.Log1p(f.Change)
	if f.HigherBetter {
		worse = -worse
	}
	f.MarginNeeded = math.Expm1(max(0, worse) + reach(f.Spread, f.Pairs))
	if away := math.Abs(math.Log1p(f.Margin) - worse); away > 0.01*f.Spread {
		f.PairsNeeded = max(pairsFor(f.Spread, away), f.Pairs+1)
		if f.Gate {
			f.PairsNeeded = max(f.PairsNeeded, least)
		}
	}
}

// explain says why the verdict is what it is.
func (d *Decision) explain(all, least int) {
	say := func(format string, args ...any) { d.Reasons = append(d.Reasons, fmt.Sprintf(format, args...)) }
	gates := 0
	for _, f := range d.Figures {
		if !f.Gate {
			continue
		}
		gates++
		switch {
		case f.Pairs == 0:
			say("%s has no value in any pair", f.Name)
		case f.Verdict == Fail:
			say("%s is shown to be worse than the baseline by more than %s", f.Name, number.Percent(f.Margin))
		case f.Verdict == Inconclusive && d.Verdict == Inconclusive && f.Pairs < least && f.beyond():
			say("%s cannot fail in %s, however clear: with %s it takes at least %d pairs",
				f.Name, number.Plural(f.Pairs, "pair"), number.Plural(all, "metric")+" that "+map[bool]string{true: "gates", false: "gate"}[all == 1], least)
		case f.Verdict == Inconclusive && d.Verdict == Inconclusive:
			say("%s cannot be decided in %d pairs with this much noise", f.Name, f.Pairs)
		case f.Verdict == Pass && f.Worse() && d.Verdict != Fail: // that one explains no failure
			say("%s is worse, but within its margin of %s", f.Name, number.Percent(f.Margin))
		}
	}
	if gates == 0 {
		say("no metric gates")
	}
}

// beyond reports whether the change is worse than the margin allows, be it by
// chance or not.
func (f Figure) beyond() bool {
	if f.HigherBetter {
		return 1+f.Change < 1/(1+f.Margin)
	}
	return f.Change > f.Margin
}
