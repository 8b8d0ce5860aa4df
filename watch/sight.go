package watch

import (
	"container/list"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/latency"
)

const (
	// mostBegun bounds the jobs that are remembered from RUNNING to their end:
	// some 20 MB with ids as long as a UUID.
	mostBegun = 100_000
	// longestID bounds the ids that are remembered.
	longestID = 256
)

// sight is what the messages have told so far.
type sight struct {
	total, before Counts // now, and at the look before
	lookedAt      time.Duration
	running, work *latency.Histogram
	begun         begun
	alone, gaps   int64
}

func newSight() *sight {
	return &sight{running: latency.New(), work: latency.New(), begun: newBegun(mostBegun)}
}

// message takes in one message.
func (s *sight) message(m []byte, at time.Duration) {
	u, err := jobqueue.ViewUpdate(m)
	if err != nil {
		s.total.Unreadable++
		return
	}
	switch u.Status {
	case jobqueue.Running:
		s.total.Running++
		s.begun.begin(u.JobID, at)
		return
	case jobqueue.Completed:
		s.total.Completed++
	case jobqueue.Failed:
		s.total.Failed++
	default:
		s.total.Other++
		return
	}
	if from, known := s.begun.end(u.JobID); known {
		s.running.Record(int64(at - from))
	} else {
		s.alone++
	}
	if u.Work > 0 {
		s.work.Record(int64(u.Work))
	}
}

// look is a look at what was taken in, and begins the next span.
func (s *sight) look(now time.Duration) Look {
	l := Look{
		ElapsedS: now.Seconds(), SpanS: (now - s.lookedAt).Seconds(),
		Span: s.total.minus(s.before), Total: s.total,
		Running: timesOf(s.running), Work: timesOf(s.work),
		Alone: s.alone, Forgotten: s.begun.forgotten, Gaps: s.gaps,
	}
	s.before, s.lookedAt = s.total, now
	return l
}

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
