// Package jobqueue is a Redis job queue with status updates, as a small client
// library: jobs go into a LIST by LPUSH and come out by BRPOP, and what became
// of each is published on a channel. Other designs of the queue lose no job when
// a worker dies, see [Design]; there can be several queues and channels, see
// [MultiQueue].
//
//	client, err := jobqueue.Connect(ctx, jobqueue.Config{URL: "redis://localhost:6379"})
//	…
//	err = client.Push(ctx, "4711")                   // the API
//
//	worker, err := client.OpenConsumer(ctx)          // a worker
//	jobs, err := worker.Pop(ctx, 1, 5*time.Second)
//
//	updates, err := client.OpenSubscriber(ctx)       // whoever waits for the outcome
//	message, err := updates.Receive(ctx)
//	update, err := jobqueue.ParseUpdate(message)
//
// What blocks has a connection of its own by construction: a worker's BRPOP
// never holds up anybody else's command, and SUBSCRIBE never meets an ordinary
// command. Nothing is tried twice behind the caller's back, since a repeated
// LPUSH can put a job in twice and a repeated BRPOP can lose one. Cancelling a
// Pop loses no job.
//
// go-redis opens, secures and authenticates every connection. On the
// connections of producers, consumers and subscribers this package then writes
// and reads the protocol itself: only so can the moment at which each single
// answer came in be seen, can a PUBLISH and the next BRPOP share one write, and
// can a message be received without a buffer in between and without an
// allocation.
package jobqueue
