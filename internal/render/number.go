package render

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// none stands for a figure that there is not.
const none = "n/a"

// unit is a scale for durations.
type unit struct {
	name string
	ns   float64
}

func units() []unit {
	return []unit{{"ns", 1}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}}
}

// commonUnit is the one unit in which all the given nanoseconds are shown: the
// largest that leaves the smallest of them at 0.1 or more, so that a row holds
// neither 0.000312 nor more digits than an eye can count. A far outlier pushes
// it further up.
func commonUnit(ns ...float64) unit {
	smallest, largest := math.Inf(1), 0.0
	for _, v := range ns {
		if v = math.Abs(v); v > 0 && !math.IsInf(v, 0) {
			smallest, largest = min(smallest, v), max(largest, v)
		}
	}
	all := units()
	if largest == 0 {
		return all[0]
	}
	at := 0
	for i, u := range all {
		if smallest/u.ns >= 0.1 {
			at = i
		}
	}
	for at+1 < len(all) && largest/all[at].ns >= 1e5 && smallest/all[at+1].ns >= 1e-3 {
		at++
	}
	return all[at]
}

// tableUnit is the one unit for all durations of a table, where one serves: each
// of them is then at least 0.001 and has no more than five digits before the
// point. Of several such units it is the wanted one, that of the limits beside the
// table, unless the headline would be below 0.1 in it; and else the one nearest to
// that which suits the headline.
func tableUnit(wanted string, headline float64, ns ...float64) (u unit, ok bool) {
	smallest, largest := math.Inf(1), 0.0
	for _, v := range ns {
		if v = math.Abs(v); v > 0 && !math.IsInf(v, 0) {
			smallest, largest = min(smallest, v), max(largest, v)
		}
	}
	if largest == 0 {
		return unit{}, false
	}
	best := math.Inf(1)
	for _, c := range units() {
		if smallest/c.ns < 0.001 || largest/c.ns >= 1e5 {
			continue
		}
		// How far the headline is from 10 of the unit, in powers of ten.
		far := math.Abs(math.Log10(max(headline, smallest)/c.ns) - 1)
		if c.name == wanted && headline/c.ns >= 0.1 {
			far = -1
		}
		if far < best {
			best, u, ok = far, c, true
		}
	}
	return u, ok
}

// in is the value in the unit, to three significant digits.
func (u unit) in(ns float64) string { return digits3(ns / u.ns) }

// duration is one duration in the unit that suits it: "312 µs", "1.20 ms".
func duration(ns float64) string {
	if !finite(ns) {
		return none
	}
	u := units()[0]
	for _, larger := range units() {
		// 999.6 µs is 1.00 ms: the unit is chosen by what will be printed.
		if math.Abs(ns) >= 0.9995*larger.ns {
			u = larger
		}
	}
	return u.in(ns) + " " + u.name
}

// span is a length of time as people set it: "10s", "1m30s".
func span(d time.Duration) string {
	if d >= time.Second {
		d = d.Round(time.Millisecond)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// digits3 is v to three significant digits, with thousands separators.
func digits3(v float64) string {
	if !finite(v) {
		return none
	}
	if v == 0 {
		return "0"
	}
	// The exponent after rounding: 9.996 is 10.0, not 10.00.
	e := strconv.FormatFloat(v, 'e', 2, 64)
	_, exponent, _ := strings.Cut(e, "e")
	exp, _ := strconv.Atoi(exponent)
	rounded, _ := strconv.ParseFloat(e, 64)
	return thousands(strconv.FormatFloat(rounded, 'f', max(0, 2-exp), 64))
}

// rate is jobs per second, exact enough to tell 999.8 from 1,000.
func rate(v float64) string {
	if !finite(v) {
		return none
	}
	if math.Abs(v) < 100 {
		return digits3(v)
	}
	decimals := 1
	if math.Abs(v) >= 10_000 {
		decimals = 0
	}
	return thousands(strings.TrimSuffix(strconv.FormatFloat(v, 'f', decimals, 64), ".0"))
}

// rateOf is the rate behind p, or n/a.
func rateOf(p *float64) string {
	if p == nil {
		return none
	}
	return rate(*p)
}

// number is any other figure: whole ones in full, the rest to three digits. What
// is next to nothing is said to be so, and not written out.
func number(v float64) string {
	const little = 1e-4
	if v != 0 && math.Abs(v) < little {
		if v < 0 {
			return "> -0.0001"
		}
		return "< 0.0001"
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return digits3(v)
}

// numberOf is the number behind p, or n/a.
func numberOf(p *float64) string {
	if p == nil {
		return none
	}
	return number(*p)
}

// count is a number of things.
func count(n int64) string { return thousands(strconv.FormatInt(n, 10)) }

// plural is a number of things with their name: "1 job", "2 jobs".
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return count(n) + " " + thing + "s"
}

// thousands puts commas into the whole part of a decimal number.
func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, cut := strings.Cut(s, ".")
	var b strings.Builder
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if cut {
		b.WriteString("." + fraction)
	}
	return sign + b.String()
}

// exact is v for machines: as many digits as it takes to read the same value
// back, and nothing for what is no number.
func exact(v float64) string {
	if !finite(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
