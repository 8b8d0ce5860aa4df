package jobqueue

import (
	"context"
	"errors"
	"sync"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/ring"
)

// crossSlotProducer pushes to queues in several slots, over a connection to each.
type crossSlotProducer struct {
	each  []pipeline // by queue
	aim   int
	begun []bool // by queue: something was sent and not flushed
	order order
}

var _ pipeline = (*crossSlotProducer)(nil)

func (c *Client) openProducers(ctx context.Context) (Producer, error) {
	p := &crossSlotProducer{begun: make([]bool, len(c.lanes.queues))}
	p.order.come.L = &p.order.mu
	for i, name := range c.lanes.queues {
		one, err := c.openProducer(ctx, i, name)
		if err != nil {
			p.Close()
			return nil, err
		}
		p.each = append(p.each, one)
	}
	return p, nil
}

// Aim makes the pushes from now on go to the given queue.
func (p *crossSlotProducer) SelectQueue(queue int) { p.aim = queue }

// Send takes one push of the jobs into the output buffer of its queue.
func (p *crossSlotProducer) Send(jobs ...[]byte) error {
	if len(jobs) == 0 {
		return nil
	}
	if err := p.each[p.aim].Send(jobs...); err != nil {
		return err
	}
	p.begun[p.aim] = true
	p.order.push(p.aim)
	return nil
}

// Flush writes what Send took, to each queue in turn. When one connection is
// lost, the others still get theirs.
func (p *crossSlotProducer) Flush() error {
	for i, begun := range p.begun {
		// Before anything is written: then none of it was.
		if one, ok := p.each[i].(interface{ ready() error }); begun && ok {
			if err := one.ready(); err != nil {
				return err
			}
		}
	}
	var first error
	for i, begun := range p.begun {
		if !begun {
			continue
		}
		p.begun[i] = false
		err := p.each[i].Flush()
		if redisconn.IsStale(err) {
			err = &partlyError{err} // others have got theirs
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}

// partlyError is that of one of several connections: what the error says of a
// call is not true of all that was to be sent.
type partlyError struct{ err error }

func (e *partlyError) Error() string        { return e.err.Error() }
func (e *partlyError) Is(target error) bool { return target == ErrLost }
func (e *partlyError) As(target any) bool {
	to, ok := target.(**redisconn.Error)
	return ok && errors.As(e.err, to)
}

// Await waits for the answer to the oldest push that has none, whichever queue
// it went to: answers of one queue wait for those that were asked for before.
func (p *crossSlotProducer) Await() error {
	queue, ok := p.order.pop()
	if !ok {
		return ErrClosed
	}
	return p.each[queue].Await()
}

// Push sends the jobs to their queue and waits for the answer.
func (p *crossSlotProducer) Push(ctx context.Context, jobs ...[]byte) error {
	return p.each[p.aim].Push(ctx, jobs...)
}

// Prove proves the connection to each queue's node.
func (p *crossSlotProducer) Prove() error {
	var first error
	for _, one := range p.each {
		if err := one.Prove(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Close closes all connections.
func (p *crossSlotProducer) Close() error {
	p.order.close()
	var all error
	for _, one := range p.each {
		all = errors.Join(all, one.Close())
	}
	return all
}

// order is which queue each push went to that was sent and not answered, oldest
// first. Who waits for the next answer may come before the push was sent.
type order struct {
	mu     sync.Mutex
	come   sync.Cond // on mu
	queues ring.Ring[int]
	closed bool
}

func (o *order) push(queue int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queues.Push(queue)
	o.come.Signal()
}

// pop waits for the oldest. It returns false after close.
func (o *order) pop() (queue int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.queues.Len() == 0 && !o.closed {
		o.come.Wait()
	}
	if o.closed {
		return 0, false
	}
	return o.queues.Pop()
}

func (o *order) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.come.Broadcast()
}
