// Package jobqueue is a small client library for a Redis job queue with status
// updates: LPUSH puts jobs into a list, BRPOP takes them out, and their outcome is
// published on a channel. Other designs lose no job when a worker dies, see [Design];
// there can be several queues and channels, see [MultiQueue].
//
//	client, err := jobqueue.Connect(ctx, jobqueue.Config{URL: "redis://localhost:6379"})
//	…
//	err = client.Push(ctx, "4711")                   // the API
//
//	worker, err := client.OpenConsumer(ctx)          // a worker
//	jobs, err := worker.Pop(ctx, 1, 5*time.Second)
//
//	updates, err := client.OpenSubscriber(ctx)       // waits for the outcome
//	message, err := updates.Receive(ctx)
//	update, err := jobqueue.ParseUpdate(message)
//
// Every consumer and every subscriber has a separate connection: a worker's BRPOP
// never delays another command, and SUBSCRIBE never meets an ordinary command.
// Nothing is retried silently, since a repeated LPUSH can push a job twice and a
// repeated BRPOP can lose one. Cancelling a Pop loses no job.
//
// go-redis opens, secures and authenticates every connection. On the connections of
// producers, consumers and subscribers this package then speaks the protocol itself:
// so it sees when each answer came in, sends a PUBLISH and the next BRPOP in one
// write, and receives messages without a buffer in between and without allocating.
package jobqueue
