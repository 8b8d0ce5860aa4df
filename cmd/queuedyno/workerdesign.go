package main

import (
	"cmp"
	"fmt"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// timesOfDesign refuses times that the design has no use for.
func (w *workers) timesOfDesign() []fault {
	var faults []fault
	design := cmp.Or(w.asked().Design, jobqueue.List)
	if w.onCommandLine("visibility") && design != jobqueue.ReliableList && design != jobqueue.Stream {
		faults = append(faults, fault{fmt.Sprintf("--visibility means nothing to the design %s", design), "add --design reliable-list or --design stream"})
	}
	if w.onCommandLine("poll") && design != jobqueue.ListPoll {
		faults = append(faults, fault{fmt.Sprintf("--poll means nothing to the design %s", design), "add --design list-poll"})
	}
	return faults
}

// unheard refuses what has no meaning where nothing is published.
func (w *workers) unheard() []fault {
	if w.asked().Notify != jobqueue.NoNotify {
		return nil
	}
	var faults []fault
	for _, flag := range []struct {
		name string
		set  bool
	}{{"running", w.running.get()}, {"channels", w.apart()}, {"channel", true}} {
		if flag.set && w.onCommandLine(flag.name) {
			faults = append(faults, fault{fmt.Sprintf("--%s means nothing with --notify %s: nothing is published", flag.name, jobqueue.NoNotify), "leave one of them out"})
		}
	}
	return faults
}

// outOfRange refuses values that no queue is made with.
func (w *workers) outOfRange() []fault {
	var faults []fault
	err := w.config().Validate()
	all, several := err.(interface{ Unwrap() []error })
	if !several {
		return nil
	}
	for _, one := range all.Unwrap() {
		faults = append(faults, fault{what: "--" + one.Error()})
	}
	return faults
}

// apart reports whether each tenant has a channel of his own.
func (w *workers) apart() bool {
	return cmp.Or(w.asked().Channels, scenario.OneChannel) != scenario.OneChannel
}

// tenantsChannels refuses channels without tenants, and tenants without channels.
func (w *workers) tenantsChannels() []fault {
	switch {
	case w.apart() && !w.says("tenants"):
		return []fault{{fmt.Sprintf("--channels %s: it is not said how many tenants there are", w.asked().Channels), "add --tenants NUMBER"}}
	case !w.apart() && w.onCommandLine("tenants"):
		return []fault{{"--tenants means nothing where all updates go to one channel", "add --channels tenant"}}
	}
	return nil
}

// channelOf is the channel of each tenant, t1 having the first. So has a tenant
// who has none of his own.
func (w *workers) channelOf() func(tenant string) int {
	if !w.apart() {
		return nil
	}
	n := w.asked().Tenants.Count
	numbers := make(map[string]int, n)
	for i := range n {
		numbers[flight.TenantName(i)] = i
	}
	return func(tenant string) int { return numbers[tenant] }
}

// where is what is worked on and where that is told, by the names that Redis
// knows.
func (w *workers) where(c *jobqueue.Client) string {
	queues, channels := len(w.asked().Queues), 1
	if w.apart() {
		channels = w.asked().Tenants.Count
	}
	text := fmt.Sprintf("on %s at %s, ", named(c.Queue(), queues, jobqueue.QueueName), w.address)
	if w.asked().Notify == jobqueue.NoNotify {
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
