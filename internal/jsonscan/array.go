package jsonscan

import (
	"bytes"
	"errors"
)

var errNoArray = errors.New("it is not a JSON array")

// Elements walks through the elements of an array.
type Elements struct {
	rest []byte
	err  error
	any  bool
	// Value is the current element.
	Value []byte
}

// Array walks through the array that a whole message is, as [Object] does through an
// object.
func Array(message []byte) Elements {
	m := trimSpace(bytes.TrimPrefix(message, []byte("\ufeff")))
	if len(m) == 0 || m[0] != '[' {
		return Elements{err: errNoArray}
	}
	return Elements{rest: m[1:]}
}

// IsArray reports whether a message begins as an array does.
func IsArray(message []byte) bool {
	m := trimSpace(bytes.TrimPrefix(message, []byte("\ufeff")))
	return len(m) > 0 && m[0] == '['
}

// Next goes to the next element and reports whether there is one.
func (e *Elements) Next() bool {
	if e.err != nil {
		return false
	}
	b := trimSpace(e.rest)
	if len(b) > 0 && b[0] == ',' && e.any {
		b = trimSpace(b[1:])
	}
	if len(b) > 0 && b[0] == ']' {
		e.rest = b[1:]
		return false
	}
	var ok bool
	if e.Value, b, ok = value(b); !ok {
		e.err = errCutOff
		return false
	}
	// Another element needs a comma before it, and the end its bracket.
	if b = trimSpace(b); len(b) == 0 || b[0] != ',' && b[0] != ']' {
		e.err = errCutOff
		return false
	}
	e.rest, e.any = b, true
	return true
}

// End is what was wrong with the array that is the whole message: nothing may follow
// it.
func (e *Elements) End() error {
	if e.err == nil && len(bytes.TrimRight(e.rest, " \t\r\n\x00")) > 0 {
		return errTrailing
	}
	return e.err
}
