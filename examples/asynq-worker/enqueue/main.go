// Command enqueue puts one task in with asynq's client: enqueue QUEUE TYPE ID PAYLOAD. It is never
// retried. REDIS_URL is the Redis (default redis://localhost:6379/0).
package main

import (
	"cmp"
	"fmt"
	"log"
	"os"

	"github.com/hibiken/asynq"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("want QUEUE TYPE ID PAYLOAD, got %d arguments", len(args))
	}
	connection, err := asynq.ParseRedisURI(cmp.Or(os.Getenv("REDIS_URL"), "redis://localhost:6379/0"))
	if err != nil {
		return err
	}
	client := asynq.NewClient(connection)
	defer client.Close()
	_, err = client.Enqueue(asynq.NewTask(args[1], []byte(args[3])), asynq.Queue(args[0]), asynq.TaskID(args[2]), asynq.MaxRetry(0))
	return err
}
