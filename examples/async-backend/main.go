// Command async-backend is the back end of a service whose jobs take too long
// for an HTTP request:
//
//	async-backend api       takes jobs by HTTP, reports on them by WebSocket
//	async-backend worker    does the jobs
//
// Both need a Postgres, which holds the truth, and a Redis, which wakes the
// workers and carries the news. README.md explains the pieces and their order.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/queuedyno/queuedyno/jobqueue"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal begins an orderly end, the second one kills the process.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "async-backend:", err)
		os.Exit(1)
	}
}

// run is the program: it connects, and serves until ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string) error {
	if len(args) != 1 || args[0] != "api" && args[0] != "worker" {
		return fmt.Errorf("usage: async-backend api|worker")
	}
	cfg, err := readConfig(getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("role", args[0])
	store, err := openStore(ctx, cfg.DatabaseURL, cfg.Pool)
	if err != nil {
		return err
	}
	defer store.close()
	queue, err := jobqueue.Connect(ctx, jobqueue.Config{
		URL: cfg.RedisURL, Queue: cfg.Queue, Channel: cfg.Channel, Reconnect: true,
	})
	if err != nil {
		return err
	}
	defer queue.Close()

	if args[0] == "worker" {
		w := worker{store: store, queue: queue, log: log, work: sleepFor(cfg.Work)}
		w.run(ctx, cfg.Workers)
		return nil
	}
	a := api{store: store, queue: queue, log: log, sweep: cfg.Sweep, stale: cfg.Stale}
	return a.run(ctx, cfg.Listen)
}
