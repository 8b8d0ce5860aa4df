package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// popWait is how long one BRPOP waits before it is sent again.
const popWait = 5 * time.Second

// worker does jobs.
type worker struct {
	store *store
	queue *jobqueue.Client
	log   *slog.Logger
	work  func(context.Context, job) error // an error says why the job failed
}

// sleepFor is the work of this example. Put yours in its place.
func sleepFor(d time.Duration) func(context.Context, job) error {
	return func(ctx context.Context, _ job) error {
		sleep(ctx, d)
		return ctx.Err()
	}
}

// run does so many jobs at a time until ctx ends, and finishes those it has begun.
func (w *worker) run(ctx context.Context, workers int) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := w.consume(ctx); ctx.Err() == nil {
					w.log.Error("connection lost", "err", err)
					sleep(ctx, reconnectPause)
				}
			}
		})
	}
	w.log.Info("working", "workers", workers)
	<-ctx.Done()
	w.log.Info("stopping")
	all.Wait()
}

// consume does one job after the other on one connection, until that breaks. The
// end of ctx interrupts a Pop, which loses no job, but not a job.
func (w *worker) consume(ctx context.Context) error {
	consumer, err := w.queue.OpenConsumer(ctx)
	if err != nil {
		return err
	}
	defer consumer.Close()
	for {
		elements, err := consumer.Pop(ctx, 1, popWait)
		if errors.Is(err, jobqueue.ErrEmpty) {
			continue
		}
		if err != nil {
			return err
		}
		if err := w.do(context.WithoutCancel(ctx), elements[0]); err != nil {
			return err
		}
	}
}

// do does one job: claim, work, finish, publish. The row is updated before the
// message is published, so that no client hears of an outcome that GET /jobs/{id}
// does not show yet.
func (w *worker) do(ctx context.Context, element []byte) error {
	id := jobqueue.ParseElement(element).JobID
	j, err := w.store.claim(ctx, id)
	if errors.Is(err, errNoJob) {
		w.log.Info("skipped: not a pending job", "job", id)
		return nil
	}
	if err != nil {
		// Without Postgres no job can be begun. Other workers may reach it.
		return errors.Join(err, w.queue.Return(ctx, element))
	}
	w.publish(ctx, jobqueue.Update{TenantID: j.TenantID, JobID: j.ID, Status: jobqueue.Running})

	update := jobqueue.Update{TenantID: j.TenantID, JobID: j.ID, Status: jobqueue.Completed}
	if err := w.work(ctx, j); err != nil {
		reason := err.Error()
		update.Status, update.Error = jobqueue.Failed, &reason
	}
	first, err := w.store.finish(ctx, j.ID, update.Status, update.Error)
	if err != nil {
		return err // the row is still RUNNING: the sweeper will find it
	}
	if first {
		w.publish(ctx, update)
	}
	return nil
}

// publish sends an update. It is not repeated: whether a failed PUBLISH was
// delivered is not known, and the row has the truth.
func (w *worker) publish(ctx context.Context, u jobqueue.Update) {
	if _, err := w.queue.Publish(ctx, u); err != nil {
		w.log.Error("not published", "job", u.JobID, "status", u.Status, "err", err)
	}
}
