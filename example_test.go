package queuedyno_test

import (
	"context"
	"fmt"

	"github.com/queuedyno/queuedyno"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Fifty jobs at 200 a second through a queue in memory; for Redis, open a
// jobqueue.Client and give that instead.
func ExampleRun() {
	res, err := queuedyno.Run(context.Background(), scenario.Scenario{
		Name:      "hello",
		Load:      scenario.Load{Rate: pace.PerSecond(200), Jobs: 50},
		Consumers: 2,
	}, memory.New(), queuedyno.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d of %d jobs arrived, %d lost\n", res.Ledger.Notified, res.Ledger.Scheduled, res.Ledger.Lost)
	fmt.Println(res.Stages["end_to_end"].Count, "have an end-to-end latency")
	// Output:
	// 50 of 50 jobs arrived, 0 lost
	// 50 have an end-to-end latency
}
