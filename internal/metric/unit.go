package metric

import (
	"math/big"
	"strconv"
	"strings"
)

// A unit is a way to write values of a kind: the suffix, and what one of it is
// in the base unit as a fraction.
type Unit struct {
	suffix   string
	num, den int64
}

// units lists what may follow a number, the base unit first and after it those
// in which a threshold writes, in ascending order of size.
func (k Kind) units() []Unit {
	switch k {
	case Duration:
		return []Unit{{"ns", 1, 1}, {"us", 1e3, 1}, {"ms", 1e6, 1}, {"s", 1e9, 1}, {"m", 60e9, 1}, {"µs", 1e3, 1}, {"μs", 1e3, 1}}
	case Rate:
		return []Unit{{"/s", 1, 1}, {"", 1, 1}, {"k/s", 1e3, 1}, {"M/s", 1e6, 1}, {"k", 1e3, 1}, {"M", 1e6, 1}}
	case Ratio:
		return []Unit{{"", 1, 1}, {"%", 1, 100}}
	default:
		return []Unit{{"", 1, 1}, {"k", 1e3, 1}, {"M", 1e6, 1}}
	}
}

// UnitOf finds the unit with that suffix.
func (k Kind) UnitOf(suffix string) (Unit, bool) {
	for _, u := range k.units() {
		if u.suffix == suffix {
			return u, true
		}
	}
	return Unit{}, false
}

// Base is the number in the base unit. The product is formed exactly and
// rounded once, so that "1.1ms" and "1100us" are the same limit.
func (u Unit) Base(number string) (float64, bool) {
	v, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, false
	}
	f, _ := v.Mul(v, big.NewRat(u.num, u.den)).Float64()
	return f, true
}

// Write is the shortest text that a threshold's parser reads back to exactly v. Durations
// are written in the largest unit that leaves a number of at least 1, ratios
// as plain numbers and rates per second.
func (k Kind) Write(v float64) string {
	candidates := k.units()[:1]
	if k == Duration {
		candidates = k.units()[:4]
	}
	for i := len(candidates) - 1; i > 0; i-- {
		u := candidates[i]
		x := v * float64(u.den) / float64(u.num)
		text := Plain(x)
		if back, ok := u.Base(text); ok && x >= 1 && back == v && len(text) <= 12 {
			return text + u.suffix
		}
	}
	return Plain(v) + candidates[0].suffix
}

// Plain is the shortest decimal without exponent that reads back to x.
func Plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// IsNumber reports whether text is an unsigned decimal without exponent.
func IsNumber(text string) bool {
	whole, fraction, _ := strings.Cut(text, ".")
	return whole+fraction != "" && strings.Trim(whole+fraction, "0123456789") == ""
}
