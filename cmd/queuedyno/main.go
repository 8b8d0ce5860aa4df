// Command queuedyno load-tests and benchmarks a Redis job queue.
//
// It drives the pipeline producer, LPUSH, BRPOP, worker, PUBLISH, subscriber at
// a rate, times every job from the moment it was due, accounts for every job,
// and says whether the figures can be believed. See "queuedyno --help".
//
// This package holds what only a command has: flags, the environment, signals,
// terminals and exit codes. It measures nothing and formats no figure of a
// report; packages scenario and report do. Begin reading at program.go, then at
// the verb's own file.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
