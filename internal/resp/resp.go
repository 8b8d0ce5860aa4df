// Package resp reads the replies of the Redis protocol, versions 2 and 3, and writes
// its commands, without allocating. Begin reading at [Reader] and [AppendCommand].
package resp

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Reader parses replies of the Redis protocol, versions 2 and 3, out of one
// growing buffer. What it returns is valid until its next call. It allocates
// only to grow the buffer.
type Reader struct {
	Src  io.Reader
	buf  []byte
	r, w int // unread bytes are buf[r:w]
	// from is the beginning of a frame that must stay in the buffer until it
	// has been read to its end, when held is set.
	from int
	held bool
	// Wrap, if not nil, makes the error of an error reply.
	Wrap func(*ReplyError) error
}

// Hold keeps what is read from here on, so that rewind can go back to it.
func (rd *Reader) Hold() { rd.from, rd.held = rd.r, true }

// Rewind goes back to hold: the frame that was begun will be read again.
func (rd *Reader) Rewind() { rd.r, rd.held = rd.from, false }

// Again moves hold, if there is one, to what comes next.
func (rd *Reader) Again() {
	if rd.held {
		rd.from = rd.r
	}
}

// Release ends hold.
func (rd *Reader) Release() { rd.held = false }

// maxBulk is Redis's own limit for one value.
const maxBulk = 512 << 20

// ReplyError is an error that the server sent as its answer, such as
// "OOM command not allowed when used memory > 'maxmemory'".
type ReplyError struct{ Text string }

func (e *ReplyError) Error() string { return e.Text }

// AnswerError is an answer that no Redis gives.
type AnswerError struct{ text string }

func (e *AnswerError) Error() string { return e.text }

func ProtocolError(format string, args ...any) error {
	return &AnswerError{fmt.Sprintf("unexpected answer: "+format+"; is this a Redis?", args...)}
}

// Peek is the first byte of the next reply. There must be one; see await.
func (rd *Reader) Peek() byte { return rd.buf[rd.r] }

// buffered reports whether bytes that were already received wait to be parsed.
func (rd *Reader) buffered() bool { return rd.r < rd.w }

// Await waits until there are bytes to parse.
func (rd *Reader) Await() error {
	if rd.buffered() {
		return nil
	}
	return rd.fill()
}

// fill reads more bytes behind those that are there.
func (rd *Reader) fill() error {
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
	n, err := rd.Src.Read(rd.buf[rd.w:])
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
func (rd *Reader) line() ([]byte, error) {
	from := rd.r
	for {
		for i := from; i < rd.w; i++ {
			if rd.buf[i] == '\n' {
				line := rd.buf[rd.r:i]
				rd.r = i + 1
				if n := len(line); n > 0 && line[n-1] == '\r' {
					return line[:n-1], nil
				}
				return nil, ProtocolError("a line that ends without CR")
			}
		}
		scanned := rd.w - rd.r
		if scanned > 64<<10 {
			return nil, ProtocolError("a line of more than 64 kB")
		}
		if err := rd.fill(); err != nil {
			return nil, err
		}
		from = rd.r + scanned
	}
}

// Head returns the kind of the next reply and the rest of its first line. An
// error reply comes back as *[ReplyError].
func (rd *Reader) Head() (kind byte, rest []byte, err error) {
	line, err := rd.line()
	if err != nil {
		return 0, nil, err
	}
	if len(line) == 0 {
		return 0, nil, ProtocolError("an empty line")
	}
	switch line[0] {
	case '-':
		return '-', nil, rd.refusal(line[1:])
	case '!': // an error of several lines, in version 3
		text, err := rd.text(line[1:])
		if err != nil {
			return 0, nil, err
		}
		return '!', nil, rd.refusal(text)
	}
	return line[0], line[1:], nil
}

// refusal is an error reply.
func (rd *Reader) refusal(text []byte) error {
	e := &ReplyError{Text: WithoutArguments(string(text))}
	if rd.Wrap != nil {
		return rd.Wrap(e)
	}
	return e
}

// Integer reads a reply that is a whole number.
func (rd *Reader) Integer() (int64, error) {
	kind, rest, err := rd.Head()
	if err != nil {
		return 0, err
	}
	if kind != ':' {
		return 0, ProtocolError("%q where a number was due", kind)
	}
	return parseInt(rest)
}

// Array reads the head of an array and returns how many elements follow, -1 for
// a null. Of version 3 it also takes a set, a push, and a map, which is twice as
// many elements as it has keys.
func (rd *Reader) Array() (int, error) {
	kind, rest, err := rd.Head()
	if err != nil {
		return 0, err
	}
	if kind == '_' {
		return -1, null(rest)
	}
	n, err := parseInt(rest)
	switch {
	case err != nil:
		return 0, err
	case kind == '*' && n >= -1 && n <= 1<<20:
		return int(n), nil
	case (kind == '>' || kind == '~') && n >= 0 && n <= 1<<20:
		return int(n), nil
	case kind == '%' && n >= 0 && n <= 1<<19:
		return int(2 * n), nil
	case kind == '$' && n == -1: // some servers answer a null this way
		return -1, nil
	}
	return 0, ProtocolError("%q where a list was due", kind)
}

// Pairs reads the head of a list of pairs, each a list of two, or in version 3
// of a map, in which they are flat. It returns how many pairs follow, -1 for a
// null.
func (rd *Reader) Pairs() (n int, flat bool, err error) {
	if err := rd.Await(); err != nil {
		return 0, false, err
	}
	flat = rd.buf[rd.r] == '%'
	n, err = rd.Array()
	if flat {
		n /= 2
	}
	return n, flat, err
}

// Bulk reads a text; nil is a null.
func (rd *Reader) Bulk() ([]byte, error) {
	kind, rest, err := rd.Head()
	switch {
	case err != nil:
		return nil, err
	case kind == '_':
		return nil, null(rest)
	case kind == '*':
		if n, err := parseInt(rest); err != nil || n != -1 {
			return nil, ProtocolError("%q where a text was due", kind)
		}
		return nil, nil
	case kind == '$' && string(rest) == "-1":
		return nil, nil
	case kind == '$':
		return rd.text(rest)
	case kind == '=': // with its form in front, such as txt:
		b, err := rd.text(rest)
		if err == nil && (len(b) < 4 || b[3] != ':') {
			err = ProtocolError("a text without its form")
		}
		if err != nil {
			return nil, err
		}
		return b[4:], nil
	}
	return nil, ProtocolError("%q where a text was due", kind)
}

// text reads so many bytes and the end of the line.
func (rd *Reader) text(length []byte) ([]byte, error) {
	n, err := parseInt(length)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxBulk {
		return nil, ProtocolError("a text of %d bytes", n)
	}
	need := int(n) + 2
	for rd.w-rd.r < need {
		if err := rd.fill(); err != nil {
			return nil, err
		}
	}
	b := rd.buf[rd.r : rd.r+int(n) : rd.r+int(n)]
	if rd.buf[rd.r+int(n)] != '\r' || rd.buf[rd.r+int(n)+1] != '\n' {
		return nil, ProtocolError("a text longer than it says")
	}
	rd.r += need
	return b, nil
}

// null checks that nothing stands behind the sign of a null of version 3.
func null(rest []byte) error {
	if len(rest) > 0 {
		return ProtocolError("%.20q behind a null", rest)
	}
	return nil
}

func parseInt(b []byte) (int64, error) {
	neg := len(b) > 0 && b[0] == '-'
	digits := b
	if neg {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, ProtocolError("%.20q where a number was due", b)
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, ProtocolError("%.20q where a number was due", b)
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, nil
}

// AppendHead appends the head of a command of n words.
func AppendHead(dst []byte, n int) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '\r', '\n')
}

// AppendWord appends one word of a command.
func AppendWord[T string | []byte](dst []byte, word T) []byte {
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(len(word)), 10)
	dst = append(dst, '\r', '\n')
	dst = append(dst, word...)
	return append(dst, '\r', '\n')
}

// AppendCommand appends a whole command.
func AppendCommand(dst []byte, words ...string) []byte {
	dst = AppendHead(dst, len(words))
	for _, w := range words {
		dst = AppendWord(dst, w)
	}
	return dst
}

// IsReply reports whether err is the server's answer and not a broken
// connection: after it the connection is still in step.
func IsReply(err error) bool {
	var reply *ReplyError
	return errors.As(err, &reply)
}

// OutOfMemory reports whether the server refused a command because of its limit of
// memory: it would take more, and the server may evict nothing.
func OutOfMemory(err error) bool {
	var reply *ReplyError
	if !errors.As(err, &reply) {
		return false
	}
	// Of a transaction, EXEC names the reason.
	return strings.HasPrefix(reply.Text, "OOM ") || strings.HasPrefix(reply.Text, "EXECABORT ") && strings.Contains(reply.Text, "OOM ")
}

// WithoutArguments cuts the arguments that a server quotes when it does not know
// a command: those of AUTH and HELLO hold the password. What a quoted argument
// holds is not known, so the rest of its line goes.
func WithoutArguments(said string) string {
	const quote = ", with args beginning with:"
	if !strings.Contains(said, quote) {
		return said
	}
	lines := strings.Split(said, "\n")
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, quote)
	}
	return strings.Join(lines, "\n")
}

// AppendNumber appends one word of a command that is a number.
func AppendNumber(out []byte, n int64) []byte {
	var digits [20]byte
	return AppendWord(out, strconv.AppendInt(digits[:0], n, 10))
}
