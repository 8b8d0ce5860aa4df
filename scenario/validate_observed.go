package scenario

import (
	"github.com/queuedyno/queuedyno/jobqueue"
)

// observed checks that an observed load sets nothing that needs a load that is made.
func (v *validator) observed() {
	with := []string{"producers"}
	none := func(field string, set bool) {
		v.faultIf(set, field, with, "producers and workers are external, so the run only observes; remove it")
	}
	l := v.Load
	none("producers", v.Producers != 0)
	none("consumers", v.Consumers != 0)
	none("load.rate", !l.Rate.IsZero())
	none("load.steps", len(l.Steps) > 0)
	none("load.replay", l.Replay.given())
	none("load.arrivals", l.Arrivals != "")
	none("load.in_flight", l.InFlight != 0)
	none("load.max_in_flight", l.MaxInFlight != 0)
	none("load.max_backlog", l.MaxBacklog != 0)
	none("load.think", l.Think != 0)
	none("subscribers", v.Subscribers > 1)
	none("batch", v.Batch > 1)
	none("payload", v.Payload != 0)
	none("work", !v.Work.none())
	none("job_name", v.JobName != "")
	none("job_args", v.JobArgs != "")
	none("prefill", v.Prefill != 0)
	none("hold", v.Hold.For != 0)
	none("entry", v.Entry.Kind != EntryPush)
	none("exit", v.Exit.Given())
	v.faultIf(v.Notify == jobqueue.NoNotify, "notify", with, "without notifications there is nothing to observe; choose pubsub")
}
