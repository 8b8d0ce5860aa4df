package pace

import (
	"strings"
	"time"
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
	if !c.isoDate(&d) && !c.compactDate(&d) && !c.dayMonth(&d) && !c.monthDay(&d) {
		return m, 0, ""
	}
	if !d.hasTime && !c.timeOfDay(&d) {
		if ends(c.rest()) && d.year >= 0 {
			return m, 0, onlyDate
		}
		return m, 0, ""
	}
	zone := c.zone(&d)
	if d.year < 0 && d.weekday {
		c.trailingYear(&d)
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
	case d.year < 1970 || d.year > 2200:
		return m, 0, noDate
	}
	at := time.Date(d.year, d.month, d.day, d.hour, d.minute, d.second, d.nanos, time.UTC)
	if d.year < 1970 || d.year > 2200 || d.month < 1 || d.month > 12 || d.day != time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Day() || d.day < 1 {
		return m, 0, noDate
	}
	m.t = time.Duration(at.UnixNano()) - d.offset
	if m.t < 0 {
		return m, 0, noDate
	}
	return m, c.at, ""
}

// clockTime reads a time of day without a date: 12:00:00.250.
func (s scanner) clockTime() (m moment, n int, why string) {
	c := &cursor{text: s.text}
	var d day
	if !c.hours(&d) || !ends(c.rest()) {
		return m, 0, ""
	}
	m.t = time.Duration(d.hour)*time.Hour + time.Duration(d.minute)*time.Minute + time.Duration(d.second)*time.Second + time.Duration(d.nanos)
	m.clock = dateless
	return m, c.at, ""
}

// day is a date and a time as it is being read.
type day struct {
	year                        int // -1 until it is read
	month                       time.Month
	day                         int
	hour, minute, second, nanos int
	offset                      time.Duration // of the zone, from UTC
	weekday, hasTime            bool
}

// cursor is a place in a text. Its methods that read something leave it where
// it was when they do not find it.
type cursor struct {
	text string
	at   int
}

func (c *cursor) rest() string { return c.text[c.at:] }

// try goes back to where it was unless read succeeds.
func (c *cursor) try(read func() bool) bool {
	was := c.at
	if read() {
		return true
	}
	c.at = was
	return false
}

// number reads between least and most digits.
func (c *cursor) number(v *int, least, most int) bool {
	n, x := 0, 0
	for rest := c.rest(); n < most && n < len(rest) && isDigit(rest[n]); n++ {
		x = 10*x + int(rest[n]-'0')
	}
	if n < least {
		return false
	}
	*v, c.at = x, c.at+n
	return true
}

// one reads one of some characters.
func (c *cursor) one(of string) bool {
	if c.at < len(c.text) && strings.IndexByte(of, c.text[c.at]) >= 0 {
		c.at++
		return true
	}
	return false
}

// spaces reads at least one space.
func (c *cursor) spaces() bool {
	n := len(c.rest()) - len(strings.TrimLeft(c.rest(), " "))
	c.at += n
	return n > 0
}

// name reads a name of a month or a weekday, in full or its first three letters.
func (c *cursor) name(count int, of func(int) string) (int, bool) {
	rest := c.rest()
	for i := range count {
		for _, name := range []string{of(i), of(i)[:3]} {
			if len(rest) >= len(name) && strings.EqualFold(rest[:len(name)], name) {
				c.at += len(name)
				return i, true
			}
		}
	}
	return 0, false
}

func (c *cursor) monthName(d *day) bool {
	m, ok := c.name(12, func(i int) string { return time.Month(i + 1).String() })
	if ok {
		d.month = time.Month(m + 1)
	}
	return ok
}

func (c *cursor) weekdayName(d *day) {
	c.try(func() bool {
		_, ok := c.name(7, func(i int) string { return time.Weekday(i).String() })
		c.one(",")
		d.weekday = ok && c.spaces()
		return d.weekday
	})
}

func (c *cursor) monthNumber(d *day) bool {
	var m int
	ok := c.number(&m, 2, 2)
	d.month = time.Month(m)
	return ok
}

// isoDate reads 2024-01-31 or 2024/01/31.
func (c *cursor) isoDate(d *day) bool {
	return c.try(func() bool {
		return c.number(&d.year, 4, 4) && c.one("-/") && c.monthNumber(d) && c.one("-/") && c.number(&d.day, 2, 2)
	})
}

// compactDate reads 20240131T120000.
func (c *cursor) compactDate(d *day) bool {
	return c.try(func() bool {
		d.hasTime = c.number(&d.year, 4, 4) && c.monthNumber(d) && c.number(&d.day, 2, 2) && c.one("T") &&
			c.number(&d.hour, 2, 2) && c.number(&d.minute, 2, 2) && c.number(&d.second, 2, 2) && inDay(d)
		if d.hasTime {
			c.fraction(d)
		} else {
			d.year = -1
		}
		return d.hasTime
	})
}

// dayMonth reads 31/Jan/2024, 31 Jan 2024 or 31-Jan-24, with or without a
// weekday before it.
func (c *cursor) dayMonth(d *day) bool {
	return c.try(func() bool {
		c.weekdayName(d)
		d.year = -1
		if !c.number(&d.day, 1, 2) || !c.one("/ -") || !c.monthName(d) || !c.one("/ -") {
			return false
		}
		was := c.at
		if !c.number(&d.year, 2, 4) {
			return false
		}
		if c.at-was == 2 {
			d.year += 2000
		}
		return true
	})
}

// monthDay reads Jan 31, with or without a weekday before it.
func (c *cursor) monthDay(d *day) bool {
	return c.try(func() bool {
		c.weekdayName(d)
		d.year = -1
		return c.monthName(d) && c.spaces() && c.number(&d.day, 1, 2)
	})
}

// timeOfDay reads what parts a time from its date, and the time.
func (c *cursor) timeOfDay(d *day) bool {
	return c.try(func() bool {
		return (c.one("Tt_:") || c.one(",") && c.spaces() || c.spaces()) && c.hours(d)
	})
}

// hours reads 12:00:00 with or without a fraction.
func (c *cursor) hours(d *day) bool {
	ok := c.number(&d.hour, 2, 2) && c.one(":") && c.number(&d.minute, 2, 2) && c.one(":") && c.number(&d.second, 2, 2) && inDay(d)
	if ok {
		c.fraction(d)
	}
	return ok
}

// inDay reports whether there is such a time. A leap second is one.
func inDay(d *day) bool { return d.hour < 24 && d.minute < 60 && d.second <= 60 }

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
	return c.try(func() bool {
		c.one(" ")
		for _, utc := range []string{"UTC", "GMT", "Z", "z"} {
			if strings.HasPrefix(c.rest(), utc) && (ends(c.rest()[len(utc):])) {
				c.at += len(utc)
				return true
			}
		}
		sign := time.Duration(1)
		if strings.HasPrefix(c.rest(), "-") {
			sign = -1
		}
		var h, m int
		if !c.one("+-") || !c.number(&h, 2, 2) {
			return false
		}
		c.try(func() bool { c.one(":"); return c.number(&m, 2, 2) })
		d.offset = sign * (time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
		return h < 24 && m < 60 && ends(c.rest())
	}) || c.forget(d)
}

// forget drops what a zone that was none left behind.
func (c *cursor) forget(d *day) bool {
	d.offset = 0
	return false
}

// trailingYear reads the year at the end of "Wed Jan 31 12:00:00 CET 2024".
func (c *cursor) trailingYear(d *day) {
	c.try(func() bool {
		if !c.spaces() {
			return false
		}
		letters := 0
		for c.at < len(c.text) && 'A' <= c.text[c.at] && c.text[c.at] <= 'Z' {
			c.at++
			letters++
		}
		if letters > 0 && (letters > 5 || !c.spaces()) {
			return false
		}
		var year int
		if !c.number(&year, 4, 4) || !ends(c.rest()) {
			return false
		}
		d.year = year
		return true
	})
}
