package jobqueue

import (
	"bytes"
	"encoding/json"
	"errors"
)

// What is wrong with a message that is no JSON object.
var (
	errNoObject = errors.New("it is not a JSON object")
	errCutOff   = errors.New("it is not a whole JSON object")
	errTrailing = errors.New("something follows the JSON object")
	errQuotes   = errors.New("it is in single quotes, which are not JSON (Python: publish json.dumps(update), not str(update))")
)

// members walks through the members of a JSON object without allocating. It is
// strict about where a value begins and ends, and about nothing else: what real
// serializers write although it is not JSON (NaN, bare words, raw control characters)
// is a value like any other.
type members struct {
	rest []byte
	err  error
	key  []byte // with its quotes
	val  []byte
}

// object begins at the object that a whole message is. A byte order mark, white
// space and the final zero byte of C are no part of it.
func object(message []byte) members {
	m := bytes.TrimPrefix(message, []byte("\ufeff"))
	m = trimSpace(m)
	if len(m) == 0 || m[0] != '{' {
		return members{err: errNoObject}
	}
	return members{rest: m[1:]}
}

// next goes to the next member. It reports whether there is one.
func (m *members) next() bool {
	if m.err != nil {
		return false
	}
	b := trimSpace(m.rest)
	if len(b) > 0 && b[0] == ',' && m.key != nil {
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
	if m.key, b, ok = text(b); !ok {
		m.err = errCutOff
		return false
	}
	if b = trimSpace(b); len(b) == 0 || b[0] != ':' {
		m.err = errCutOff
		return false
	}
	if m.val, b, ok = value(trimSpace(b[1:])); !ok {
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

// end is what was wrong with the object. Only the one that is the whole message
// must have nothing behind it.
func (m *members) end() error {
	if m.err == nil && len(bytes.TrimRight(m.rest, " \t\r\n\x00")) > 0 {
		return errTrailing
	}
	return m.err
}

// is reports whether the key is this one.
func (m *members) is(name []byte, anyCase bool) bool {
	key := m.key[1 : len(m.key)-1]
	if bytes.IndexByte(key, '\\') >= 0 {
		key = unquoted(m.key)
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

// unquoted is what a JSON string says: a part of it where nothing has to be decoded.
// What cannot be decoded is left as it is.
func unquoted(token []byte) []byte {
	inner := token[1 : len(token)-1]
	if bytes.IndexByte(inner, '\\') < 0 && printable(inner) {
		return inner
	}
	var s string
	if json.Unmarshal(token, &s) != nil {
		return inner
	}
	return []byte(s)
}

// isNumber reports whether the value is a JSON number.
func isNumber(token []byte) bool {
	if len(token) == 0 || token[0] != '-' && (token[0] < '0' || token[0] > '9') {
		return false
	}
	return json.Valid(token)
}
