package idmatch

// add makes an entry for a key.
func (s *shard) add(k key) int32 {
	i := s.free
	if i == none {
		i = int32(len(s.entries))
		s.entries = append(s.entries, entry{})
	} else {
		s.free = s.entries[i].next
	}
	s.entries[i] = entry{key: k, prev: none, next: none, first: none, last: none}
	s.at[k] = i
	return i
}

// remove gives an entry back that is in no list and has no hearings.
func (s *shard) remove(i int32) {
	delete(s.at, s.entries[i].key)
	s.entries[i].next = s.free
	s.free = i
}

// link appends an entry to a list.
func (s *shard) link(l *list, i int32) {
	s.entries[i].prev, s.entries[i].next = l.tail, none
	if l.tail == none {
		l.head = i
	} else {
		s.entries[l.tail].next = i
	}
	l.tail = i
	l.n++
}

// unlink takes an entry out of a list.
func (s *shard) unlink(l *list, i int32) {
	e := &s.entries[i]
	if e.prev == none {
		l.head = e.next
	} else {
		s.entries[e.prev].next = e.next
	}
	if e.next == none {
		l.tail = e.prev
	} else {
		s.entries[e.next].prev = e.prev
	}
	e.prev, e.next = none, none
	l.n--
}

// keep stores a hearing until the answer comes.
func (s *shard) keep(i int32, h Hearing) {
	n := s.freeH
	if n == none {
		n = int32(len(s.hearings))
		s.hearings = append(s.hearings, stored{})
	} else {
		s.freeH = s.hearings[n].next
	}
	s.hearings[n] = stored{h, none}
	e := &s.entries[i]
	if e.last == none {
		e.first = n
	} else {
		s.hearings[e.last].next = n
	}
	e.last = n
	s.kept++
}

// take appends the hearings of an entry to dst and removes them.
func (s *shard) take(i int32, dst []Hearing) []Hearing {
	e := &s.entries[i]
	for n := e.first; n != none; n = s.hearings[n].next {
		dst = append(dst, s.hearings[n].Hearing)
	}
	s.drop(i)
	return dst
}

// drop removes the hearings of an entry.
func (s *shard) drop(i int32) {
	e := &s.entries[i]
	for n := e.first; n != none; {
		next := s.hearings[n].next
		s.hearings[n].next = s.freeH
		s.freeH = n
		s.kept--
		n = next
	}
	e.first, e.last = none, none
}

// evict forgets the id that has waited longest.
func (s *shard) evict() {
	i := s.waiting.head
	s.unlink(&s.waiting, i)
	s.drop(i)
	s.remove(i)
	s.counts.Evicted++
}
