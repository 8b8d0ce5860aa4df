// Package thin keeps a bounded part of a series that has no bound. Begin reading at [Series].
package thin

// Series keeps all values that were added, or every k-th when there are many. It is not safe
// for concurrent use.
type Series[T any] struct {
	// Kept are the values in the order in which they were added.
	Kept []T
	// Every is how many values each of Kept represents.
	Every int64
	seen  int64
}

// New returns a series that keeps at most so many values, an even number. It has room for
// all of them, so that Add does not allocate.
func New[T any](most int) Series[T] { return Series[T]{Kept: make([]T, 0, most), Every: 1} }

// Add adds a value.
func (s *Series[T]) Add(v T) {
	if s.seen++; s.seen%s.Every != 0 {
		return
	}
	if len(s.Kept) == cap(s.Kept) {
		for i := range len(s.Kept) / 2 {
			s.Kept[i] = s.Kept[2*i+1]
		}
		s.Kept, s.Every = s.Kept[:len(s.Kept)/2], 2*s.Every
		if s.seen%s.Every != 0 {
			return
		}
	}
	s.Kept = append(s.Kept, v)
}
