package watch

import (
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/result"
)

// sight is what the messages have shown so far.
type sight struct {
	heard         *observe.Observer
	before        result.Updates // at the look before
	lookedAt      time.Duration
	running, work *latency.Histogram
	recently      struct{ running, work recent }
	gaps          int64
}

func newSight(form updates.Mapping) *sight {
	return &sight{heard: observe.Mapped(form), running: latency.New(), work: latency.New()}
}

// message takes in one message.
func (s *sight) message(m []byte, at time.Duration) {
	end, ended := s.heard.Hear(m, at)
	if !ended {
		return
	}
	if end.Paired {
		s.running.Record(int64(end.Running))
		s.recently.running.record(int64(end.Running), at)
	}
	if end.Work > 0 {
		s.work.Record(int64(end.Work))
		s.recently.work.record(int64(end.Work), at)
	}
}

// look is a look at what was taken in, and begins the next span.
func (s *sight) look(now time.Duration) Look {
	total := s.heard.Counts()
	l := Look{
		ElapsedS: now.Seconds(), SpanS: (now - s.lookedAt).Seconds(),
		Span: minus(total, s.before), Total: total,
		Running: timesOf(s.running), Work: timesOf(s.work),
		Alone: s.heard.Alone(), Forgotten: s.heard.Forgotten(), Gaps: s.gaps,
		NotUnderstood: s.heard.Odd(),
	}
	var since time.Duration
	l.RunningRecent, since = s.recently.running.times(now)
	l.WorkRecent, _ = s.recently.work.times(now)
	l.RecentS = (now - since).Seconds()
	s.before, s.lookedAt = total, now
	return l
}

// minus are the messages of a that came after those of b.
func minus(a, b result.Updates) result.Updates {
	return result.Updates{
		Running: a.Running - b.Running, Completed: a.Completed - b.Completed, Failed: a.Failed - b.Failed,
		Other: a.Other - b.Other, Unreadable: a.Unreadable - b.Unreadable,
	}
}
