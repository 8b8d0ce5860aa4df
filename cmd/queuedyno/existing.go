package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// existing are the flags of verbs that use an existing Redis, and its queues and
// channels under the names they have there.
type existing struct {
	p *program
	override.Flags
	redis          *target.Redis
	queue, channel string
	// url and address are set by check.
	url, address string
}

// addQueue declares the queue, which comes first in the help.
func (e *existing) addQueue(f *flags.Set, p *program, what string) {
	e.p = p
	f.Group("Queue")
	flags.Var(f, &e.queue, "queue", "", "`KEY` of the queue "+what+" (default "+jobqueue.DefaultQueue+")", exactName)
}

func (e *existing) addChannel(f *flags.Set, what string) {
	flags.Var(f, &e.channel, "channel", "", "`NAME` of the channel "+what+" (default "+jobqueue.DefaultChannel+")", exactName)
}

// addRedis declares which Redis, and further fields of a scenario.
func (e *existing) addRedis(f *flags.Set, fields ...string) {
	e.Flags = override.Declare(f, "", fields...)
	e.redis = target.DeclareExisting(f, e.p.getenv)
	f.Group("Output")
	e.p.declareQuiet(f)
}

func (e *existing) complete(cmd *cobra.Command) {
	complete(cmd, "redis", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []string{"redis://", "rediss://", "unix://", "redis-sentinel://", "redis-cluster://"}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// exactName reads the name of one queue or channel. A pattern would not match
// anything.
func exactName(s string) (string, error) {
	switch {
	case s == "":
		return "", &problem.Hinted{What: "it is empty"}
	case strings.ContainsAny(s, "*?["):
		return "", &problem.Hinted{What: fmt.Sprintf("%q looks like a pattern; give one exact name", s), Remedy: "the name cannot contain * ? or ["}
	}
	return s, nil
}

// check finds the Redis, without dialling it.
func (e *existing) check() (problems []problem.Problem) {
	e.url, e.address, problems = e.redis.Existing()
	return problems
}

// connect dials the Redis that check found.
func (e *existing) connect(ctx context.Context) (*jobqueue.Client, error) {
	client, err := jobqueue.Connect(ctx, e.config())
	if err == nil && client.Unverified() {
		e.p.console.Note("the TLS certificate of %s is not verified", e.address)
	}
	return client, err
}

// config is how to connect to the Redis that check found.
func (e *existing) config() jobqueue.Config {
	asked := e.Asked()
	c := jobqueue.Config{
		Queue: e.queue, Channel: e.channel, Queues: len(asked.Queues),
		Design: asked.Design, Visibility: asked.Visibility, Poll: asked.Poll, Notify: asked.Notify,
	}
	if asked.Channels != "" && asked.Channels != scenario.OneChannel {
		c.Channels = asked.Tenants.Count
	}
	return e.redis.Config(c, e.url)
}
