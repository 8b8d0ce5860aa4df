package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// lastingPing is the control probe of the server over one connection after another.
// While there is no connection, Ping waits for the next one.
type lastingPing struct {
	r    *run
	open func(context.Context) (*redisconn.Ping, error)

	mu     sync.Mutex // guards what follows
	now    *redisconn.Ping
	closed bool
}

// Ping returns when the answer is there.
func (p *lastingPing) Ping() error {
	for {
		p.mu.Lock()
		conn := p.now
		p.mu.Unlock()
		err := conn.Ping()
		if !errors.Is(err, jobqueue.ErrLost) {
			return err
		}
		conn.Close()
		if err := p.reopen(err); err != nil {
			return err
		}
	}
}

// reopen tries until there is another connection.
func (p *lastingPing) reopen(lost error) error {
	for failures := 1; ; failures++ {
		p.r.wait(workersPolicy.Pause(failures))
		ctx, cancel := context.WithTimeout(p.r.ctx, 2*time.Second)
		next, err := p.open(ctx)
		cancel()
		switch {
		case err == nil:
			p.use(next)
			return nil
		case p.r.ctx.Err() != nil || p.r.serverEnded() || p.ended():
			return lost
		}
	}
}

func (p *lastingPing) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// use takes the next connection.
func (p *lastingPing) use(next *redisconn.Ping) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = next
	if p.closed {
		next.Close()
	}
}

// Close ends the connection and a Ping that waits.
func (p *lastingPing) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return p.now.Close()
}
