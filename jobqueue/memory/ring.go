package memory

import "github.com/queuedyno/queuedyno/internal/ring"

// texts are a first-in-first-out buffer of texts. The storage of texts that were
// taken is filled again, so that in a steady state nothing is allocated.
type texts struct{ ring.Ring[[]byte] }

// push copies b to the end.
func (t *texts) push(b []byte) {
	place := t.Next()
	*place = append((*place)[:0], b...)
}

// pop returns the oldest. It is valid until the next push.
func (t *texts) pop() []byte {
	b, _ := t.Pop()
	return b
}
