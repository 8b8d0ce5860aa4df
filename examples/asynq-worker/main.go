// Command asynq-worker is an asynq worker under load: a handler as an application has it, and
// the few lines of middleware that publish when a task begins and ends.
//
// REDIS_URL is the Redis (default redis://localhost:6379/0), QUEUE the queue (default
// default), CHANNEL where updates are published (default job_updates), CONCURRENCY how many
// tasks are done at once (default 1) and WORK_MS how long a task takes (default 0). CHECK_MS is
// asynq's TaskCheckInterval: how long an idle worker waits until it looks again (default 1000).
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	url := cmp.Or(os.Getenv("REDIS_URL"), "redis://localhost:6379/0")
	connection, err := asynq.ParseRedisURI(url)
	if err != nil {
		return err
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	concurrency, err := strconv.Atoi(cmp.Or(os.Getenv("CONCURRENCY"), "1"))
	if err != nil {
		return err
	}
	work, err := strconv.Atoi(cmp.Or(os.Getenv("WORK_MS"), "0"))
	if err != nil {
		return err
	}
	check, err := strconv.Atoi(cmp.Or(os.Getenv("CHECK_MS"), "1000"))
	if err != nil {
		return err
	}
	mux := asynq.NewServeMux()
	mux.Use(publishing(redis.NewClient(options), cmp.Or(os.Getenv("CHANNEL"), "job_updates")))
	mux.HandleFunc("mail:send", func(context.Context, *asynq.Task) error {
		time.Sleep(time.Duration(work) * time.Millisecond)
		return nil
	})
	mux.HandleFunc("mail:fail", func(context.Context, *asynq.Task) error { return errors.New("this task always fails") })
	server := asynq.NewServer(connection, asynq.Config{
		Concurrency: concurrency, Queues: map[string]int{cmp.Or(os.Getenv("QUEUE"), "default"): 1}, LogLevel: asynq.WarnLevel,
		TaskCheckInterval: time.Duration(check) * time.Millisecond,
	})
	return server.Run(mux)
}

// update is what is published.
type update struct {
	JobID  string  `json:"jobId"`
	Status string  `json:"status"`
	Error  *string `json:"error"`
}

// publishing is middleware that publishes when a task begins and ends.
func publishing(db *redis.Client, channel string) asynq.MiddlewareFunc {
	publish := func(ctx context.Context, u update) {
		message, err := json.Marshal(u)
		if err == nil {
			err = db.Publish(ctx, channel, message).Err()
		}
		if err != nil {
			log.Printf("publish: %v", err)
		}
	}
	return func(next asynq.Handler) asynq.Handler {
		return asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
			id, _ := asynq.GetTaskID(ctx)
			publish(ctx, update{JobID: id, Status: "RUNNING"})
			err := next.ProcessTask(ctx, task)
			u := update{JobID: id, Status: "COMPLETED"}
			if err != nil {
				text := err.Error()
				u.Status, u.Error = "FAILED", &text
			}
			publish(context.WithoutCancel(ctx), u)
			return err
		})
	}
}
