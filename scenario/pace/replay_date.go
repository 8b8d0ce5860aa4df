package pace

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	weekdayName = `(?:(Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?),? +)?`
	monthName   = `(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)`
	hours       = `(\d\d):(\d\d):(\d\d)`
)

var (
	isoDate      = regexp.MustCompile(`^(\d{4})[-/](\d\d)[-/](\d\d)`)                                          // 2024-01-31
	compactDate  = regexp.MustCompile(`^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)`)                               // 20240131T120000
	dayMonth     = regexp.MustCompile(`(?i)^` + weekdayName + `(\d{1,2})[/ -]` + monthName + `[/ -](\d{2,4})`) // Wed, 31 Jan 2024
	monthDay     = regexp.MustCompile(`(?i)^` + weekdayName + monthName + ` +(\d{1,2})`)                       // Wed Jan 31
	timeAfter    = regexp.MustCompile(`^(?:[Tt_:]|,? +)` + hours)
	timeAlone    = regexp.MustCompile(`^` + hours)
	zoneName     = regexp.MustCompile(`^ ?(?:UTC|GMT|Z|z)`)
	zoneOffset   = regexp.MustCompile(`^ ?[+-](\d\d)(?::?(\d\d))?`)
	trailingYear = regexp.MustCompile(`^ +(?:[A-Z]{1,5} +)?(\d{4})`)
)

// date reads a date and a time of day in one of the layouts that programs write:
//
//	2024-01-31T12:00:00.250+01:00   RFC 3339; also with a space, slashes, a comma, without a zone
//	20240131T120000Z                the same without punctuation
//	31/Jan/2024:12:00:00 +0000      nginx, Apache
//	31 Jan 2024 12:00:00.250        Redis
//	Wed, 31 Jan 2024 12:00:00 GMT   RFC 1123; also RFC 850
//	Wed Jan 31 12:00:00 UTC 2024    date, asctime
//	Jan 31 12:00:00                 syslog, without a year
func (s scanner) date() (m moment, n int, why string) {
	c := &cursor{text: s.text}
	d := day{year: -1}
	switch begin := c.text; {
	case c.match(isoDate, &d.year, &d.month, &d.day):
	case c.match(compactDate, &d.year, &d.month, &d.day, &d.hour, &d.minute, &d.second):
		d.hasTime = true
	case c.match(dayMonth, &d.weekday, &d.day, &d.month, &d.year):
		if begin[c.at-3] < '0' || begin[c.at-3] > '9' { // of two digits
			d.year += 2000
		}
	case !c.match(monthDay, &d.weekday, &d.month, &d.day):
		return m, 0, ""
	}
	after := c.rest()
	if !d.hasTime && !c.match(timeAfter, &d.hour, &d.minute, &d.second) || !d.possible() {
		if !d.hasTime && ends(after) && d.year >= 0 {
			return m, 0, onlyDate
		}
		return m, 0, ""
	}
	c.fraction(&d)
	zone := c.zone(&d)
	if was := c.at; d.year < 0 && d.weekday > 0 && c.match(trailingYear, &d.year) && !ends(c.rest()) {
		c.at, d.year = was, -1
	}
	if !ends(c.rest()) {
		return m, 0, ""
	}
	m.clock = unzoned
	switch {
	case d.year < 0:
		m.clock, d.year = yearless, 2000 // a leap year
	case zone:
		m.clock = zoned
	}
	if d.year < 1970 || d.year > 2200 {
		return m, 0, noDate
	}
	at := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, d.nanos, time.UTC)
	if first := time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC); first.Month() != time.Month(d.month) || first.Day() != d.day {
		return m, 0, noDate
	}
	if m.t = time.Duration(at.UnixNano()) - d.offset; m.t < 0 {
		return m, 0, noDate
	}
	return m, c.at, ""
}

// clockTime reads a time of day without a date: 12:00:00.250.
func (s scanner) clockTime() (m moment, n int, why string) {
	c := &cursor{text: s.text}
	var d day
	if !c.match(timeAlone, &d.hour, &d.minute, &d.second) || !d.possible() {
		return m, 0, ""
	}
	if c.fraction(&d); !ends(c.rest()) {
		return m, 0, ""
	}
	m.t = time.Duration(d.hour)*time.Hour + time.Duration(d.minute)*time.Minute + time.Duration(d.second)*time.Second + time.Duration(d.nanos)
	m.clock = dateless
	return m, c.at, ""
}

// day is a date and a time as it is being read.
type day struct {
	year                        int // -1 until it is read
	month, day                  int
	hour, minute, second, nanos int
	offset                      time.Duration // of the zone, from UTC
	weekday                     int           // 0 without one
	hasTime                     bool
}

// possible reports whether there is such a time of day. A leap second is one.
func (d *day) possible() bool { return d.hour < 24 && d.minute < 60 && d.second <= 60 }

// cursor is a place in a text.
type cursor struct {
	text string
	at   int
}

func (c *cursor) rest() string { return c.text[c.at:] }

// match reads what the pattern matches, and its groups as numbers.
func (c *cursor) match(pattern *regexp.Regexp, groups ...*int) bool {
	at := pattern.FindStringSubmatchIndex(c.rest())
	if at == nil {
		return false
	}
	for i, into := range groups {
		*into = 0
		if from, to := at[2*i+2], at[2*i+3]; from >= 0 {
			*into = numberOf(c.rest()[from:to])
		}
	}
	c.at += at[1]
	return true
}

// numberOf is a number, or that of a month. Of a weekday it is one above 0.
func numberOf(text string) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return strings.Index("janfebmaraprmayjunjulaugsepoctnovdecmontuewedthufrisatsun", strings.ToLower(text[:3]))/3 + 1
}

// fraction reads .250, :250, or ,250 where that cannot be the next column.
func (c *cursor) fraction(d *day) {
	rest := c.rest()
	n := 1
	for n < len(rest) && isDigit(rest[n]) {
		n++
	}
	switch {
	case n == 1:
		return
	case rest[0] == '.', rest[0] == ':' && n == 4:
	case rest[0] == ',' && n%3 == 1 && n <= 10 && (n == len(rest) || rest[n] != ','):
	default:
		return
	}
	unit := 100_000_000
	for _, b := range []byte(rest[1:n]) {
		d.nanos += unit * int(b-'0')
		unit /= 10
	}
	c.at += n
}

// zone reads Z, UTC, GMT, +01, +0100 or +01:00, with a space before it or not.
func (c *cursor) zone(d *day) bool {
	was := c.at
	if c.match(zoneName) && ends(c.rest()) {
		return true
	}
	c.at = was
	var h, m int
	if rest := c.rest(); c.match(zoneOffset, &h, &m) && h < 24 && m < 60 && ends(c.rest()) {
		d.offset = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
		if strings.HasPrefix(strings.TrimPrefix(rest, " "), "-") {
			d.offset = -d.offset
		}
		return true
	}
	c.at = was
	return false
}
