package pace

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// unitSize is a unit with its length and the numbers that it may have.
type unitSize struct {
	unit     string
	length   time.Duration
	name     string
	from, to uint64
}

// units are the units with their lengths and names. A number of at least from
// and less than to counts the unit since 1970: from 1973 to 2255.
var units = []unitSize{
	{"s", time.Second, "seconds", 1e8, 9e9},
	{"ms", time.Millisecond, "milliseconds", 1e11, 9e12},
	{"us", time.Microsecond, "microseconds", 1e14, 9e15},
	{"ns", 1, "nanoseconds", 1e17, 9e18},
}

// ParseUnit reads what numbers count in a recorded load: s, ms, us (also µs) or ns.
func ParseUnit(text string) (string, error) {
	u := strings.NewReplacer("µ", "u", "μ", "u").Replace(strings.ToLower(strings.TrimSpace(text)))
	for _, known := range units {
		if u == known.unit {
			return u, nil
		}
	}
	return "", fmt.Errorf("%q is not a unit of time stamps; the units are s, ms, us and ns", text)
}

// moment is a time that was read.
type moment struct {
	t     time.Duration // since 1970, or since the start of the load
	clock clock
}

// clock is what a time counts and from when. All times of a file have the same.
type clock string

const (
	sinceStart clock = "seconds since the start"
	zoned      clock = "dates with a time zone"
	unzoned    clock = "dates without a time zone"
	yearless   clock = "dates without a year"
	dateless   clock = "times of day without a date"
)

// absolute reports whether the first time of a file is the start of the load.
func (c clock) absolute() bool { return !strings.HasSuffix(string(c), "since the start") }

// The reasons why a text is not a time.
const (
	notTime     = "is not a time"
	negative    = "is a time before the start"
	noDate      = "is a date that does not exist, or not between the years 1970 and 2200"
	onlyDate    = "is a date without a time of day"
	tooLate     = "is more than 366 days after the start"
	noUnit      = "fits no unit of time since 1970; give the unit with --replay-unit (unit in a file)"
	hasExponent = "is a number with an exponent, which has lost digits; write all digits"
)

// scanner reads a time at the beginning of a text.
type scanner struct {
	text string
	unit string
	// comma says that a comma is not a separator of columns, but may stand before
	// the fraction of a number. In a date it may where three, six or nine digits
	// follow and no further comma.
	comma bool
}

// moment reads a time. n is how many bytes of the text it takes; why says what
// is wrong with a text that is not a time.
func (s scanner) moment() (m moment, n int, why string) {
	if m, n, why = s.date(); n > 0 || why != "" {
		return m, n, why
	}
	if m, n, why = s.clockTime(); n > 0 || why != "" {
		return m, n, why
	}
	return s.number()
}

// number reads a number in the unit, or in the one that fits its size.
func (s scanner) number() (m moment, n int, why string) {
	text := s.text
	if strings.HasPrefix(text, "-") {
		if _, n, why := (scanner{text: text[1:], unit: s.unit, comma: s.comma}).number(); n > 0 || why != notTime {
			return m, 0, negative
		}
		return m, 0, notTime
	}
	var whole, frac uint64
	for n < len(text) && isDigit(text[n]) {
		if n == 19 {
			return m, 0, noUnit
		}
		whole = 10*whole + uint64(text[n]-'0')
		n++
	}
	digits := n
	if n < len(text) && (text[n] == '.' || s.comma && text[n] == ',' && n > 0 && n+1 < len(text) && isDigit(text[n+1])) {
		n++
		for unit := uint64(100_000_000); n < len(text) && isDigit(text[n]); n++ {
			frac += unit * uint64(text[n]-'0')
			unit /= 10
			digits++
		}
	}
	if digits == 0 || !ends(text[n:]) {
		if digits > 0 && n < len(text) && (text[n] == 'e' || text[n] == 'E') {
			return m, 0, hasExponent
		}
		return m, 0, notTime
	}
	at := slices.IndexFunc(units, func(u unitSize) bool {
		return s.unit == u.unit || s.unit == "" && (whole < 1e8 || u.from <= whole && whole < u.to)
	})
	if at < 0 {
		return m, 0, noUnit
	}
	u := units[at]
	if whole >= u.to {
		return m, 0, noUnit
	}
	m.t = time.Duration(whole)*u.length + time.Duration(frac)*u.length/1_000_000_000
	switch {
	case whole >= u.from:
		m.clock = clock(u.name + " since 1970")
	case m.t > maxLength:
		return m, 0, tooLate
	default:
		m.clock = clock(u.name + " since the start")
	}
	return m, n, ""
}

// ends reports whether a time may end before the text.
func ends(text string) bool {
	return text == "" || strings.ContainsRune(" \t\r,;|])}>\"'[", rune(text[0])) || strings.HasPrefix(text, ": ")
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// excerpt quotes the beginning of text.
func excerpt(text string) string {
	const longest = 60
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return fmt.Sprintf("%q", text)
}
