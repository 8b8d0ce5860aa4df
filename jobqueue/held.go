package jobqueue

import "sync/atomic"

// held is what a consumer has to say again to end a job: its text or its id,
// and the queue that it is of, oldest first. It keeps the storage of what was
// taken out and fills it again, so that in a steady state nothing is allocated.
type held struct {
	slots []handle
	head  int
	n     atomic.Int64 // may be read by whoever closes the consumer
}

type handle struct {
	queue int
	text  []byte
}

// push copies the text to the end.
func (h *held) push(queue int, text []byte) {
	n := int(h.n.Load())
	if n == len(h.slots) {
		grown := make([]handle, max(16, 2*n))
		for i := range n {
			grown[i] = h.slots[(h.head+i)%n]
		}
		h.slots, h.head = grown, 0
	}
	s := &h.slots[(h.head+n)%len(h.slots)]
	s.queue, s.text = queue, append(s.text[:0], text...)
	h.n.Add(1)
}

// pop returns the oldest. Its text is valid until the next push.
func (h *held) pop() (handle, bool) {
	if h.n.Load() == 0 {
		return handle{}, false
	}
	oldest := h.slots[h.head]
	h.head = (h.head + 1) % len(h.slots)
	h.n.Add(-1)
	return oldest, true
}

// back puts the n that were taken out last back, before any other is pushed.
func (h *held) back(n int) {
	if n > 0 {
		h.head = (h.head - n + len(h.slots)) % len(h.slots)
		h.n.Add(int64(n))
	}
}
