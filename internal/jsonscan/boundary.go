package jsonscan

import "bytes"

// Boundary finds where an object ends that comes in pieces.
type Boundary struct {
	depth           int
	quoted, escaped bool
}

// Begun is inside of an object whose brace was read.
func Begun() Boundary { return Boundary{depth: 1} }

// Inside reports whether the end of the object is still to come.
func (s *Boundary) Inside() bool { return s.depth > 0 }

// Take goes on with the next bytes and returns how many of them belong to the object. It
// calls fn, if that is not nil, for each bracket that begins or ends an array of the object
// itself, with the depth in it or after it.
func (s *Boundary) Take(b []byte, fn func(depth, at int)) int {
	for i := 0; i < len(b); i++ {
		if s.quoted {
			switch {
			case s.escaped:
				s.escaped = false
			case b[i] == '\\':
				s.escaped = true
			case b[i] == '"':
				s.quoted = false
			default:
				// On to the next byte that matters in a string.
				n := bytes.IndexByte(b[i:], '"')
				if n < 0 {
					n = len(b) - i
				}
				if m := bytes.IndexByte(b[i:i+n], '\\'); m >= 0 {
					n = m
				}
				i += n - 1
			}
			continue
		}
		switch b[i] {
		case '"':
			s.quoted = true
		case '[':
			if s.depth++; s.depth == 2 && fn != nil {
				fn(s.depth, i)
			}
		case ']':
			if s.depth--; s.depth == 1 && fn != nil {
				fn(s.depth, i)
			}
		case '{':
			s.depth++
		case '}':
			if s.depth--; s.depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}
