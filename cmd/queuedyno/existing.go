package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

// existing are the flags of verbs that use a Redis of somebody else's, and
// queues and channels by the names that they have there.
type existing struct {
	running
	queue   *value[string]
	channel *value[string] // nil for verbs without
	// url and address are set by check.
	url, address string
}

// addQueue declares the queue, which comes first in the help.
func (e *existing) addQueue(f *flags, p *program, what string) {
	e.p = p
	e.queue = add(f, "queue", "", "`KEY` of the list "+what+" (default "+jobqueue.DefaultQueue+")", exactName)
}

func (e *existing) addChannel(f *flags, what string) {
	e.channel = add(f, "channel", "", "`NAME` of the channel "+what+" (default "+jobqueue.DefaultChannel+")", exactName)
}

// addRedis declares what says which Redis, and more of run's flags. They come
// last in the help.
func (e *existing) addRedis(f *flags, more ...string) {
	e.runFlags = addSome(f, "", append(more, "redis", "cacert", "cert", "key", "tls-skip-verify", "quiet")...)
	f.set.Lookup("redis").Usage = "the Redis, a `URL`: redis://, rediss://, unix:// or one\n" +
		"of sentinels or a cluster (default: that of REDIS_URL)"
}

func (e *existing) complete(cmd *cobra.Command) {
	complete(cmd, "redis", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []string{"redis://", "rediss://", "unix://", "redis-sentinel://", "redis-cluster://"}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// exactName reads the name of one queue or channel. Who writes a pattern means
// something that does not happen.
func exactName(s string) (string, error) {
	switch {
	case s == "":
		return "", &hinted{"it is empty", ""}
	case strings.ContainsAny(s, "*?["):
		return "", &hinted{fmt.Sprintf("%q looks like a pattern, and only one exact name can be given", s), "* ? and [ cannot be part of it"}
	}
	return s, nil
}

// check finds out which Redis is meant, without dialling it.
func (e *existing) check() []fault {
	const name = "name it with --redis redis://localhost:6379, or in REDIS_URL"
	e.url = e.redis.get()
	from := e.source("redis")
	if e.url == "" || e.url == "auto" {
		e.url, from = e.p.env("REDIS_URL"), "REDIS_URL"
	}
	if e.url == "" {
		return append(e.certificates(), fault{"it is not said which Redis", name})
	}
	if !isURL(e.url) {
		return append(e.certificates(), fault{fmt.Sprintf("%s: %q is started for a run alone, and this needs a Redis that is there already", from, e.url), name})
	}
	s, err := redisserver.Start(context.Background(), redisserver.Options{Source: e.url, Getenv: e.p.env})
	if err != nil {
		return append(e.certificates(), faultOf(err))
	}
	if err := redisconn.CheckURL(s.URL()); err != nil {
		return append(e.certificates(), fault{what: from + ": " + err.Error()})
	}
	e.address = s.Address()
	if err := s.Close(); err != nil {
		return []fault{faultOf(err)}
	}
	return e.certificates()
}

// connect dials the Redis that check found.
func (e *existing) connect(ctx context.Context) (*jobqueue.Client, error) {
	client, err := jobqueue.Connect(ctx, e.config())
	if err == nil && client.Unverified() {
		e.p.console.note("the TLS certificate of %s is not verified", e.address)
	}
	return client, err
}

// config is the Redis that check found, and what is to be found there.
func (e *existing) config() jobqueue.Config {
	asked := e.asked()
	c := jobqueue.Config{
		URL: e.url, Queue: e.queue.get(), Queues: len(asked.Queues),
		Design: asked.Design, Visibility: asked.Visibility, Poll: asked.Poll, Notify: asked.Notify,
	}
	if e.channel != nil {
		c.Channel = e.channel.get()
	}
	if asked.Channels != "" && asked.Channels != scenario.OneChannel {
		c.Channels = asked.Tenants.Count
	}
	if strings.HasPrefix(e.url, "rediss") { // the variables may stay set for another one
		c.CACert, c.Cert, c.Key, c.SkipVerify = e.cacert.get(), e.cert.get(), e.key.get(), e.tlsSkipVerify.get()
	}
	return c
}
