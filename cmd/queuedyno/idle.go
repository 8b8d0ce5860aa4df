package main

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/scenario/comparison"
	"github.com/queuedyno/queuedyno/scenario/pace"
	"github.com/queuedyno/queuedyno/scenario/probe"
	"github.com/queuedyno/queuedyno/scenario/strain"
)

// idle looks at the host for a while in which nothing of ours runs. What the
// system does not tell counts as quiet, and so does what nobody looks at.
func idle(ctx context.Context, period time.Duration) (comparison.Idle, error) {
	if period == 0 {
		return comparison.Idle{}, ctx.Err()
	}
	p, err := probe.Start(ctx, nil, pace.NewWaiter)
	if err != nil {
		return comparison.Idle{}, err
	}
	before := strain.Take()
	select {
	case <-ctx.Done():
	case <-time.After(period):
	}
	s := before.Until(strain.Take())
	found := p.Stop()
	if ctx.Err() != nil {
		return comparison.Idle{}, ctx.Err()
	}
	var i comparison.Idle
	if s.Busy != nil {
		i.Busy = *s.Busy
	}
	if found.Hiccup != nil {
		if v, err := found.Hiccup.Quantile(0.9, 0); err == nil {
			i.Hiccup = time.Duration(v)
		}
	}
	return i, nil
}
