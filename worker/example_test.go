package worker_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/worker"
)

// A pool that sends mails. A *jobqueue.Client in place of the queue in memory
// makes it one for a Redis.
func Example() {
	ctx := context.Background()
	queue := memory.New()
	updates, err := queue.OpenSubscriber(ctx)
	if err != nil {
		panic(err)
	}
	producer, err := queue.OpenProducer(ctx)
	if err != nil {
		panic(err)
	}
	if err := producer.Push(ctx, []byte("4711"), []byte(`{"jobId":"4712","tenantId":"acme"}`)); err != nil {
		panic(err)
	}

	pool := worker.Pool{
		Queue: queue,
		Work: func(_ context.Context, job worker.Job) error {
			if job.Tenant == "acme" {
				return errors.New("no such address")
			}
			return nil
		},
		Jobs: 2, // a real one works until its Stop is closed
	}
	if err := pool.Run(ctx); err != nil {
		panic(err)
	}
	for range 2 {
		message, err := updates.Receive(ctx)
		if err != nil {
			panic(err)
		}
		u, err := jobqueue.ParseUpdate(message)
		if err != nil {
			panic(err)
		}
		fmt.Println(u.TenantID, u.JobID, u.Status)
	}
	fmt.Printf("%+v\n", pool.Tally())
	// Output:
	// t1 4711 COMPLETED
	// acme 4712 FAILED
	// {Completed:1 Failed:1 Unpublished:0 Dropped:0 Reconnects:0}
}
