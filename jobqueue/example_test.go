package jobqueue_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
)

// startRedis starts a Redis for an example. Yours is a URL in your configuration.
func startRedis() *redisserver.Server {
	server, err := redisserver.Start(context.Background(), redisserver.Options{Source: "embedded"})
	if err != nil {
		log.Fatal(err)
	}
	return server
}

// connected is a client of a Redis for an example, and what ends both.
func connected() (*jobqueue.Client, func()) {
	server := startRedis()
	client, err := jobqueue.Connect(context.Background(), jobqueue.Config{URL: server.URL()})
	if err != nil {
		log.Fatal(err)
	}
	return client, func() {
		client.Close()
		server.Close()
	}
}

// One client serves the whole program, and all its goroutines.
func ExampleConnect() {
	server := startRedis()
	defer server.Close()
	client, err := jobqueue.Connect(context.Background(), jobqueue.Config{URL: server.URL()})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Println(client.Queue(), client.Channel())
	// Output:
	// job_queue job_updates
}

// The most frequent error is that no Redis runs at that address. Connect reports it
// at once, and says what helps.
func ExampleConnect_refused() {
	_, err := jobqueue.Connect(context.Background(), jobqueue.Config{URL: "redis://127.0.0.1:1"})
	var known interface{ Hint() string }
	if errors.As(err, &known) {
		fmt.Println(err)
		fmt.Println("hint:", known.Hint())
	}
	// Output:
	// connect to Redis at 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused
	// hint: nothing listens there (in a container, localhost is that container); start a Redis (redis-server, or docker run --rm -p 6379:6379 redis:7-alpine), or let queuedyno start one: --redis process
}

func ExampleClient_Push() {
	client, end := connected()
	defer end()
	ctx := context.Background()
	if err := client.Push(ctx, "4711"); err != nil {
		log.Fatal(err)
	}
	// Several ids are one LPUSH: all of them are pushed, or none.
	if err := client.Push(ctx, "4712", "4713"); err != nil {
		log.Fatal(err)
	}
	ids, err := client.Peek(ctx, 0, 10)
	fmt.Println(ids, err)
	// Output:
	// [4711 4712 4713] <nil>
}

// A worker. Its connection serves this consumer alone, because BRPOP blocks it.
func ExampleClient_OpenConsumer() {
	client, end := connected()
	defer end()
	ctx := context.Background()
	if err := client.Push(ctx, "4711", "4712", "4713"); err != nil {
		log.Fatal(err)
	}
	consumer, err := client.OpenConsumer(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer consumer.Close()
	for {
		// At most two jobs, the oldest first. The slices are valid until the next Pop.
		jobs, err := consumer.Pop(ctx, 2, 10*time.Millisecond)
		if errors.Is(err, jobqueue.ErrEmpty) {
			fmt.Println("no job within 10ms") // a worker calls Pop again
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", jobs)
	}
	// Output:
	// [4711 4712]
	// [4713]
	// no job within 10ms
}

func ExampleClient_Len() {
	client, end := connected()
	defer end()
	ctx := context.Background()
	if err := client.Push(ctx, "4711", "4712"); err != nil {
		log.Fatal(err)
	}
	n, err := client.Len(ctx)
	fmt.Println(n, err)
	// Output:
	// 2 <nil>
}

func ExampleClient_Clear() {
	client, end := connected()
	defer end()
	ctx := context.Background()
	if err := client.Push(ctx, "4711", "4712"); err != nil {
		log.Fatal(err)
	}
	if err := client.Clear(ctx); err != nil {
		log.Fatal(err)
	}
	n, err := client.Len(ctx)
	fmt.Println(n, err)
	// Output:
	// 0 <nil>
}

// The number of receivers tells whether anyone was subscribed. Redis keeps no message
// for those who come later.
func ExampleClient_Publish() {
	client, end := connected()
	defer end()
	receivers, err := client.Publish(context.Background(), jobqueue.Update{TenantID: "acme", JobID: "4711", Status: jobqueue.Completed})
	fmt.Println(receivers, err)
	// Output:
	// 0 <nil>
}

// A subscriber has a separate connection, on which it can only receive. All other
// methods of the client work as before.
func ExampleClient_OpenSubscriber() {
	client, end := connected()
	defer end()
	ctx := context.Background()
	subscriber, err := client.OpenSubscriber(ctx) // subscribed when it returns
	if err != nil {
		log.Fatal(err)
	}
	defer subscriber.Close()

	reason := "no such address"
	receivers, err := client.Publish(ctx, jobqueue.Update{TenantID: "acme", JobID: "4711", Status: jobqueue.Failed, Error: &reason})
	fmt.Println(receivers, err)

	message, err := subscriber.Receive(ctx) // valid until the next Receive
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", message)
	update, err := jobqueue.ParseUpdate(message)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(update.TenantID, update.JobID, update.Status, *update.Error)
	// Output:
	// 1 <nil>
	// {"tenantId":"acme","jobId":"4711","status":"FAILED","error":"no such address"}
	// acme 4711 FAILED no such address
}
