package resp_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/examples/wirecheck/resp"
)

// strs is texts as they read, "nil" for what is no string.
func strs(texts [][]byte) []string {
	var out []string
	for _, t := range texts {
		if t == nil {
			out = append(out, "nil")
		} else {
			out = append(out, string(t))
		}
	}
	return out
}

// frames is one frame of each kind, and the texts in it.
func frames() map[string][]string {
	return map[string][]string{
		"*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n$4\r\na\r\nb\r\n":  {"LPUSH", "q", "a\r\nb"},
		"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n":      {"message", "c", ""},
		">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n{}\r\n":    {"message", "c", "{}"},
		"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n":        {"subscribe", "c", "nil"},
		"*2\r\n*1\r\n$1\r\nx\r\n+OK\r\n":                    {"nil", "OK"},
		"*2\r\n$-1\r\n_\r\n":                                {"nil", "nil"},
		"*-1\r\n":                                           nil,
		"*0\r\n":                                            nil,
		"+OK\r\n":                                           nil,
		"-ERR no such command\r\n":                          nil,
		":-12\r\n":                                          nil,
		"$11\r\nhello\r\nhell\r\n":                          nil,
		"%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n":             nil,
		"|1\r\n+ttl\r\n:3\r\n*1\r\n+x\r\n":                  nil,
		"~1\r\n#t\r\n":                                      nil,
		"=7\r\ntxt:abc\r\n":                                 nil,
		",1.5\r\n":                                          nil,
		"*2\r\n|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n$1\r\ny\r\n":  {"nil", "y"},
		"*1\r\n%1\r\n+key\r\n*2\r\n(123\r\n!5\r\nERR x\r\n": {"nil"},
		"*4\r\n$5\r\nBRPOP\r\n$1\r\nq\r\n$1\r\n1\r\n#f\r\n": {"BRPOP", "q", "1", "nil"},
		"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$3\r\n\"é\r\n":   {"PUBLISH", "c", "\"é"},
		"*2\r\n$8\r\nGETRANGE\r\n$10\r\n*3\r\n$5\r\nLP\r\n": {"GETRANGE", "*3\r\n$5\r\nLP"},
	}
}

func TestEveryFrameIsReadWholeAndNoFurther(t *testing.T) {
	t.Parallel()
	for frame, want := range frames() {
		for _, behind := range []string{"", "+OK\r\n", "junk"} {
			texts, n, err := resp.Next([]byte(frame + behind))
			if err != nil || n != len(frame) || !slices.Equal(strs(texts), want) {
				t.Errorf("Next(%q + %q) = %q, %d, %v, want %q, %d", frame, behind, strs(texts), n, err, want, len(frame))
			}
		}
	}
}

func TestTheBeginningOfAFrameIsShortAndNotWrong(t *testing.T) {
	t.Parallel()
	for frame := range frames() {
		for n := range len(frame) {
			if _, _, err := resp.Next([]byte(frame[:n])); !errors.Is(err, resp.ErrShort) {
				t.Errorf("Next(%q) = %v, want ErrShort", frame[:n], err)
			}
		}
	}
}

func TestWhatIsNoFrameIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"PING\r\n", "x", "\r\n", "*1\n", "$3\r\nabcd\r\n", "$x\r\n", "*-2\r\n", "$99999999999\r\n", "$?\r\n",
		strings.Repeat("*1\r\n", 100) + "+x\r\n",
	} {
		if _, _, err := resp.Next([]byte(text)); !errors.Is(err, resp.ErrSyntax) {
			t.Errorf("Next(%q) = %v, want ErrSyntax", text, err)
		}
	}
}

// A frame never reaches beyond its bytes, its texts lie in it, and more bytes
// behind it do not change it.
func FuzzNext(f *testing.F) {
	for frame := range frames() {
		f.Add([]byte(frame))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		texts, n, err := resp.Next(b)
		if err != nil {
			if !errors.Is(err, resp.ErrShort) && !errors.Is(err, resp.ErrSyntax) {
				t.Fatalf("Next() = %v, which is neither error", err)
			}
			return
		}
		if n < 3 || n > len(b) {
			t.Fatalf("a frame of %d bytes in %d", n, len(b))
		}
		again, m, err := resp.Next(append(slices.Clone(b[:n]), "$5\r\n"...))
		if err != nil || m != n || !slices.Equal(strs(again), strs(texts)) {
			t.Fatalf("read alone: %q, %d, %v; want %q, %d", strs(again), m, err, strs(texts), n)
		}
	})
}
