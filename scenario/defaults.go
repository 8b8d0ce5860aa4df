package scenario

import (
	"cmp"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// What a scenario has where it says nothing.
const (
	defaultDuration     = 10 * time.Second
	defaultDrainTimeout = 10 * time.Second
	leastInFlight       = 16
	defaultMaxInFlight  = 1_000_000
)

// WithDefaults is the scenario with everything filled in that was left at
// zero and has a default. What is set stays, also where it is wrong. Doing it
// twice changes nothing more.
//
// Defaults depend on each other (the tokens of a closed loop on the pools), so
// fill them in last, after every other change.
func (s Scenario) WithDefaults() Scenario {
	if s.Load.Observed {
		// All pools are external. A number of consumers contradicts that, and is kept.
		s.External = s.External || s.Consumers == 0
	} else {
		s.Producers = cmp.Or(s.Producers, 1)
		s.Consumers = cmp.Or(s.Consumers, 1)
	}
	s.Subscribers = cmp.Or(s.Subscribers, 1)
	s.Batch = cmp.Or(s.Batch, 1)
	s.Tenants.Count = cmp.Or(s.Tenants.Count, 1)
	if s.External {
		s.Consumers = 0 // all are external
	}
	s.Design = cmp.Or(s.Design, jobqueue.List)
	s.Notify = cmp.Or(s.Notify, jobqueue.PubSub)
	s.Channels = cmp.Or(s.Channels, OneChannel)
	queue := jobqueue.Config{}.WithDefaults()
	switch s.Design {
	case jobqueue.ListPoll:
		s.Poll = cmp.Or(s.Poll, queue.Poll)
	case jobqueue.ReliableList, jobqueue.Stream:
		s.Visibility = cmp.Or(s.Visibility, queue.Visibility)
	}
	s.entryDefaults()
	s.DrainTimeout = cmp.Or(s.DrainTimeout, defaultDrainTimeout)
	if !s.Work.Drawn.IsFixed() {
		s.Work.Time = s.Work.Drawn.Mean()
	}
	if !s.Payloads.IsFixed() {
		s.Payload = int(math.Round(s.Payloads.Mean()))
	}
	if length, ends := s.Schedule().Length(); ends && s.Load.Duration == 0 {
		s.Load.Duration = length
	}
	if s.Load.Duration == 0 && s.Load.Jobs == 0 && !s.Load.Replay.given() {
		s.Load.Duration = defaultDuration
	}
	switch {
	case s.Load.Open() && s.Load.Arrivals == "":
		s.Load.Arrivals = pace.Constant
	case s.Load.Closed() && s.Load.InFlight == 0:
		s.Load.InFlight = s.defaultInFlight()
	}
	if s.Load.Open() && s.Load.MaxInFlight == 0 {
		s.Load.MaxInFlight = defaultMaxInFlight
	}
	return s
}

// defaultInFlight gives every producer, every consumer and every connection of the entry
// one batch in progress and one more, so that none of them waits for a token.
func (s Scenario) defaultInFlight() int {
	// Pools and batches beyond their bounds are refused elsewhere; here they must not
	// make the product overflow.
	within := func(n, most int) int { return min(max(n, 1), most) }
	pools := within(s.Producers, maxPool) + within(s.Consumers, maxPool)
	switch s.Entry.Kind {
	case EntryPostgres:
		pools += within(s.Entry.Postgres.Connections, maxPool)
	case EntryHTTP:
		pools += within(s.Entry.HTTP.Connections, maxPool)
	}
	return min(max(2*pools*within(s.Batch, maxBatch), leastInFlight), maxInFlight)
}
