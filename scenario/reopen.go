package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// patience is how long a run waits for a server to come back, or for another to
// take its place, before a lost connection ends it.
const patience = 30 * time.Second

// The longest pauses between two tries. A message that is published before the
// subscribers are back is heard by nobody, so they ask more often than those of
// whom there are many.
const (
	workersPause     = 500 * time.Millisecond
	subscribersPause = 50 * time.Millisecond
)

// errOver is why a producer needs no other connection any more.
var errOver = errors.New("the load is over")

// reopened opens what was lost again and again until that succeeds, with a pause
// of at most the given one. It gives up with the error that lost it when the
// patience is over, and when over says that nobody needs it any more, with what
// that says.
func reopened[T any](r *run, op string, lost error, most time.Duration, over func() error, open func(context.Context) (T, error)) (T, error) {
	began := time.Now()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, most) {
		ctx, cancel := context.WithTimeout(r.ctx, 2*time.Second)
		conn, err := open(ctx)
		cancel()
		if err == nil {
			r.warn("%s: the connection was gone for %.1f s", op, time.Since(began).Seconds())
			return conn, nil
		}
		if r.ctx.Err() != nil {
			return conn, context.Cause(r.ctx)
		}
		if err := over(); err != nil {
			return conn, err
		}
		if time.Since(began) > patience {
			return conn, fmt.Errorf("%w; no other could be had for %s: %w", lost, patience, err)
		}
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
		}
	}
}

// lasting takes the loss of a connection for the occasion to open another.
func (p *producer) lasting(err error) error {
	if !errors.Is(err, jobqueue.ErrLost) {
		return err
	}
	p.lost(err)
	return nil
}

// lost notes that the connection is gone. Whoever sends opens another, if there
// is anything left to send.
func (p *producer) lost(err error) {
	if !p.broken.Swap(true) {
		p.r.fault("push", err)
	}
}

// over says that what is still to be sent is too late.
func (p *producer) over() error {
	if p.r.now()-catchUp > p.r.cut.Load() {
		return errOver
	}
	return nil
}

// reopen replaces the producer's connection. What was pushed over the old one
// and not answered stays unacknowledged.
func (p *producer) reopen() error {
	p.conn.Close()
	lost := fmt.Errorf("push: %w", jobqueue.ErrLost)
	conn, err := reopened(p.r, "push", lost, workersPause, p.over, p.r.b.OpenProducer)
	if err != nil {
		return err
	}
	p.r.mu.Lock()
	p.conn = conn
	p.r.mu.Unlock()
	if p.r.ctx.Err() != nil {
		conn.Close() // whoever closes them all may have been there already
		return context.Cause(p.r.ctx)
	}
	p.pipe, _ = conn.(jobqueue.Pipeliner)
	if p.aimer != nil {
		p.aimer = conn.(jobqueue.Aimer)
	}
	if p.pipe != nil {
		select {
		case p.fresh <- p.pipe: // who reads the answers has read the last old one
		case <-p.r.ctx.Done():
			return context.Cause(p.r.ctx)
		}
	}
	p.pending.forget()
	p.broken.Store(false)
	return nil
}

// reopen replaces the consumer's connection. What it had finished and not yet
// published is lost, unless the queue gives it to somebody once more.
func (c *consumer) reopen(ctx context.Context, lost error) error {
	c.conn.Close()
	c.r.fault("consume", lost)
	conn, err := reopened(c.r, "consume", lost, workersPause, ctx.Err, func(context.Context) (jobqueue.Consumer, error) { return c.r.openConsumer(c.index) })
	if err != nil {
		return err
	}
	c.r.mu.Lock()
	c.conn = jobqueue.TurnerOf(conn)
	c.r.mu.Unlock()
	c.done, c.told, c.working = nil, nil, false
	c.busy.Store(false)
	return nil
}
