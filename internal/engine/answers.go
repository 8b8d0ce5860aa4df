package engine

import (
	"errors"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// answers reads the answers to the pushes until the connection is closed and no
// other one comes.
func (p *producer) answers() error {
	pipe := p.pipe
	for {
		err := pipe.Await()
		lost := errors.Is(err, jobqueue.ErrLost)
		refused, full := lost && resp.IsReply(err), p.r.faults.full(err)
		switch {
		case err == nil || full:
			at := p.r.now()
			g, ok := p.pending.Pop()
			if !ok {
				return errors.New("an answer to a push that was not sent")
			}
			p.answered(g, at, err)
		case lost:
			p.lost(err, !refused && p.pending.Len() == 0)
			if refused {
				if g, ok := p.pending.Pop(); ok {
					p.gone(g, ledger.Refused)
				}
			}
		case !errors.Is(err, jobqueue.ErrClosed):
			return err
		}
		if p.draining.Load() {
			if (err == nil || refused || full) && p.pending.Len() > 0 {
				continue // the answers to the others say what became of them
			}
			p.draining.Store(false)
		}
		if err == nil || full {
			continue
		}
		// The pushes that are under way will have no answer.
		if p.finished.Load() {
			p.unanswered(0)
		}
		p.parked.Store(true)
		next, more := <-p.fresh
		p.parked.Store(false)
		if !more {
			return nil
		}
		pipe = next
	}
}

// answered notes the answer to the push of a group. It is false for an error after which
// the connection is not good any more. A full server is no such error.
func (p *producer) answered(g pace.Group, at int64, err error) bool {
	switch {
	case err == nil:
		p.acked(g, at)
	case p.r.faults.full(err):
		p.streak.Answered()
		p.r.problem("push", err)
		p.gone(g, ledger.Refused)
	default:
		return false
	}
	return true
}

// gone closes the jobs of a group that surely are lost.
func (p *producer) gone(g pace.Group, as ledger.Counter) {
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		if b, j := p.r.flight.Find(n); j != nil {
			p.r.surelyLost(b, j, n, p.tally, as)
		}
	}
}

// unanswered notes that the pushes under way will have no answer, except the last
// unwritten ones, which were not written. The goroutine that reads the answers calls it,
// or another one while that waits for a connection.
func (p *producer) unanswered(unwritten int) {
	for _, g := range p.pending.Drop(unwritten) {
		p.unknown(g)
	}
}

// unknown notes that the push of a group will have no answer: whether its jobs are in the
// queue is not known until they are seen again.
func (p *producer) unknown(g pace.Group) {
	p.settled(g, flight.Absent, ledger.Unknown, flight.PushUnknown)
}

// acked notes that the push of a group was answered.
func (p *producer) acked(g pace.Group, at int64) {
	p.streak.Answered()
	p.settled(g, at, ledger.Acked, flight.Acked)
}

// settled notes when the push of a group was answered, or that it will not be.
func (p *producer) settled(g pace.Group, at int64, as ledger.Counter, mark uint64) {
	p.tally.Add(as, int64(g.Jobs))
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		b, j := p.r.flight.Find(n)
		if j == nil {
			continue
		}
		j.Stamp[flight.AckedAt] = at
		p.accepted(b, j, n, mark)
	}
}

// accepted marks a job whose push was answered, or will not be, and closes it if that was
// the last that was missing.
func (p *producer) accepted(b *flight.Block, j *flight.Job, n int64, mark uint64) {
	marks, _, here := j.Mark(n, mark)
	switch {
	case !here:
	case marks&flight.Unheard != 0:
		p.r.surelyLost(b, j, n, p.tally, ledger.Unheard)
	case marks&flight.Unsaved != 0:
		p.r.surelyLost(b, j, n, p.tally, ledger.Unsaved)
	default:
		p.r.finish(b, j, n, marks, p.shard)
	}
}
