package scenario

import (
	"bytes"
	"strings"
)

// tenant is whose jobs a load's jobs are.
const tenant = "t1"

// format is how a job looks in the list: its id alone, or JSON with a payload.
type format struct {
	run        uint64
	size       int // bytes of one job
	head, tail []byte
}

func newFormat(run uint64, payload int) format {
	f := format{run: run, size: idLen}
	if payload > 0 {
		f.head = []byte(`{"jobId":"`)
		f.tail = []byte(`","tenantId":"` + tenant + `","payload":"` + filler(payload) + `"}`)
		f.size = len(f.head) + idLen + len(f.tail)
	}
	return f
}

// filler is n bytes of text that does not compress to nothing.
func filler(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var b strings.Builder
	b.Grow(n)
	state := uint64(0x9e3779b97f4a7c15)
	for range n {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		b.WriteByte(letters[state>>58])
	}
	return b.String()
}

// append appends job n.
func (f *format) append(dst []byte, n int64) []byte {
	dst = append(dst, f.head...)
	dst = appendJobID(dst, f.run, n)
	return append(dst, f.tail...)
}

// origin says whose an element or an id is.
type origin int

const (
	ours    origin = iota
	foreign        // somebody else's
	corrupt        // bears our mark and is damaged
)

// read finds a job in an element of the list.
func (f *format) read(element []byte) (id []byte, n int64, o origin) {
	id = element
	if f.head != nil {
		rest, ok := bytes.CutPrefix(element, f.head)
		if !ok || len(rest) < idLen {
			return nil, 0, foreign
		}
		id = rest[:idLen]
		if len(element) != f.size || element[len(element)-1] != '}' {
			if _, o := f.identify(id); o == ours {
				return nil, 0, corrupt
			}
			return nil, 0, foreign
		}
	}
	n, o = f.identify(id)
	return id, n, o
}

// identify finds a job's number in its id.
func (f *format) identify(id []byte) (n int64, o origin) {
	run, n, ok := parseJobID(id)
	switch {
	case !ok || run != f.run:
		return 0, foreign
	case n > maxNumber:
		return 0, corrupt
	}
	return n, ours
}
