package rowscan

import (
	"bytes"
	"strconv"
)

// scanner is a place in JSON. Once something is not as expected it has failed, and stays so.
type scanner struct {
	b      []byte
	at     int
	failed bool
	words  []string // of the row before, at their places: they are the same in most rows
}

func (s *scanner) space() {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// expect goes past a character.
func (s *scanner) expect(c byte) {
	s.space()
	if s.at >= len(s.b) || s.b[s.at] != c {
		s.failed = true
		return
	}
	s.at++
}

// open goes past the bracket that begins an array or an object.
func (s *scanner) open(c byte) { s.expect(c) }

// next goes to the next element and reports whether there is one; otherwise it goes past
// the bracket.
func (s *scanner) next(end byte, first bool) bool {
	s.space()
	switch {
	case s.failed:
	case s.at >= len(s.b):
		s.failed = true
	case s.b[s.at] == end:
		s.at++
	case first:
		return true
	default:
		s.expect(',')
		return !s.failed
	}
	return false
}

// once fails for a member that is not known, and for one that was there before.
func (s *scanner) once(seen *uint, bit uint) {
	if bit == 0 || *seen&bit != 0 {
		s.failed = true
	}
	*seen |= bit
}

// key reads a key and goes past its colon.
func (s *scanner) key() []byte {
	k := s.text()
	s.expect(':')
	return k
}

// text reads a string without escapes and line ends.
func (s *scanner) text() []byte {
	s.expect('"')
	if s.failed {
		return nil
	}
	n := bytes.IndexByte(s.b[s.at:], '"')
	if n < 0 {
		s.failed = true
		return nil
	}
	t := s.b[s.at : s.at+n]
	s.at += n + 1
	if bytes.IndexByte(t, '\\') >= 0 || bytes.IndexByte(t, '\n') >= 0 || bytes.IndexByte(t, '\r') >= 0 {
		s.failed = true
	}
	return t
}

// word reads a string of letters that the row before most likely had at the same place.
func (s *scanner) word(place int) string {
	t := s.text()
	if place < len(s.words) && s.words[place] == string(t) {
		return s.words[place]
	}
	for _, c := range t {
		if c < ' ' || c > '~' {
			s.failed = true
		}
	}
	for len(s.words) <= place {
		s.words = append(s.words, "")
	}
	if !s.failed {
		s.words[place] = string(t)
	}
	return s.words[place]
}

// null goes past null if that is what follows.
func (s *scanner) null() bool {
	s.space()
	if bytes.HasPrefix(s.b[s.at:], []byte("null")) {
		s.at += len("null")
		return true
	}
	return false
}

// number reads a whole number or null.
func (s *scanner) number() Number {
	if s.null() {
		return Number{}
	}
	return Number{s.whole(), true}
}

// digits goes past digits and reports how many there are.
func (s *scanner) digits() int {
	from := s.at
	for s.at < len(s.b) && s.b[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at - from
}

// whole reads a whole number of at most 18 digits.
func (s *scanner) whole() int64 {
	s.space()
	from := s.at
	s.integer()
	if s.failed || s.at-from > 18 || s.at < len(s.b) && (s.b[s.at] == '.' || s.b[s.at]|' ' == 'e') {
		s.failed = true
		return 0
	}
	sign, n := int64(1), int64(0)
	for _, c := range s.b[from:s.at] {
		if c == '-' {
			sign = -1
		} else {
			n = n*10 + int64(c-'0')
		}
	}
	return sign * n
}

// integer goes past the part of a number before the point.
func (s *scanner) integer() {
	if s.at < len(s.b) && s.b[s.at] == '-' {
		s.at++
	}
	zero := s.at < len(s.b) && s.b[s.at] == '0'
	if n := s.digits(); n == 0 || zero && n > 1 {
		s.failed = true
	}
}

// decimal reads a number.
func (s *scanner) decimal() float64 {
	s.space()
	from := s.at
	s.integer()
	if s.at < len(s.b) && s.b[s.at] == '.' {
		s.at++
		s.failed = s.digits() == 0 || s.failed
	}
	if s.at < len(s.b) && s.b[s.at]|' ' == 'e' {
		s.at++
		if s.at < len(s.b) && (s.b[s.at] == '+' || s.b[s.at] == '-') {
			s.at++
		}
		s.failed = s.digits() == 0 || s.failed
	}
	v, err := strconv.ParseFloat(string(s.b[from:s.at]), 64)
	s.failed = s.failed || err != nil
	return v
}
