package jobqueue

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/internal/ring"
)

// What a consumer holds, and the sizes of pushes on their way, come out in the
// order in which they went in, however they grow and wrap around.
func TestHeldAndSizesAreFirstInFirstOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var (
			h     held
			s     ring.Shared[int]
			model []string
		)
		for _, job := range rapid.SliceOfN(rapid.StringN(0, 5, 5), 0, 200).Draw(t, "jobs") {
			h.push(len(job), []byte(job))
			s.Push(len(job))
			model = append(model, job)
			for range rapid.IntRange(0, 2).Draw(t, "taken out") {
				got, ok := h.pop()
				size, okSize := s.Pop()
				if len(model) == 0 {
					if ok || okSize {
						t.Fatalf("popped %q and %d of nothing", got.text, size)
					}
					continue
				}
				want := model[0]
				model = model[1:]
				if !ok || !okSize || string(got.text) != want || got.queue != len(want) || size != len(want) {
					t.Fatalf("popped %q of %d and %d, want %q", got.text, got.queue, size, want)
				}
			}
			if int(h.n.Load()) != len(model) {
				t.Fatalf("holds %d, want %d", h.n.Load(), len(model))
			}
		}
	})
}

// FuzzStrategies: whatever a server answers, no design panics or makes up a job.
func FuzzStrategies(f *testing.F) {
	for _, s := range []string{
		"*2\r\n$1\r\nk\r\n$3\r\njob\r\n*1\r\n$3\r\ntwo\r\n", "*-1\r\n*-1\r\n", "$3\r\njob\r\n$-1\r\n",
		"*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$3\r\njob\r\n$1\r\na\r\n",
		"*3\r\n$3\r\n0-0\r\n*2\r\n*-1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\na\r\n*1\r\n$3\r\n2-0\r\n",
		"*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*-1\r\n", "-OOM no\r\n", "*1048576\r\n",
	} {
		for kind := range uint8(5) {
			f.Add([]byte(s), kind)
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, kind uint8) {
		client := &Client{lanes: lanes{queues: []string{"k", "l"}}, claims: make([]claim, 2), popsMany: true}
		c := &consumer{w: &redisconn.Wire{In: resp.Reader{Src: bytes.NewReader(stream)}}, client: client, queues: []int{0, 1}}
		strategies := []strategy{
			&listStrategy{c: c, rest: -1, max: 2, block: true},
			&listStrategy{c: c, rest: -1, max: 2, block: true, all: true},
			&reliableStrategy{c: c, max: 2},
			&streamStrategy{c: c},
			&streamStrategy{c: c, claim: true},
		}
		if bytes.Contains(stream, []byte("NOGROUP")) || bytes.Contains(stream, []byte("UNBLOCKED")) {
			return // would ask the server
		}
		_, _ = strategies[int(kind)%len(strategies)].answer()
		for _, job := range c.jobs {
			if !bytes.Contains(stream, job) {
				t.Errorf("took %q, which is not in the stream", job)
			}
		}
	})
}
