// Command go-worker is a worker in Go for a Redis job queue, on package jobqueue
// alone: several loops that take a job, do it, and publish what became of it.
// Change work to what your jobs are.
//
//	REDIS_URL=redis://localhost:6379 go run ./examples/go-worker
//
// QUEUE and CHANNEL name others than job_queue and job_updates.
//
// Package worker holds the same with what a worker in earnest needs besides:
// RUNNING, limits, reconnects that lose no outcome.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// work does one job. An error says why it failed.
func work(ctx context.Context, job jobqueue.Element) error {
	select {
	case <-time.After(5 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func main() {
	// A signal stops taking jobs; jobs in progress are finished.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := jobqueue.Connect(context.Background(), jobqueue.Config{
		URL: os.Getenv("REDIS_URL"), Queue: os.Getenv("QUEUE"), Channel: os.Getenv("CHANNEL"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	done, err := run(ctx, client, 8)
	fmt.Printf("worked on %d jobs\n", done)
	if err != nil {
		log.Fatal(err)
	}
}

// run works with so many consumers until ctx ends or one of them fails, and
// returns how many jobs were done.
func run(ctx context.Context, queue jobqueue.Backend, consumers int) (done int64, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		all   sync.WaitGroup
		count atomic.Int64
		errs  = make([]error, consumers)
	)
	for i := range consumers {
		all.Go(func() {
			if errs[i] = consume(ctx, queue, &count); errs[i] != nil {
				stop() // the others would meet the same
			}
		})
	}
	all.Wait()
	return count.Load(), errors.Join(errs...)
}

// consume takes one job after the other. The end of ctx ends a pop that waits
// and loses no job.
func consume(ctx context.Context, queue jobqueue.Backend, done *atomic.Int64) error {
	c, err := queue.OpenConsumer(ctx)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	defer c.Close()
	for {
		jobs, err := c.Pop(ctx, 1, 5*time.Second)
		if errors.Is(err, jobqueue.ErrEmpty) {
			continue
		}
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		job := jobqueue.ParseElement(jobs[0])
		from := time.Now()
		u := jobqueue.Update{TenantID: job.TenantID, JobID: job.JobID, Status: jobqueue.Completed}
		if err := work(context.WithoutCancel(ctx), job); err != nil {
			why := err.Error()
			u.Status, u.Error = jobqueue.Failed, &why
		}
		u.Work = time.Since(from)
		if _, err := c.Publish(context.WithoutCancel(ctx), u.AppendTo(nil)); err != nil {
			return err
		}
		done.Add(1)
	}
}

// ignoreEnd is err, unless it only means that a signal stopped us.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
