package observe

import (
	"container/list"
	"time"
)

const (
	// maxBegun bounds the jobs that are remembered from RUNNING to their end:
	// some 20 MB with ids as long as a UUID.
	maxBegun = 100_000
	// longestID bounds the ids that are remembered.
	longestID = 256
)

// begun are the jobs that are being worked on, at most so many: the oldest makes
// room for the newest.
type begun struct {
	most      int
	jobs      map[string]*list.Element // of order
	order     *list.List               // of beginnings, the oldest first
	forgotten int64
}

type beginning struct {
	id string
	at time.Duration
}

func newBegun(most int) begun {
	return begun{most: most, jobs: map[string]*list.Element{}, order: list.New()}
}

// begin remembers a job. One that begins again counts from then on.
func (b *begun) begin(id []byte, at time.Duration) {
	if len(id) > longestID {
		b.forgotten++
		return
	}
	b.end(id)
	if b.order.Len() == b.most {
		oldest := b.order.Remove(b.order.Front()).(beginning)
		delete(b.jobs, oldest.id)
		b.forgotten++
	}
	one := beginning{string(id), at}
	b.jobs[one.id] = b.order.PushBack(one)
}

// end forgets a job and returns when it began.
func (b *begun) end(id []byte) (at time.Duration, known bool) {
	e := b.jobs[string(id)]
	if e == nil {
		return 0, false
	}
	one := b.order.Remove(e).(beginning)
	delete(b.jobs, one.id)
	return one.at, true
}
