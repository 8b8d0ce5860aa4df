package streamqueue_test

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno"
	"github.com/queuedyno/queuedyno/examples/streamqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

// Whatever has the five methods of a backend can be run, in a program as well as
// in a benchmark.
func ExampleQueue() {
	ctx := context.Background()
	server, err := redisserver.Start(ctx, redisserver.Options{Source: "embedded"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	queue, err := streamqueue.Open(ctx, streamqueue.Config{Options: options, Stream: "jobs", Channel: "updates"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer queue.Close()

	result, err := queuedyno.Run(ctx, scenario.Scenario{
		Name:      "streams",
		Load:      scenario.Load{Jobs: 200},
		Consumers: 4,
		Work:      scenario.Work{Time: time.Millisecond},
	}, queue, queuedyno.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Ledger.Notified, "jobs done,", result.Ledger.Lost, "lost")
	// Output:
	// 200 jobs done, 0 lost
}
