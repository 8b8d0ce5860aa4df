package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// declareNames declares the names of the queue and the channel of a verb that makes
// its own queue unless one is named.
func (r *runner) declareNames(f *flags.Set, what string) {
	f.Group("Queue")
	flags.Var(f, &r.queue, "queue", "", "`KEY` of the queue (default: a new one, removed after the "+what+"); "+
		"on a named queue the "+what+" removes only its own jobs", keyName)
	flags.Var(f, &r.channel, "channel", "", "`NAME` of the notification channel (default: a new one)", keyName)
}

// externalNames checks the names that external workers and the run have to have in common.
// source is where the channel was named. Workers that are started find both in their
// environment.
func externalNames(s scenario.Scenario, queue, channel, source string, started bool) (problems problem.List) {
	facts, by := library.Facts(s), announcedBy(s)
	key := cmp.Or(facts.Queue, jobqueue.DefaultQueue)
	switch {
	case by != "" && !started && queue == "":
		problems.Add(fmt.Sprintf("scenario %q: its consumers are external, and need --queue", s.Name),
			"add --queue "+key+", or the name your workers use")
	case by != "" && channel != "":
		problems.Add(fmt.Sprintf("scenario %q: %s: %s", s.Name, source, by),
			"remove it")
	case by == "" && !started && (queue == "" || channel == ""):
		problems.Add(fmt.Sprintf("scenario %q: its consumers are external, and need both --queue and --channel", s.Name),
			"add --queue "+key+" --channel "+jobqueue.DefaultChannel+", or the names your workers use; --worker COMMAND starts workers and gives them both")
	}
	if d := library.Of(s); d != nil && queue != "" {
		if _, err := d.Layout(dialect.Jobs{Queue: facts.Key(queue), Name: s.JobName}); err != nil {
			problems.Add(fmt.Sprintf("scenario %q: %s", s.Name, err), "write it like --queue "+key)
		}
	}
	return problems
}

// announcedBy says who announces updates elsewhere than on the channel, "" for no one.
func announcedBy(s scenario.Scenario) string {
	switch {
	case library.Facts(s).Announces():
		return fmt.Sprintf("with dialect %s the library announces the ends of jobs itself", s.Dialect)
	case library.Announced(s):
		return "the update mapping says where workers announce the ends of jobs"
	}
	return ""
}

// nameProblems checks the names of the queue and the channel, which external workers have to
// know.
func (r *runner) nameProblems(scenarios []scenario.Scenario) problem.List {
	var problems problem.List
	for _, s := range scenarios {
		if s.Load.Observed {
			if !r.redis.Exists() {
				problems.Add(fmt.Sprintf("scenario %q: its producers are external, and cannot know a Redis that is started for the run", s.Name),
					"name their Redis with --redis redis://HOST:PORT")
				break
			}
			if library.Of(s) != nil && r.queue == "" || library.Announced(s) {
				problems = append(problems, externalNames(s, r.queue, r.channel, r.Source("channel"), false)...)
			}
			continue
		}
		if s.Entry.Kind == scenario.EntryHTTP {
			if library.Of(s) != nil || r.channel != "" && library.Announced(s) {
				problems = append(problems, externalNames(s, r.queue, r.channel, r.Source("channel"), library.Of(s) == nil)...)
			}
			if !r.redis.Exists() && !s.Exit.Given() {
				problems.Add(fmt.Sprintf("scenario %q: its jobs come in through your API, and nothing receives their ends", s.Name),
					"name the Redis of your API with --redis redis://HOST:PORT and the channel with --channel, or its WebSocket with --exit ws://HOST:PORT/PATH")
			}
			continue
		}
		if !s.External {
			continue
		}
		started := r.WorkerCommand() != "" // it finds them in its environment
		problems = append(problems, externalNames(s, r.queue, r.channel, r.Source("channel"), started)...)
		if !started && !r.redis.Exists() {
			problems.Add(fmt.Sprintf("scenario %q: its consumers are external, and cannot know a Redis that is started for the run", s.Name),
				"name their Redis with --redis redis://HOST:PORT, or start them with --worker")
		}
		break
	}
	for _, s := range scenarios {
		if s.External || r.queue == "" {
			continue
		}
		switch {
		case s.Design == jobqueue.ReliableList, s.Design == jobqueue.Stream:
			problems.Add(fmt.Sprintf("scenario %q: its consumers would take foreign jobs from %q, and the design %s cannot put them back unchanged", s.Name, r.queue, s.Design),
				"add --consumers external, or remove --queue")
		case len(s.Queues) > 1:
			problems.Add(fmt.Sprintf("scenario %q: its consumers would take foreign jobs from several queues, and could not put them back in place", s.Name),
				"add --consumers external, or remove --queue")
		}
	}
	if r.allowNonEmpty && r.queue == "" {
		problems.Add(r.Source("allow-non-empty")+": without --queue the queue is new and always empty", "name the queue with --queue")
	}
	return problems
}

// searchNameProblems says what is wrong with the names that a search was given: they
// are those of the user's workers.
func (c *searching) searchNameProblems(s scenario.Scenario) (problems problem.List) {
	if s.Entry.Kind == scenario.EntryHTTP || s.External {
		return c.nameProblems([]scenario.Scenario{s})
	}
	for _, flag := range []string{"queue", "channel"} {
		if c.Given(flag) {
			problems.Add(c.Source(flag)+": a search whose workers are its own makes its own queues and channels",
				"add --consumers external if your workers run already, or --worker COMMAND, or remove it")
		}
	}
	return problems
}

// keyName reads the name of a key or a channel.
func keyName(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("it is empty")
	}
	return s, nil
}

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
	complete(cmd, "redis", beginnings(redisSchemes()...))
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
func (e *existing) check() (problems problem.List) {
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
		Queue: library.Facts(asked).Key(e.queue), Channel: e.channel, Queues: len(asked.Queues),
		Design: asked.Design, Visibility: asked.Visibility, Poll: asked.Poll, Notify: asked.Notify,
	}
	if asked.Channels != "" && asked.Channels != scenario.OneChannel {
		c.Channels = asked.Tenants.Count
	}
	return e.redis.Config(c, e.url)
}

// ownNames are the queue and the channel of a run's own. The workers of a library know
// their queues by the names that its keys have.
func ownNames(s scenario.Scenario, id string) (queue, channel string) {
	queue, channel = runname.Of(id)
	return library.Facts(s).NamePrefix + queue, channel
}

// watchedNames are the queue that is looked at and, unless the library announces the ends of
// jobs itself, where updates are heard.
func watchedNames(s scenario.Scenario, client *jobqueue.Client) string {
	facts := library.Facts(s)
	queue := fmt.Sprintf("queue %q", facts.Name(client.Queue()))
	form, err := library.Mapping(s)
	switch {
	case facts.Announces() || err != nil:
		return queue
	case form.Source() != nil:
		return queue + " and " + form.Source().Words()
	}
	return queue + fmt.Sprintf(" and channel %q", client.Channel())
}

// dialectProblems checks what is said of the library whose workers are watched.
func (w *watching) dialectProblems() (problems problem.List) {
	asked, facts := w.Asked(), w.facts()
	if facts.Announces() && asked.Update != "" {
		problems = append(problems, problem.Problem{What: fmt.Sprintf("--update: with dialect %s the library announces the ends of jobs itself", asked.Dialect), Hint: "remove it"})
	}
	if by := announcedBy(asked); by != "" && w.channel != "" {
		problems = append(problems, problem.Problem{What: "--channel: " + by, Hint: "remove it"})
	}
	d := library.Of(asked)
	if d == nil {
		return problems
	}
	if asked.Design != "" && asked.Design != jobqueue.List {
		problems = append(problems, problem.Problem{What: fmt.Sprintf("--design: the queues of dialect %s are lists", asked.Dialect), Hint: "remove it"})
	}
	if w.queue == "" {
		return append(problems, problem.Problem{What: fmt.Sprintf("dialect %s needs the name of a queue", asked.Dialect), Hint: "add --queue " + facts.Queue + ", or the name your workers use"})
	}
	if _, err := d.Layout(dialect.Jobs{Queue: facts.Key(w.queue)}); err != nil {
		problems = append(problems, problem.Problem{What: err.Error(), Hint: "write it like --queue " + facts.Queue})
	}
	return problems
}
