package scenario

import (
	"github.com/queuedyno/queuedyno/jobqueue"
)

// onlooker checks that nothing is asked of an observed load that only one of
// our own has.
func (v *validator) onlooker() {
	with := []string{"producers"}
	none := func(field string, set bool) {
		if set {
			v.faultWith(field, with, "the producers are external, and so are the workers: a run that only looks on has no use for it; remove it")
		}
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
	none("elements", v.Elements != "" && v.Elements != PlainElements)
	none("prefill", v.Prefill != 0)
	none("hold", v.Hold.For != 0)
	if v.Notify == jobqueue.NoNotify {
		v.faultWith("notify", with, "without notifications there is nothing to listen to; choose pubsub")
	}
}
