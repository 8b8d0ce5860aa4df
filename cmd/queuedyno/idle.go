package main

import (
	"context"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// idle looks at the host for a while in which nothing of ours runs. What the
// system does not tell counts as quiet, and so does what nobody looks at.
func idle(ctx context.Context, period time.Duration) (compare.Idle, error) {
	if period == 0 {
		return compare.Idle{}, ctx.Err()
	}
	p, err := probe.Start(ctx, nil, pace.NewWaiter)
	if err != nil {
		return compare.Idle{}, err
	}
	before := hoststat.Take()
	select {
	case <-ctx.Done():
	case <-time.After(period):
	}
	s := before.Until(hoststat.Take())
	found := p.Stop()
	if ctx.Err() != nil {
		return compare.Idle{}, ctx.Err()
	}
	var i compare.Idle
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
