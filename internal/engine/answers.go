package engine

import (
	"errors"
	"sync"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/ring"
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
		refused := lost && refusal(err)
		switch {
		case err == nil:
			at := p.r.now()
			g, ok := p.pending.take()
			if !ok {
				return errors.New("an answer to a push that was not sent")
			}
			p.acked(g, at)
		case lost:
			p.lost(err, !refused && p.pending.len() == 0)
			if g, ok := p.pending.take(); ok && refused {
				p.refused(g)
			}
		case !errors.Is(err, jobqueue.ErrClosed):
			return err
		}
		if p.draining.Load() {
			if (err == nil || refused) && p.pending.len() > 0 {
				continue // the answers to the others say what became of them
			}
			p.draining.Store(false)
		}
		if err == nil {
			continue
		}
		// The pushes that are under way will have no answer.
		next, more := <-p.fresh
		if !more {
			return nil
		}
		pipe = next
	}
}

// refused notes that the server answered the push of a group with an error.
func (p *producer) refused(g pace.Group) {
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		if b, j := p.r.flight.Find(n); j != nil {
			p.r.refused(b, j, n, p.tally)
		}
	}
}

// acked notes that the push of a group was answered.
func (p *producer) acked(g pace.Group, at int64) {
	p.streak.answered()
	p.tally.Add(ledger.Acked, int64(g.Jobs))
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		b, j := p.r.flight.Find(n)
		if j == nil {
			continue
		}
		j.Stamp[flight.AckedAt] = at
		marks, _, here := j.Mark(n, flight.Acked)
		if !here {
			continue
		}
		switch {
		case marks&flight.Unheard != 0:
			p.r.unheard(b, j, n, p.tally)
		case marks&flight.Unsaved != 0:
			p.r.surelyLost(b, j, n, p.tally, ledger.Unsaved)
		default:
			p.r.finish(b, j, n, marks, p.shard)
		}
	}
}

// pushes are the pushes that were sent and not answered, oldest first.
type pushes struct {
	mu  sync.Mutex
	all ring.Ring[pace.Group]
}

func (p *pushes) add(g pace.Group) {
	p.mu.Lock()
	p.all.Push(g)
	p.mu.Unlock()
}

// len is how many there are.
func (p *pushes) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.Len()
}

// forget drops them all: their answers will not come.
func (p *pushes) forget() {
	p.mu.Lock()
	p.all.Clear()
	p.mu.Unlock()
}

func (p *pushes) take() (g pace.Group, ok bool) {
	p.mu.Lock()
	g, ok = p.all.Pop()
	p.mu.Unlock()
	return g, ok
}
