// Package queuedyno load-tests Redis job queues: jobs are pushed to a list at a
// target rate, workers pop them, do them and publish the outcome, and subscribers
// receive it. Every job is timed from the moment it was due and accounted for.
//
// Which package you need:
//
//   - Benchmarks in your own repository: queuetest, ten lines under
//     "go test -bench"; redisserver/redistest starts the Redis.
//   - A run from your own program: [Run] here, with a scenario.Scenario as Go
//     literal or read by scenario.Parse. The outcome is a result.Result, and
//     package report turns it into text, Markdown, CSV and JSON, and reads and
//     writes result directories.
//   - A queue or a worker to measure with: jobqueue is the client, worker a pool
//     of workers on it.
//   - The command line: cmd/queuedyno.
package queuedyno
