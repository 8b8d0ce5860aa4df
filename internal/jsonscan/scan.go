// Package jsonscan walks through a JSON object without allocating. It is strict about
// where a value begins and ends and about nothing else, because it reads what real
// serializers write. Begin reading at [Object].
package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
)

// What is wrong with a message that is no JSON object.
var (
	errNoObject = errors.New("it is not a JSON object")
	errCutOff   = errors.New("it is not a whole JSON object")
	errTrailing = errors.New("something follows the JSON object")
	errQuotes   = errors.New("it is in single quotes, which are not JSON (Python: publish json.dumps(update), not str(update))")
)

// Members walks through the members of an object. What is not JSON but is written in
// practice (NaN, bare words, raw control characters) is a value like any other.
type Members struct {
	rest []byte
	err  error
	// Key is that of the current member, with its quotes, and Value its value.
	Key, Value []byte
}

// Object walks through the object that a whole message is. A byte order mark, white
// space and the final zero byte of C are not part of it.
func Object(message []byte) Members {
	m := bytes.TrimPrefix(message, []byte("\ufeff"))
	m = trimSpace(m)
	if len(m) == 0 || m[0] != '{' {
		return Members{err: errNoObject}
	}
	return Members{rest: m[1:]}
}

// Inner walks through the current value, which is an object.
func (m *Members) Inner() Members { return Members{rest: m.Value[1:]} }

// Fail ends the walk with an error, if there is one.
func (m *Members) Fail(err error) { m.err = err }

// Err is what was wrong so far.
func (m *Members) Err() error { return m.err }

// Next goes to the next member and reports whether there is one.
func (m *Members) Next() bool {
	if m.err != nil {
		return false
	}
	b := trimSpace(m.rest)
	if len(b) > 0 && b[0] == ',' && m.Key != nil {
		b = trimSpace(b[1:])
	}
	if len(b) > 0 && b[0] == '}' {
		m.rest = b[1:]
		return false
	}
	if len(b) > 0 && b[0] == '\'' {
		m.err = errQuotes
		return false
	}
	var ok bool
	if m.Key, b, ok = text(b); !ok {
		m.err = errCutOff
		return false
	}
	if b = trimSpace(b); len(b) == 0 || b[0] != ':' {
		m.err = errCutOff
		return false
	}
	if m.Value, b, ok = value(trimSpace(b[1:])); !ok {
		m.err = errCutOff
		return false
	}
	// Another member needs a comma before it, and the end its brace.
	if b = trimSpace(b); len(b) == 0 || b[0] != ',' && b[0] != '}' {
		m.err = errCutOff
		return false
	}
	m.rest = b
	return true
}

// End is what was wrong with the object that is the whole message: nothing may
// follow it.
func (m *Members) End() error {
	if m.err == nil && len(bytes.TrimRight(m.rest, " \t\r\n\x00")) > 0 {
		return errTrailing
	}
	return m.err
}

// Is reports whether the key is this one.
func (m *Members) Is(name []byte, anyCase bool) bool {
	key := m.Key[1 : len(m.Key)-1]
	if bytes.IndexByte(key, '\\') >= 0 {
		key = Unquoted(m.Key)
	}
	return bytes.Equal(key, name) || anyCase && bytes.EqualFold(key, name)
}

// trimSpace cuts white space off the beginning.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\r' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// text cuts a JSON string off, with its quotes.
func text(b []byte) (token, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	for i := 1; i < len(b); {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		end := i + n
		escapes := 0
		for b[end-1-escapes] == '\\' { // the opening quote ends this at the latest
			escapes++
		}
		if escapes%2 == 0 {
			return b[:end+1], b[end+1:], true
		}
		i = end + 1
	}
	return nil, nil, false
}

// value cuts any value off.
func value(b []byte) (token, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	switch b[0] {
	case '"':
		return text(b)
	case '{', '[':
		return nested(b)
	}
	n := 0
	for n < len(b) && !delimits(b[n]) {
		n++
	}
	return b[:n], b[n:], n > 0
}

// delimits reports whether a value that is neither text nor nested ends here.
func delimits(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ':', '"', '{', '}', '[', ']':
		return true
	}
	return false
}

// nested cuts an object or an array off.
func nested(b []byte) (token, rest []byte, ok bool) {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return b[:i+1], b[i+1:], true
			}
		case '"':
			s, _, whole := text(b[i:])
			if !whole {
				return nil, nil, false
			}
			i += len(s) - 1
		}
	}
	return nil, nil, false
}

// Unquoted is what a JSON string says: a part of it where nothing has to be decoded.
// What cannot be decoded is left as it is.
func Unquoted(token []byte) []byte {
	inner := token[1 : len(token)-1]
	if bytes.IndexByte(inner, '\\') < 0 && Plain(inner) {
		return inner
	}
	var s string
	if json.Unmarshal(token, &s) != nil {
		return inner
	}
	return []byte(s)
}

// IsNumber reports whether the value is a JSON number.
func IsNumber(token []byte) bool {
	if len(token) == 0 || token[0] != '-' && (token[0] < '0' || token[0] > '9') {
		return false
	}
	return json.Valid(token)
}

// IsID reports whether a value can be an id: a text that is not empty, or a number.
func IsID(token []byte) bool { return token[0] == '"' && len(token) > 2 || IsNumber(token) }

// IsStatus reports whether a value can be a status: an id can, and so can a boolean.
func IsStatus(token []byte) bool {
	return IsID(token) || string(token) == "true" || string(token) == "false"
}

// Contents is a text without its quotes, and any other value as it is written.
func Contents(token []byte) []byte {
	if len(token) > 0 && token[0] == '"' {
		return Unquoted(token)
	}
	return token
}

// Plain reports whether b is printable ASCII, which needs no decoding.
func Plain(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}

// AppendText appends s as a JSON string.
func AppendText[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(string(s))
			if err != nil {
				panic(err) // a string always has a JSON form
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// Nanoseconds reads a JSON number; any other value, or one out of range, is 0. Workers
// in other languages may write a fraction.
func Nanoseconds(text []byte) time.Duration {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return time.Duration(max(n, 0))
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(v > 0 && v < math.MaxInt64) {
		return 0
	}
	return time.Duration(v)
}
