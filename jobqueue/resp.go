package jobqueue

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// reader parses replies of the Redis protocol, version 2, out of one growing
// buffer. What it returns is valid until its next call. It allocates only to
// grow the buffer.
type reader struct {
	src  io.Reader
	buf  []byte
	r, w int // unread bytes are buf[r:w]
	// from is the beginning of a frame that must stay in the buffer until it
	// has been read to its end, when held is set.
	from int
	held bool
}

// hold keeps what is read from here on, so that rewind can go back to it.
func (rd *reader) hold() { rd.from, rd.held = rd.r, true }

// rewind goes back to hold: the frame that was begun will be read again.
func (rd *reader) rewind() { rd.r, rd.held = rd.from, false }

// release ends hold.
func (rd *reader) release() { rd.held = false }

// maxBulk is Redis's own limit for one value.
const maxBulk = 512 << 20

// ReplyError is an error that the server sent as its answer, such as
// "OOM command not allowed when used memory > 'maxmemory'".
type ReplyError struct{ Text string }

func (e *ReplyError) Error() string { return e.Text }

// protocolError is an answer that no Redis gives.
func protocolError(format string, args ...any) error {
	return fmt.Errorf("unexpected answer: "+format+"; is this a Redis?", args...)
}

// buffered reports whether bytes that were already received wait to be parsed.
func (rd *reader) buffered() bool { return rd.r < rd.w }

// await waits until there are bytes to parse.
func (rd *reader) await() error {
	if rd.buffered() {
		return nil
	}
	return rd.fill()
}

// fill reads more bytes behind those that are there.
func (rd *reader) fill() error {
	base := rd.r
	if rd.held {
		base = rd.from
	}
	if base == rd.w {
		rd.r, rd.w, rd.from = 0, 0, 0
	} else if rd.w == len(rd.buf) && base > 0 {
		rd.w = copy(rd.buf, rd.buf[base:rd.w])
		rd.r -= base
		rd.from = 0
	}
	if rd.w == len(rd.buf) {
		grown := make([]byte, max(16<<10, 2*len(rd.buf)))
		copy(grown, rd.buf[:rd.w])
		rd.buf = grown
	}
	n, err := rd.src.Read(rd.buf[rd.w:])
	rd.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// line returns the next line without its end.
func (rd *reader) line() ([]byte, error) {
	from := rd.r
	for {
		for i := from; i < rd.w; i++ {
			if rd.buf[i] == '\n' {
				line := rd.buf[rd.r:i]
				rd.r = i + 1
				if n := len(line); n > 0 && line[n-1] == '\r' {
					return line[:n-1], nil
				}
				return nil, protocolError("a line that ends without CR")
			}
		}
		scanned := rd.w - rd.r
		if scanned > 64<<10 {
			return nil, protocolError("a line of more than 64 kB")
		}
		if err := rd.fill(); err != nil {
			return nil, err
		}
		from = rd.r + scanned
	}
}

// head returns the kind of the next reply and the rest of its first line. An
// error reply comes back as *[ReplyError].
func (rd *reader) head() (kind byte, rest []byte, err error) {
	line, err := rd.line()
	if err != nil {
		return 0, nil, err
	}
	if len(line) == 0 {
		return 0, nil, protocolError("an empty line")
	}
	if line[0] == '-' {
		return '-', nil, &ReplyError{Text: string(line[1:])}
	}
	return line[0], line[1:], nil
}

// integer reads a reply that is a whole number.
func (rd *reader) integer() (int64, error) {
	kind, rest, err := rd.head()
	if err != nil {
		return 0, err
	}
	if kind != ':' {
		return 0, protocolError("%q where a number was due", kind)
	}
	return parseInt(rest)
}

// array reads the head of an array and returns how many elements follow, -1 for
// a null.
func (rd *reader) array() (int, error) {
	kind, rest, err := rd.head()
	if err != nil {
		return 0, err
	}
	n, err := parseInt(rest)
	switch {
	case err != nil:
		return 0, err
	case kind == '*' && n >= -1 && n <= 1<<20:
		return int(n), nil
	case kind == '$' && n == -1: // some servers answer a null this way
		return -1, nil
	}
	return 0, protocolError("%q where a list was due", kind)
}

// bulk reads a text; nil is a null.
func (rd *reader) bulk() ([]byte, error) {
	kind, rest, err := rd.head()
	if err != nil {
		return nil, err
	}
	n, err := parseInt(rest)
	switch {
	case err != nil:
		return nil, err
	case n == -1 && (kind == '$' || kind == '*'):
		return nil, nil
	case kind != '$' || n < 0 || n > maxBulk:
		return nil, protocolError("%q where a text was due", kind)
	}
	need := int(n) + 2
	for rd.w-rd.r < need {
		if err := rd.fill(); err != nil {
			return nil, err
		}
	}
	b := rd.buf[rd.r : rd.r+int(n) : rd.r+int(n)]
	if rd.buf[rd.r+int(n)] != '\r' || rd.buf[rd.r+int(n)+1] != '\n' {
		return nil, protocolError("a text longer than it says")
	}
	rd.r += need
	return b, nil
}

func parseInt(b []byte) (int64, error) {
	neg := len(b) > 0 && b[0] == '-'
	digits := b
	if neg {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, protocolError("%.20q where a number was due", b)
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, protocolError("%.20q where a number was due", b)
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, nil
}

// appendHead appends the head of a command of n words.
func appendHead(dst []byte, n int) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '\r', '\n')
}

// appendWord appends one word of a command.
func appendWord[T string | []byte](dst []byte, word T) []byte {
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(len(word)), 10)
	dst = append(dst, '\r', '\n')
	dst = append(dst, word...)
	return append(dst, '\r', '\n')
}

// appendCommand appends a whole command.
func appendCommand(dst []byte, words ...string) []byte {
	dst = appendHead(dst, len(words))
	for _, w := range words {
		dst = appendWord(dst, w)
	}
	return dst
}

// isReply reports whether err is the server's answer and not a broken
// connection: after it the connection is still in step.
func isReply(err error) bool {
	var reply *ReplyError
	return errors.As(err, &reply)
}
