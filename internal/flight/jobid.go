package flight

import (
	"crypto/rand"
	"encoding/hex"
)

// A job's id is a UUID of version 8 (RFC 9562, section 5.8: the layout is the
// application's own). It carries the run in its first 60 free bits and the
// job's number in the other 62:
//
//	rrrrrrrr-rrrr-8rrr-Vnnn-nnnnnnnnnnnn
//
// with V the variant, 8 to b, whose low two bits belong to the number. So a
// notification leads back to its job without a map, and nothing is added to
// what travels.
const IDLen = 36

// MaxNumber is the largest number that an id and the table of jobs can hold.
const MaxNumber = 1<<47 - 2

const hexDigits = "0123456789abcdef"

// NewID draws a run id: 15 hexadecimal digits, all that a job's id can hold of
// its run. The first is a letter: what reads "000000000012e45" out of a table or a
// file would take it for a number.
func NewID() string {
	var b [8]byte
	rand.Read(b[:])
	b[0] = (0xa+(b[0]>>4)%6)<<4 | b[0]&0xf
	return hex.EncodeToString(b[:])[:15]
}

// ParseRunID is the run id as a number.
func ParseRunID(id string) (run uint64, ok bool) {
	if len(id) != 15 {
		return 0, false
	}
	for i := range len(id) {
		d := unhex[id[i]]
		if d > 15 {
			return 0, false
		}
		run = run<<4 | uint64(d)
	}
	return run, true
}

// AppendJobID appends the id of job n of the run. It does not allocate when dst
// has room.
func AppendJobID(dst []byte, run uint64, n int64) []byte {
	hi := run>>12<<16 | 8<<12 | run&0xfff
	lo := 2<<62 | uint64(n)
	var b [IDLen]byte
	at := 0
	for i := range 16 {
		word := hi
		if i >= 8 {
			word = lo
		}
		v := byte(word >> (8 * (7 - i%8)))
		b[at], b[at+1] = hexDigits[v>>4], hexDigits[v&15]
		at += 2
		if i == 3 || i == 5 || i == 7 || i == 9 {
			b[at] = '-'
			at++
		}
	}
	return append(dst, b[:]...)
}

// NumberOf is the number of the job with the id. ok is false for what is not an id.
func NumberOf(id string) (n int64, ok bool) {
	_, n, ok = parseJobID([]byte(id))
	return n, ok
}

// AppendIDPrefix appends what the ids of a run's jobs begin with, and no other ids.
func AppendIDPrefix(dst []byte, run uint64) []byte {
	const prefix = len("01234567-89ab-8cde-")
	return append(dst, AppendJobID(nil, run, 0)[:prefix]...)
}

// unhex is the value of a lower-case hexadecimal digit, 0xff for anything else.
var unhex = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range len(hexDigits) {
		t[hexDigits[i]] = byte(i)
	}
	return t
}()

// RunOf is the run that the id of a job carries.
func RunOf(id []byte) (run uint64, ok bool) {
	run, _, ok = parseJobID(id)
	return run, ok
}

// parseJobID reads an id. ok is false when b is not an id of our layout.
func parseJobID(b []byte) (run uint64, n int64, ok bool) {
	if len(b) != IDLen || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return 0, 0, false
	}
	var words [2]uint64
	var bad byte
	at := 0
	for i := range 32 {
		switch i {
		case 8, 12, 16, 20:
			at++
		}
		d := unhex[b[at]]
		bad |= d
		words[i>>4] = words[i>>4]<<4 | uint64(d&15)
		at++
	}
	if bad > 15 || words[0]>>12&15 != 8 || words[1]>>62 != 2 {
		return 0, 0, false
	}
	return words[0]>>16<<12 | words[0]&0xfff, int64(words[1] &^ (3 << 62)), true
}
