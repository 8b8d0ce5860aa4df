package verify

import (
	"context"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// pause stops a pool of consumers: while it lasts none of them takes a job out
// of its connection, begins work or publishes.
type pause struct{ gate sync.RWMutex }

// hold lets the pause last for d or until ctx ends.
func (p *pause) hold(ctx context.Context, d time.Duration) error {
	p.gate.Lock()
	defer p.gate.Unlock()
	return sleep(ctx, d)
}

// pass returns when there is no pause.
func (p *pause) pass() {
	p.gate.RLock()
	//lint:ignore SA2001 passing the gate is all
	p.gate.RUnlock()
}

// wrap puts a consumer under the pause. Turns are forwarded as turns: a stall of
// the workers must change nothing else about them.
func (p *pause) wrap(c jobqueue.Consumer) jobqueue.Consumer {
	t, ok := c.(jobqueue.Turner)
	if !ok {
		return pausedConsumer{c, p}
	}
	return pausedTurner{pausedConsumer{c, p}, t}
}

type pausedConsumer struct {
	jobqueue.Consumer
	pause *pause
}

func (c pausedConsumer) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	c.pause.pass()
	jobs, err := c.Consumer.Pop(ctx, max, wait)
	c.pause.pass()
	return jobs, err
}

func (c pausedConsumer) Publish(ctx context.Context, message []byte) (int, error) {
	c.pause.pass()
	return c.Consumer.Publish(ctx, message)
}

type pausedTurner struct {
	pausedConsumer
	turner jobqueue.Turner
}

var _ jobqueue.Turner = pausedTurner{}

func (c pausedTurner) Turn(ctx context.Context, messages [][]byte, acked func(i, receivers int), max int, wait time.Duration) ([][]byte, error) {
	c.pause.pass()
	jobs, err := c.turner.Turn(ctx, messages, acked, max, wait)
	c.pause.pass()
	return jobs, err
}
