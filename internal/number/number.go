// Package number writes numbers for people: counts, rates, durations and
// percentages. Reports and messages take their formats from here, so that one
// value reads the same everywhere.
package number

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// None is printed for a value that is missing.
const None = "n/a"

// Unit is a unit of time and its length in nanoseconds.
type Unit struct {
	Name string
	NS   float64
}

// Units are the units of durations, in ascending order.
func Units() []Unit {
	return []Unit{{"ns", 1}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}}
}

// In is a duration in the unit, to three significant digits.
func (u Unit) In(ns float64) string { return Digits(ns / u.NS) }

// Duration is a duration in nanoseconds in the unit that suits it: "312 µs", "1.20 ms".
func Duration(ns float64) string {
	if !Finite(ns) {
		return None
	}
	u := Units()[0]
	for _, larger := range Units() {
		// 999.6 µs is 1.00 ms: the unit is chosen by what will be printed.
		if math.Abs(ns) >= 0.9995*larger.NS {
			u = larger
		}
	}
	return u.In(ns) + " " + u.Name
}

// Span is a length of time as people set it: "10s", "1m30s".
func Span(d time.Duration) string {
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

// Percent is a share in percent, to the digits that matter: "250%", "97.3%",
// "1.25%", and "0%" for less than 0.005%.
func Percent(share float64) string {
	p := 100 * share
	decimals := 2
	switch a := math.Abs(p); {
	case !Finite(p):
		return None
	case a < 0.005:
		return "0%"
	case a >= 100:
		decimals = 0
	case a >= 10:
		decimals = 1
	}
	s := strconv.FormatFloat(p, 'f', decimals, 64)
	if decimals > 0 {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return s + "%"
}

// Change is a change in percent with its sign: "+12%", "-3.4%", and "0%".
func Change(share float64) string {
	s := Percent(share)
	if share > 0 && s != "0%" && s != None {
		return "+" + s
	}
	return s
}

// Digits is v to three significant digits, with thousands separators.
func Digits(v float64) string {
	if !Finite(v) {
		return None
	}
	if v == 0 {
		return "0"
	}
	// The exponent after rounding: 9.996 is 10.0, not 10.00.
	e := strconv.FormatFloat(v, 'e', 2, 64)
	_, exponent, _ := strings.Cut(e, "e")
	exp, _ := strconv.Atoi(exponent)
	rounded, _ := strconv.ParseFloat(e, 64)
	return Grouped(strconv.FormatFloat(rounded, 'f', max(0, 2-exp), 64))
}

// Rate is a number of jobs per second, exact enough to distinguish 999.8 from 1,000.
func Rate(v float64) string {
	if !Finite(v) {
		return None
	}
	if math.Abs(v) < 100 {
		return Digits(v)
	}
	decimals := 1
	if math.Abs(v) >= 10_000 {
		decimals = 0
	}
	return Grouped(strings.TrimSuffix(strconv.FormatFloat(v, 'f', decimals, 64), ".0"))
}

// Plain is any other number: whole numbers in full, others to three digits. Below
// 0.0001 it is "< 0.0001".
func Plain(v float64) string {
	const little = 1e-4
	switch {
	case v > 0 && v < little:
		return "< 0.0001"
	case v < 0 && v > -little:
		return "> -0.0001"
	case v == math.Trunc(v) && math.Abs(v) < 1e15:
		return Grouped(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return Digits(v)
}

// Of writes the value behind p with one of the functions above. Where p is nil, it
// is [None].
func Of(p *float64, write func(float64) string) string {
	if p == nil {
		return None
	}
	return write(*p)
}

// Count is a number of things, with thousands separators.
func Count(n int64) string { return Grouped(strconv.FormatInt(n, 10)) }

// Plural is a number of things with their name: "1 job", "2 jobs".
func Plural[N ~int | ~int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Count(int64(n)) + " " + thing + "s"
}

// Few names so many of the words at most, and counts the rest: "a, b and 3 more".
func Few(words []string, most int) string {
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return strings.Join(words[:most], ", ") + " and " + Count(int64(len(words)-most)) + " more"
}

// Grouped puts commas between the thousands of a decimal number.
func Grouped(s string) string {
	whole, fraction, cut := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if cut {
		return whole + "." + fraction
	}
	return whole
}

// Exact is v for machines: the shortest decimal that reads back as the same value,
// and "" for NaN and the infinities.
func Exact(v float64) string {
	if !Finite(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Finite reports whether v is neither NaN nor infinite.
func Finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
