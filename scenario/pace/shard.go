package pace

import "fmt"

// Shard is the part of a load that one of several generators sends. The groups of jobs
// that are pushed together are dealt out in turn: shard I of N has the groups
// I, I+N, I+2N, … The zero value is the whole load.
//
// A shard numbers its jobs 0, 1, 2, … without a gap. Number and Place translate between
// that and the job's number in the whole load. It is a plain comparable value.
type Shard struct {
	Index int // from 0
	Of    int // number of shards; 0 means the whole load
}

// Whole reports whether it is the zero value: a load that is not dealt out.
func (s Shard) Whole() bool { return s.Of == 0 }

// String is the shard as I/N: "0/1" for the whole load.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, max(1, s.Of)) }

// Number is the number in the whole load of the shard's job n, with groups of batch jobs.
// It takes a few nanoseconds and does not allocate.
func (s Shard) Number(n int64, batch int) int64 {
	if s.Whole() {
		return n
	}
	b := int64(max(1, batch))
	return (n/b*int64(s.Of)+int64(s.Index))*b + n%b
}

// Place is the shard's own number of job n of the whole load. ok is false for a job of
// another shard.
func (s Shard) Place(n int64, batch int) (own int64, ok bool) {
	if s.Whole() {
		return n, true
	}
	b, of := int64(max(1, batch)), int64(s.Of)
	group := n / b
	return group/of*b + n%b, group%of == int64(s.Index)
}

// Count is how many of the first n jobs of the whole load are the shard's.
func (s Shard) Count(n int64, batch int) int64 {
	if s.Whole() {
		return n
	}
	b, of, index := int64(max(1, batch)), int64(s.Of), int64(s.Index)
	groups := n / b
	count := (groups + of - 1 - index) / of * b
	if groups%of == index {
		count += n % b
	}
	return count
}

// After is the shard of the groups that follow the first n jobs of the whole load, which
// are whole groups, when those groups are counted from 0.
func (s Shard) After(n int64, batch int) Shard {
	if s.Whole() {
		return s
	}
	of := int64(s.Of)
	s.Index = int(((int64(s.Index)-n/int64(max(1, batch)))%of + of) % of)
	return s
}
