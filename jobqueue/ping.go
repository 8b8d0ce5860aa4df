package jobqueue

import (
	"context"
	"errors"
	"fmt"
)

// Ping is a connection on which the server is asked for nothing, to see how
// long that takes. It belongs to one goroutine, but for Close.
type Ping interface {
	// Ping returns when the answer is there.
	Ping() error
	// Close ends the connection and a Ping that waits.
	Close() error
}

type ping struct{ w *wire }

// OpenPing returns a connection of its own for PINGs.
func (c *Client) OpenPing(ctx context.Context) (Ping, error) {
	if c.lack.lacks("PING") {
		return nil, errors.New("the server does not take PING")
	}
	w, err := c.dial(ctx, c.lanes.queues[0], false)
	if err != nil {
		return nil, err
	}
	return &ping{w}, nil
}

func (p *ping) Ping() error {
	p.w.out = append(p.w.out, "*1\r\n$4\r\nPING\r\n"...)
	if err := p.w.flush(); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if err := p.w.expect(0); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if _, _, err := p.w.in.head(); err != nil {
		return fmt.Errorf("ping: %w", p.w.broken(err))
	}
	return nil
}

func (p *ping) Close() error { return p.w.close() }
