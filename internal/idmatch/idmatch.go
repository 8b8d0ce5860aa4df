// Package idmatch brings together the number of a job with what is heard about its id,
// where the ids are not ours: the answer of the user's API names the id, and the
// notification may come before that answer or after it. Begin reading at [Matcher].
package idmatch

import (
	"hash/maphash"
	"sync"
)

// Hearing is one time that an id was heard.
type Hearing struct {
	// At is when, on any clock of the caller's.
	At int64
	// By is any number of the caller's, e.g. who heard it and which status.
	By int64
}

// Matcher matches jobs and hearings by id. Each hearing of an id is given to the
// caller exactly once with the job: by [Matcher.Heard] if the id was answered before,
// else by [Matcher.Answered]. Several goroutines may use a Matcher at once. No call
// allocates memory, except to grow.
//
// Its memory is bounded by the jobs in flight plus Options.Unmatched. An id is its
// 128-bit hash, with seeds that are random in each process.
type Matcher struct {
	seeds  [2]maphash.Seed
	shards [shards]shard
}

const shards = 64

// Options are those of a Matcher.
type Options struct {
	// Unmatched is at most how many hearings wait for an answer, and how many jobs
	// that are done are remembered. They are divided evenly among 64 shards. Zero
	// means 1<<18.
	Unmatched int
}

// Counts is what a Matcher has seen.
type Counts struct {
	Answered  int64 // ids of answers, without the duplicates
	Duplicate int64 // answers with an id that another answer had before
	Heard     int64 // hearings
	Repeated  int64 // hearings of an id after its first
	Early     int64 // hearings that came before the answer
	// Waiting are the ids that were heard and not answered for yet, and Evicted those
	// for which there was no more space. When all answers are there, both are foreign.
	Waiting, Evicted int64
	// InFlight are the ids that were answered for and are not done.
	InFlight int64
}

// key is the hash of an id.
type key [2]uint64

// shard is a part of the ids, with a lock for itself.
type shard struct {
	mu       sync.Mutex
	at       map[key]int32 // indexes of entries
	entries  []entry
	free     int32 // the first unused entry, linked by next
	hearings []stored
	freeH    int32
	waiting  list // entries in the state waiting, the oldest first
	done     list
	kept     int // hearings that wait
	most     int
	doneMost int
	counts   Counts
	_        [64]byte // no cache line is shared between shards
}

// entry is what is known of an id.
type entry struct {
	key         key
	job         int64
	state       state
	prev, next  int32 // in the list of its state
	first, last int32 // hearings that wait
	heard       bool
}

type state uint8

const (
	waiting  state = iota + 1 // heard, not answered for
	inFlight                  // answered for
	done                      // the caller needs it no longer
)

type stored struct {
	Hearing
	next int32
}

// none ends a list.
const none = -1

type list struct {
	head, tail int32
	n          int
}

// New makes a Matcher.
func New(o Options) *Matcher {
	if o.Unmatched <= 0 {
		o.Unmatched = 1 << 18
	}
	m := &Matcher{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	most := (o.Unmatched + shards - 1) / shards
	for i := range m.shards {
		m.shards[i] = shard{at: map[key]int32{}, free: none, freeH: none, waiting: list{none, none, 0}, done: list{none, none, 0}, most: most, doneMost: most}
	}
	return m
}

func (m *Matcher) find(id []byte) (*shard, key) {
	k := key{maphash.Bytes(m.seeds[0], id), maphash.Bytes(m.seeds[1], id)}
	return &m.shards[k[0]%shards], k
}

// Answered says that the answer to a job named this id. It appends the hearings that
// came before to early, in the order in which they came. It reports false, and changes
// nothing, if another answer had the same id.
func (m *Matcher) Answered(id []byte, job int64, early []Hearing) ([]Hearing, bool) {
	s, k := m.find(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, known := s.at[k]
	if !known {
		i = s.add(k)
	} else if s.entries[i].state != waiting {
		s.counts.Duplicate++
		return early, false
	} else {
		s.unlink(&s.waiting, i)
		early = s.take(i, early)
	}
	e := &s.entries[i]
	e.state, e.job = inFlight, job
	s.counts.Answered++
	s.counts.InFlight++
	return early, true
}

// Heard says that this id was heard. It reports the job, or false if no answer had this
// id so far; then the hearing waits for it.
func (m *Matcher) Heard(id []byte, h Hearing) (job int64, answered bool) {
	s, k := m.find(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Heard++
	i, known := s.at[k]
	if !known {
		i = s.add(k)
		s.entries[i].state = waiting
		s.link(&s.waiting, i)
	}
	e := &s.entries[i]
	if e.heard {
		s.counts.Repeated++
	}
	e.heard = true
	if e.state != waiting {
		return e.job, true
	}
	s.counts.Early++
	s.keep(i, h)
	for s.kept > s.most {
		s.evict()
	}
	return 0, false
}

// Job is the job of this id, false if no answer had it.
func (m *Matcher) Job(id []byte) (int64, bool) {
	s, k := m.find(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, known := s.at[k]
	if !known || s.entries[i].state == waiting {
		return 0, false
	}
	return s.entries[i].job, true
}

// Done says that the caller is through with the job of this id. Later hearings still
// find the job, until there is no more space.
func (m *Matcher) Done(id []byte) {
	s, k := m.find(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, known := s.at[k]
	if !known || s.entries[i].state != inFlight {
		return
	}
	s.entries[i].state = done
	s.counts.InFlight--
	s.link(&s.done, i)
	if s.done.n > s.doneMost {
		oldest := s.done.head
		s.unlink(&s.done, oldest)
		s.remove(oldest)
	}
}

// Counts is what the Matcher has seen so far.
func (m *Matcher) Counts() Counts {
	var all Counts
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		c := s.counts
		c.Waiting = int64(s.waiting.n)
		s.mu.Unlock()
		all.Answered += c.Answered
		all.Duplicate += c.Duplicate
		all.Heard += c.Heard
		all.Repeated += c.Repeated
		all.Early += c.Early
		all.Waiting += c.Waiting
		all.Evicted += c.Evicted
		all.InFlight += c.InFlight
	}
	return all
}
