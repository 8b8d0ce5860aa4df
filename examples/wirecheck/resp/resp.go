// Package resp reads what travels between a Redis client and its server, in
// both directions: commands and answers of versions 2 and 3 of the protocol.
//
// It shares no code with queuedyno, which it is here to check. It refuses
// inline commands and streamed strings, which no client library sends. Begin
// reading at [Next].
package resp

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

var (
	// ErrShort is returned by [Next] when the bytes end inside a frame.
	ErrShort = errors.New("ends inside a frame")
	// ErrSyntax is wrapped by the errors of [Next] about bytes that are no
	// frame and cannot become one.
	ErrSyntax = errors.New("not a frame of the Redis protocol")
)

// maxDepth is how deep frames may lie in each other; no answer of Redis comes
// near it.
const maxDepth = 32

// Next reads the frame that b begins with. texts are the strings directly in an
// array or a push, as slices of b, with nil for elements that are no strings;
// they are nil for any other frame. n is the frame's length in bytes.
func Next(b []byte) (texts [][]byte, n int, err error) {
	list := len(b) > 0 && (b[0] == '*' || b[0] == '>')
	_, n, err = value(b, 0, 0, func(text []byte) {
		if list {
			texts = append(texts, text)
		}
	})
	if err != nil {
		return nil, 0, err
	}
	return texts, n, nil
}

// value reads the value at b[at:] and returns where it ends, and its text when
// it is a string. element is called with the text of each value directly in it.
func value(b []byte, at, depth int, element func(text []byte)) (text []byte, end int, err error) {
	if depth > maxDepth {
		return nil, 0, fmt.Errorf("%w: %d lists in each other", ErrSyntax, depth)
	}
	line, end, err := head(b, at)
	if err != nil {
		return nil, 0, err
	}
	switch kind := b[at]; kind {
	case '+':
		return line, end, nil
	case '-', ':', '_', '#', ',', '(':
		return nil, end, nil
	case '$', '!', '=':
		return bulk(b, line, end)
	case '*', '>', '~', '%', '|':
		size, err := length(line)
		if err != nil {
			return nil, 0, err
		}
		if kind == '%' || kind == '|' {
			size *= 2
		}
		if kind == '|' {
			size++ // attributes come before the value that they are about
		}
		for range size {
			var text []byte
			if text, end, err = value(b, end, depth+1, nil); err != nil {
				return nil, 0, err
			}
			if element != nil {
				element(text)
			}
		}
		return nil, end, nil
	default:
		return nil, 0, fmt.Errorf("%w: it begins with %q", ErrSyntax, kind)
	}
}

// head reads the first line of the value at b[at:], without its type, and
// returns where the next line begins.
func head(b []byte, at int) (line []byte, end int, err error) {
	if at >= len(b) {
		return nil, 0, ErrShort
	}
	i := bytes.IndexByte(b[at:], '\n')
	if i < 0 {
		// Bytes that begin no value do not become one when more come.
		if bytes.IndexByte([]byte("+-:_#,($!=*>~%|"), b[at]) < 0 {
			return nil, 0, fmt.Errorf("%w: it begins with %q", ErrSyntax, b[at])
		}
		return nil, 0, ErrShort
	}
	if i < 2 || b[at+i-1] != '\r' {
		return nil, 0, fmt.Errorf("%w: a line without its end", ErrSyntax)
	}
	return b[at+1 : at+i-1], at + i + 1, nil
}

func bulk(b, line []byte, at int) (text []byte, end int, err error) {
	if string(line) == "-1" {
		return nil, at, nil
	}
	size, err := length(line)
	if err != nil {
		return nil, 0, err
	}
	end = at + size + 2
	if end > len(b) {
		return nil, 0, ErrShort
	}
	if b[end-2] != '\r' || b[end-1] != '\n' {
		return nil, 0, fmt.Errorf("%w: a string that is longer than it says", ErrSyntax)
	}
	return b[at : end-2], end, nil
}

// length reads a length; that of a list that is null counts as 0. 512 MiB is
// Redis's own limit for one value.
func length(line []byte) (int, error) {
	if string(line) == "-1" {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(line), 10, 31)
	if err != nil || n > 512<<20 {
		return 0, fmt.Errorf("%w: a length of %.20q", ErrSyntax, line)
	}
	return int(n), nil
}
