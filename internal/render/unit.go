package render

import (
	"math"

	"github.com/queuedyno/queuedyno/internal/number"
)

// commonUnit is the one unit in which all the given nanoseconds are shown: the
// largest that leaves the smallest of them at 0.1 or more, so that a row holds
// neither 0.000312 nor more digits than an eye can count. A far outlier pushes
// it further up.
func commonUnit(ns ...float64) number.Unit {
	smallest, largest := math.Inf(1), 0.0
	for _, v := range ns {
		if v = math.Abs(v); v > 0 && !math.IsInf(v, 0) {
			smallest, largest = min(smallest, v), max(largest, v)
		}
	}
	all := number.Units()
	if largest == 0 {
		return all[0]
	}
	at := 0
	for i, u := range all {
		if smallest/u.NS >= 0.1 {
			at = i
		}
	}
	for at+1 < len(all) && largest/all[at].NS >= 1e5 && smallest/all[at+1].NS >= 1e-3 {
		at++
	}
	return all[at]
}

// tableUnit is the one unit for all durations of a table, where one serves: each
// of them is then at least 0.001 and has no more than five digits before the
// point. Of several such units it is the wanted one, that of the limits shown with the
// table, unless the headline would be below 0.1 in it; and else the one nearest to
// that which suits the headline.
func tableUnit(wanted string, headline float64, ns ...float64) (u number.Unit, ok bool) {
	smallest, largest := math.Inf(1), 0.0
	for _, v := range ns {
		if v = math.Abs(v); v > 0 && !math.IsInf(v, 0) {
			smallest, largest = min(smallest, v), max(largest, v)
		}
	}
	if largest == 0 {
		return number.Unit{}, false
	}
	best := math.Inf(1)
	for _, c := range number.Units() {
		if smallest/c.NS < 0.001 || largest/c.NS >= 1e5 {
			continue
		}
		// How far the headline is from 10 of the unit, in powers of ten.
		far := math.Abs(math.Log10(max(headline, smallest)/c.NS) - 1)
		if c.Name == wanted && headline/c.NS >= 0.1 {
			far = -1
		}
		if far < best {
			best, u, ok = far, c, true
		}
	}
	return u, ok
}
