package main

import (
	"context"
	"time"
)

// sweepBatch is how many jobs one statement of the sweeper takes.
const sweepBatch = 100

// sweeper pushes jobs again that have been unfinished and without a sign of life
// for longer than stale. They are the jobs
//
//   - whose API died between INSERT and LPUSH,
//   - whose worker died between BRPOP and the end,
//   - whose ids Redis has forgotten, e.g. in a restart without a file.
//
// A job that only waits in a long queue is pushed again, too. That costs little:
// the second worker to pop the id cannot claim the row. A job that takes longer
// than stale would be done twice, so stale must be longer than the longest work.
func (a *api) sweeper(ctx context.Context) {
	if a.sweep == 0 {
		return
	}
	ticks := time.NewTicker(a.sweep)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if err := a.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("sweep", "err", err)
		}
	}
}

// sweepOnce pushes all stale jobs. If this process dies between UPDATE and LPUSH,
// the jobs are stale again later.
func (a *api) sweepOnce(ctx context.Context) error {
	for {
		ids, err := a.store.reopen(ctx, a.stale, sweepBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := a.queue.Push(ctx, ids...); err != nil {
			return err
		}
		a.log.Info("pushed again", "jobs", len(ids))
		if len(ids) < sweepBatch {
			return nil
		}
	}
}
