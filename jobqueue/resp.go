package jobqueue

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// reader parses replies of the Redis protocol, versions 2 and 3, out of one
// growing buffer. What it returns is valid until its next call. It allocates
// only to grow the buffer.
type reader struct {
	src  io.Reader
	buf  []byte
	r, w int // unread bytes are buf[r:w]
	// from is the beginning of a frame that must stay in the buffer until it
	// has been read to its end, when held is set.
	from int
	held bool
	// wrap, if not nil, makes the error of an error reply.
	wrap func(*ReplyError) error
}

// hold keeps what is read from here on, so that rewind can go back to it.
func (rd *reader) hold() { rd.from, rd.held = rd.r, true }

// rewind goes back to hold: the frame that was begun will be read again.
func (rd *reader) rewind() { rd.r, rd.held = rd.from, false }

// again moves hold, if there is one, to what comes next.
func (rd *reader) again() {
	if rd.held {
		rd.from = rd.r
	}
}

// release ends hold.
func (rd *reader) release() { rd.held = false }

// maxBulk is Redis's own limit for one value.
const maxBulk = 512 << 20

// ReplyError is an error that the server sent as its answer, such as
// "OOM command not allowed when used memory > 'maxmemory'".
type ReplyError struct{ Text string }

func (e *ReplyError) Error() string { return e.Text }

// answerError is an answer that no Redis gives.
type answerError struct{ text string }

func (e *answerError) Error() string { return e.text }

func protocolError(format string, args ...any) error {
	return &answerError{fmt.Sprintf("unexpected answer: "+format+"; is this a Redis?", args...)}
}

// peek is the first byte of the next reply. There must be one; see await.
func (rd *reader) peek() byte { return rd.buf[rd.r] }

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
func (rd *reader) refusal(text []byte) error {
	e := &ReplyError{Text: withoutArguments(string(text))}
	if rd.wrap != nil {
		return rd.wrap(e)
	}
	return e
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
// a null. Of version 3 it also takes a set, a push, and a map, which is twice as
// many elements as it has keys.
func (rd *reader) array() (int, error) {
	kind, rest, err := rd.head()
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
	return 0, protocolError("%q where a list was due", kind)
}

// pairs reads the head of a list of pairs, each a list of two, or in version 3
// of a map, in which they are flat. It returns how many pairs follow, -1 for a
// null.
func (rd *reader) pairs() (n int, flat bool, err error) {
	if err := rd.await(); err != nil {
		return 0, false, err
	}
	flat = rd.buf[rd.r] == '%'
	n, err = rd.array()
	if flat {
		n /= 2
	}
	return n, flat, err
}

// bulk reads a text; nil is a null.
func (rd *reader) bulk() ([]byte, error) {
	kind, rest, err := rd.head()
	switch {
	case err != nil:
		return nil, err
	case kind == '_':
		return nil, null(rest)
	case kind == '*':
		if n, err := parseInt(rest); err != nil || n != -1 {
			return nil, protocolError("%q where a text was due", kind)
		}
		return nil, nil
	case kind == '$' && string(rest) == "-1":
		return nil, nil
	case kind == '$':
		return rd.text(rest)
	case kind == '=': // with its form in front, such as txt:
		b, err := rd.text(rest)
		if err == nil && (len(b) < 4 || b[3] != ':') {
			err = protocolError("a text without its form")
		}
		if err != nil {
			return nil, err
		}
		return b[4:], nil
	}
	return nil, protocolError("%q where a text was due", kind)
}

// text reads so many bytes and the end of the line.
func (rd *reader) text(length []byte) ([]byte, error) {
	n, err := parseInt(length)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxBulk {
		return nil, protocolError("a text of %d bytes", n)
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

// null checks that nothing stands behind the sign of a null of version 3.
func null(rest []byte) error {
	if len(rest) > 0 {
		return protocolError("%.20q behind a null", rest)
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

// withoutArguments cuts the arguments that a server quotes when it does not know
// a command: those of AUTH and HELLO hold the password. What a quoted argument
// holds is not known, so the rest of its line goes.
func withoutArguments(said string) string {
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

// appendNumber appends one word of a command that is a number.
func appendNumber(out []byte, n int64) []byte {
	var digits [20]byte
	return appendWord(out, strconv.AppendInt(digits[:0], n, 10))
}
