package main

import (
	"cmp"
	"fmt"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// timesOfDesign refuses times that the design has no use for.
func (w *workers) timesOfDesign() []problem.Problem {
	var problems []problem.Problem
	design := cmp.Or(w.Asked().Design, jobqueue.List)
	if w.Written("visibility") && design != jobqueue.ReliableList && design != jobqueue.Stream {
		problems = append(problems, problem.Problem{What: fmt.Sprintf("--visibility does not apply to the design %s", design), Hint: "add --design reliable-list or --design stream"})
	}
	if w.Written("poll") && design != jobqueue.ListPoll {
		problems = append(problems, problem.Problem{What: fmt.Sprintf("--poll does not apply to the design %s", design), Hint: "add --design list-poll"})
	}
	return problems
}

// unheard refuses what has no meaning where nothing is published.
func (w *workers) unheard() []problem.Problem {
	if w.Asked().Notify != jobqueue.NoNotify {
		return nil
	}
	var problems []problem.Problem
	for _, flag := range []struct {
		name string
		set  bool
	}{{"running", w.running}, {"channels", w.apart()}, {"channel", true}} {
		if flag.set && w.Written(flag.name) {
			problems = append(problems, problem.Problem{What: fmt.Sprintf("--%s does not apply with --notify %s: nothing is published", flag.name, jobqueue.NoNotify), Hint: "remove one of them"})
		}
	}
	return problems
}

// outOfRange refuses values that no queue is made with.
func (w *workers) outOfRange() []problem.Problem {
	var problems []problem.Problem
	err := w.config().Validate()
	all, several := err.(interface{ Unwrap() []error })
	if !several {
		return nil
	}
	for _, one := range all.Unwrap() {
		problems = append(problems, problem.Problem{What: "--" + one.Error()})
	}
	return problems
}

// apart reports whether each tenant has its own channel.
func (w *workers) apart() bool {
	return cmp.Or(w.Asked().Channels, scenario.OneChannel) != scenario.OneChannel
}

// tenantsChannels refuses channels without tenants, and tenants without channels.
func (w *workers) tenantsChannels() []problem.Problem {
	switch {
	case w.apart() && !w.Given("tenants"):
		return []problem.Problem{{What: fmt.Sprintf("--channels %s: the number of tenants is missing", w.Asked().Channels), Hint: "add --tenants NUMBER"}}
	case !w.apart() && w.Written("tenants"):
		return []problem.Problem{{What: "--tenants does not apply if all updates go to one channel", Hint: "add --channels tenant"}}
	}
	return nil
}

// channelOf is the channel of each tenant: t1 has the first, and so does a tenant
// without one.
func (w *workers) channelOf() func(tenant string) int {
	if !w.apart() {
		return nil
	}
	n := w.Asked().Tenants.Count
	numbers := make(map[string]int, n)
	for i := range n {
		numbers[flight.TenantName(i)] = i
	}
	return func(tenant string) int { return numbers[tenant] }
}

// where is the queue and the channel, by the names that Redis knows.
func (w *workers) where(c *jobqueue.Client) string {
	queues, channels := len(w.Asked().Queues), 1
	if w.apart() {
		channels = w.Asked().Tenants.Count
	}
	text := fmt.Sprintf("on %s at %s, ", named(c.Queue(), queues, jobqueue.QueueName), w.address)
	if w.Asked().Notify == jobqueue.NoNotify {
		return text + "no updates"
	}
	return text + "updates on " + named(c.Channel(), channels, jobqueue.ChannelName)
}

// named are the names of n queues or channels, of many the first and the last.
func named(base string, n int, name func(base string, i, n int) string) string {
	first := fmt.Sprintf("%q", name(base, 0, n))
	if n <= 1 {
		return first
	}
	word := "to"
	if n == 2 {
		word = "and"
	}
	return fmt.Sprintf("%s %s %q", first, word, name(base, n-1, n))
}
