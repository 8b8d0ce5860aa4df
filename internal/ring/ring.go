// Package ring is a first-in-first-out queue in one slice that grows.
package ring

import "sync"

// Ring is such a queue; its zero value is empty. It keeps what was taken out in its
// place until the place is used again, so that a caller can fill the storage of an
// old element anew. It is not safe for concurrent use.
type Ring[T any] struct {
	slots []T // a power of two of them
	head  int
	n     int
}

// least is how many places the first allocation makes.
const least = 16

// Len is how many elements are in it.
func (r *Ring[T]) Len() int { return r.n }

// At is element i, the oldest being 0. It must be there.
func (r *Ring[T]) At(i int) *T { return &r.slots[(r.head+i)&(len(r.slots)-1)] }

// Next adds an element and returns its place, which holds whatever was in it last.
func (r *Ring[T]) Next() *T {
	if r.n == len(r.slots) {
		grown := make([]T, max(least, 2*len(r.slots)))
		for i := range r.n {
			grown[i] = *r.At(i)
		}
		r.slots, r.head = grown, 0
	}
	r.n++
	return r.At(r.n - 1)
}

// Push adds an element at the end.
func (r *Ring[T]) Push(v T) { *r.Next() = v }

// Pop takes out the oldest element. ok is false when the ring is empty.
func (r *Ring[T]) Pop() (v T, ok bool) {
	if r.n == 0 {
		return v, false
	}
	v = *r.At(0)
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.n--
	return v, true
}

// Unpop puts the n elements that were taken out last back, before anything else is
// added.
func (r *Ring[T]) Unpop(n int) {
	if n > 0 {
		r.head = (r.head - n) & (len(r.slots) - 1)
		r.n += n
	}
}

// Shared is a [Ring] for concurrent use; its zero value is empty.
type Shared[T any] struct {
	mu  sync.Mutex
	all Ring[T]
}

// Len is how many elements are in it.
func (s *Shared[T]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Len()
}

// Push adds an element at the end.
func (s *Shared[T]) Push(v T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Push(v)
}

// Pop takes out the oldest element. ok is false when the ring is empty.
func (s *Shared[T]) Pop() (v T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Pop()
}

// Drop takes out everything, and returns it without the last few elements.
func (s *Shared[T]) Drop(last int) (dropped []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.all.Len() > last {
		v, _ := s.all.Pop()
		dropped = append(dropped, v)
	}
	s.all.Clear()
	return dropped
}

// Clear takes out everything.
func (r *Ring[T]) Clear() { r.head, r.n = 0, 0 }
