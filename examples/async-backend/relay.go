package main

import (
	"bytes"
	"context"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// reconnectPause is the pause between two attempts to reach Redis.
const reconnectPause = 500 * time.Millisecond

// relay passes the workers' updates to the WebSocket clients, until ctx ends.
// Every API process has its own subscription and receives all updates.
func (a *api) relay(ctx context.Context) {
	for ctx.Err() == nil {
		err := a.listen(ctx)
		a.subscribed.Store(false)
		if ctx.Err() == nil {
			// What is published until the next subscription is missed. The rows
			// have it: a client that must know asks GET /jobs/{id}.
			a.log.Error("subscription lost", "err", err)
			sleep(ctx, reconnectPause)
		}
	}
}

// listen subscribes and broadcasts until the subscription breaks.
func (a *api) listen(ctx context.Context) error {
	subscriber, err := a.queue.OpenSubscriber(ctx)
	if err != nil {
		return err
	}
	defer subscriber.Close()
	a.subscribed.Store(true)
	for {
		message, err := subscriber.Receive(ctx)
		if err != nil {
			return err
		}
		update, err := jobqueue.ParseUpdate(message)
		if err != nil {
			a.log.Warn("not an update", "err", err)
			continue
		}
		// Receive reuses its buffer, and clients are sent the message later.
		a.hub.broadcast(update.TenantID, bytes.Clone(message))
	}
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
