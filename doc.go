// Package queuedyno load-tests Redis job queues. It pushes jobs to a list at a target
// rate; workers pop them, do them and publish the outcome; subscribers receive it.
// Every job is timed from the moment it was due, and every job is accounted for.
//
// Which package you need:
//
//   - For benchmarks in your own repository: queuetest, ten lines for
//     "go test -bench". redisserver/redistest starts the Redis.
//   - For a run from your own program: [Run] in this package. It takes a
//     scenario.Scenario, a Go literal or read by scenario.Parse, and returns a
//     result.Result. Package report writes it as text, Markdown, CSV and JSON,
//     and reads and writes result directories.
//   - For a queue or workers in your own program: jobqueue is the client, worker
//     a pool of workers.
//   - The command line: cmd/queuedyno.
package queuedyno
