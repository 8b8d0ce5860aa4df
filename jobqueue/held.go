package jobqueue

import (
	"sync/atomic"

	"github.com/queuedyno/queuedyno/internal/ring"
)

// held is what a consumer has to say again to end a job: its text or its id,
// and the queue that it is of, oldest first. It keeps the storage of what was
// taken out and fills it again, so that in a steady state nothing is allocated.
type held struct {
	all ring.Ring[handle]
	n   atomic.Int64 // their number, for the goroutine that closes the consumer
}

type handle struct {
	queue int
	text  []byte
}

// push copies the text to the end.
func (h *held) push(queue int, text []byte) {
	s := h.all.Next()
	s.queue, s.text = queue, append(s.text[:0], text...)
	h.n.Add(1)
}

// pop returns the oldest. Its text is valid until the next push.
func (h *held) pop() (handle, bool) {
	oldest, ok := h.all.Pop()
	if ok {
		h.n.Add(-1)
	}
	return oldest, ok
}

// back puts the n that were taken out last back, before any other is pushed.
func (h *held) back(n int) {
	h.all.Unpop(n)
	h.n.Add(int64(n))
}
