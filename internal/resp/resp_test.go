package resp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRepliesAreReadHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	stream := ":42\r\n*2\r\n$3\r\nkey\r\n$5\r\nhello\r\n*-1\r\n$-1\r\n$0\r\n\r\n-OOM no\r\n:-7\r\n$100000\r\n" + long + "\r\n"
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "halves": iotest.HalfReader,
		"with data and error together": iotest.DataErrReader,
	} {
		rd := Reader{Src: wrap(strings.NewReader(stream))}
		check := func(what string, ok bool) {
			t.Helper()
			if !ok {
				t.Errorf("%s: %s was read wrong", name, what)
			}
		}
		n, err := rd.Integer()
		check("42", n == 42 && err == nil)
		k, err := rd.Array()
		check("*2", k == 2 && err == nil)
		b, err := rd.Bulk()
		check("key", string(b) == "key" && err == nil)
		b, err = rd.Bulk()
		check("hello", string(b) == "hello" && err == nil)
		k, err = rd.Array()
		check("null list", k == -1 && err == nil)
		b, err = rd.Bulk()
		check("null", b == nil && err == nil)
		b, err = rd.Bulk()
		check("empty text", b != nil && len(b) == 0 && err == nil)
		_, err = rd.Integer()
		var reply *ReplyError
		check("error", errors.As(err, &reply) && reply.Text == "OOM no")
		n, err = rd.Integer()
		check("-7", n == -7 && err == nil)
		b, err = rd.Bulk()
		check("long text", string(b) == long && err == nil)
		_, err = rd.Integer()
		check("end", errors.Is(err, io.EOF))
	}
}

func TestVersion3IsReadHoweverItArrives(t *testing.T) {
	t.Parallel()
	stream := ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n=8\r\ntxt:body\r\n_\r\n_\r\n%2\r\n~1\r\n!8\r\nERR a\r\nb\r\n:1\r\n_x\r\n"
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
	} {
		rd := Reader{Src: wrap(strings.NewReader(stream))}
		check := func(what string, ok bool) {
			t.Helper()
			if !ok {
				t.Errorf("%s: %s was read wrong", name, what)
			}
		}
		n, err := rd.Array()
		check("push", n == 3 && err == nil)
		b, err := rd.Bulk()
		check("message", string(b) == "message" && err == nil)
		b, err = rd.Bulk()
		check("channel", string(b) == "c" && err == nil)
		b, err = rd.Bulk()
		check("text with its form", string(b) == "body" && err == nil)
		n, err = rd.Array()
		check("null list", n == -1 && err == nil)
		b, err = rd.Bulk()
		check("null text", b == nil && err == nil)
		n, err = rd.Array()
		check("map", n == 4 && err == nil)
		n, err = rd.Array()
		check("set", n == 1 && err == nil)
		_, err = rd.Integer()
		var reply *ReplyError
		check("long error", errors.As(err, &reply) && reply.Text == "ERR a\r\nb")
		i, err := rd.Integer()
		check("what follows it", i == 1 && err == nil)
		_, err = rd.Bulk()
		check("a null with more in its line", err != nil)
	}
}

// FuzzReader: no stream makes the reader panic, hang or hold much more than it
// was given, and what it accepts it could have been sent.
func FuzzReader(f *testing.F) {
	for _, s := range []string{":1\r\n", "$3\r\nabc\r\n", "*1\r\n$1\r\na\r\n", "-ERR x\r\n", "$-1\r\n", "*-1\r\n", "$999999999999\r\n", ":\r\n", "\r\n", "$3\r\nabcd\r\n",
		"_\r\n", ">1\r\n$1\r\na\r\n", "%1\r\n", "~2\r\n", "!3\r\nERR\r\n", "=5\r\ntxt:a\r\n", "=3\r\nabc\r\n", "_x\r\n"} {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s), uint8(2))
	}
	f.Fuzz(func(t *testing.T, stream []byte, kind uint8) {
		rd := Reader{Src: bytes.NewReader(stream)}
		for range len(stream) + 1 {
			var err error
			switch kind % 3 {
			case 0:
				_, err = rd.Integer()
			case 1:
				_, err = rd.Array()
			default:
				var b []byte
				if b, err = rd.Bulk(); err == nil && b != nil && !bytes.Contains(stream, AppendWord(nil, b)[1:]) && !bytes.Contains(stream, b) {
					t.Errorf("read %q, which is not in the stream", b)
				}
			}
			if err != nil && !IsReply(err) {
				return
			}
		}
		t.Error("the reader never came to the end")
	})
}

func TestCommandsAreWrittenAsRedisReadsThem(t *testing.T) {
	t.Parallel()
	got := string(AppendCommand(nil, "LPUSH", "k", ""))
	if want := "*3\r\n$5\r\nLPUSH\r\n$1\r\nk\r\n$0\r\n\r\n"; got != want {
		t.Errorf("appendCommand = %q, want %q", got, want)
	}
}
