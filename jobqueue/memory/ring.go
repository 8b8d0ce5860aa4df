package memory

// ring is a growing first-in-first-out buffer of texts. It keeps the storage of
// texts that were taken and fills it again, so that in a steady state nothing
// is allocated.
type ring struct {
	slots [][]byte
	head  int // the oldest
	n     int
}

func (r *ring) at(i int) []byte { return r.slots[(r.head+i)%len(r.slots)] }

// push copies b to the end.
func (r *ring) push(b []byte) {
	if r.n == len(r.slots) {
		grown := make([][]byte, max(64, 2*len(r.slots)))
		for i := range r.n {
			grown[i] = r.at(i)
		}
		r.slots, r.head = grown, 0
	}
	i := (r.head + r.n) % len(r.slots)
	r.slots[i] = append(r.slots[i][:0], b...)
	r.n++
}

// pop returns the oldest. It is valid until the next push.
func (r *ring) pop() []byte {
	b := r.slots[r.head]
	r.head = (r.head + 1) % len(r.slots)
	r.n--
	return b
}
