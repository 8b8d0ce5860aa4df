package pace

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// separatorOf is what most likely stands between the columns of a line.
func separatorOf(line string) rune {
	for _, r := range "\t,;" {
		if strings.ContainsRune(line, r) {
			return r
		}
	}
	return ' '
}

// readMoment reads a time: since the beginning of the load, or since 1970. It
// says why text is none.
func readMoment(text string) (t time.Duration, c clock, why string) {
	if len(text) > 10 && text[4] == '-' {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return 0, "", "not an RFC 3339 time"
		}
		if y := at.Year(); y < 1970 || y > 2200 {
			return 0, "", "not between the years 1970 and 2200"
		}
		return time.Duration(at.UnixNano()), timeOfDay, ""
	}
	if strings.HasPrefix(text, "-") {
		return 0, "", "a time before the beginning"
	}
	seconds, nanos, ok := readDecimal(text)
	switch {
	case !ok:
		return 0, "", "not a time"
	case seconds >= mostUnix:
		return 0, "", "too many seconds (milliseconds need to be divided by 1000)"
	}
	t = time.Duration(seconds)*time.Second + time.Duration(nanos)
	switch {
	case seconds >= leastUnix:
		return t, sinceEpoch, ""
	case t > MaxLength:
		return 0, "", "more than 366 days after the beginning"
	default:
		return t, sinceStart, ""
	}
}

// readDecimal reads "12", "12.5" or ".5", whole seconds and the billionths of
// the next. Digits beyond those are cut off.
func readDecimal(text string) (seconds, nanos int64, ok bool) {
	before, after, _ := strings.Cut(text, ".")
	if before == "" && after == "" || len(before) > 18 {
		return 0, 0, false
	}
	for i := range len(before) {
		if !isDigit(before[i]) {
			return 0, 0, false
		}
		seconds = 10*seconds + int64(before[i]-'0')
	}
	unit := int64(100_000_000)
	for i := range len(after) {
		if !isDigit(after[i]) {
			return 0, 0, false
		}
		nanos += unit * int64(after[i]-'0')
		unit /= 10
	}
	return seconds, nanos, true
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// runeAt is the rune at a place in text, and its length in bytes.
func runeAt(text string, at int) (rune, int) { return utf8.DecodeRuneInString(text[at:]) }

// excerpt quotes the beginning of text.
func excerpt(text string) string {
	const longest = 60
	if len(text) > longest {
		text = text[:longest] + "..."
	}
	return fmt.Sprintf("%q", text)
}
