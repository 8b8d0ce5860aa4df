package scenario

import (
	"errors"
	"math"
	"strings"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// The bounds of the pipeline.
const (
	maxQueues  = 1000
	maxWeight  = 1_000_000
	maxTenants = 100_000
	maxTopics  = 10_000
	maxSkew    = 10
	maxPrefill = 100_000_000
	maxJobName = 200
	maxJobArgs = 1 << 16
)

// pipeline checks how the pipeline is built.
func (v *validator) pipeline() {
	v.dialect()
	v.update()
	oneOf(v, "design", v.Design, jobqueue.Designs()...)
	oneOf(v, "notify", v.Notify, jobqueue.Notifies()...)
	oneOf(v, "channels", v.Channels, OneChannel, PerTenant, ByPattern)
	redelivers := v.Design == jobqueue.ReliableList || v.Design == jobqueue.Stream
	v.faultIf(v.Visibility != 0 && !redelivers, "visibility", []string{"design"}, "only the designs reliable-list and stream redeliver jobs; remove it or choose one of them")
	v.faultIf(v.Poll != 0 && v.Design != jobqueue.ListPoll, "poll", []string{"design"}, "only the design list-poll polls; remove it or choose list-poll")
	v.faultIf(v.Notify == jobqueue.ShardedPubSub && v.Channels == ByPattern, "channels", []string{"notify"}, "sharded channels have no patterns; write channels: tenant")
	v.lanes()
	v.faultIf(v.Prefill < 0, "prefill", nil, "%d is negative", v.Prefill)
	v.faultIf(v.Prefill > maxPrefill, "prefill", nil, "%s is more than %s", group(v.Prefill), group(maxPrefill))
	switch {
	case v.Hold.For == 0 && v.Hold.From != 0:
		v.fault("hold.from", "a hold needs its length; write hold: {from: %s, for: 10s}", v.Hold.From)
	case v.Hold.For > 0 && v.Load.Duration > 0 && v.Hold.From >= v.Load.Duration:
		v.faultWith("hold.from", []string{"load.duration"}, "%s is after the end of the load (%s)", v.Hold.From, v.Load.Duration)
	}
	if most := v.Load.Duration + v.DrainTimeout; v.Hold.For > 0 && v.Load.Duration > 0 && v.Load.Duration <= maxDuration && v.Hold.From+v.Hold.For >= most {
		v.faultWith("hold.for", []string{"load.duration", "drain_timeout", "hold.from"}, "the hold ends at %s, after the load and the drain timeout (%s): held jobs could never arrive", v.Hold.From+v.Hold.For, most)
	}
	p := v.Prefill
	v.faultIf(p > 0 && !v.Load.Closed() && p >= int64(v.Load.MaxInFlight), "prefill", []string{"load.max_in_flight"},
		"%s jobs reach load.max_in_flight at once; raise it", group(p))
	v.faultIf(p > 0 && v.Load.MaxBacklog > 0 && p >= v.Load.MaxBacklog, "prefill", []string{"load.max_backlog"},
		"%s jobs would end the run at once, since load.max_backlog is %s", group(p), group(v.Load.MaxBacklog))
	if v.Notify == jobqueue.NoNotify {
		v.silent()
	}
	v.faultIf(v.Load.Think != 0 && !v.Load.Closed(), "load.think", []string{"load.rate"}, "only a closed loop (rate: max) has a think time; remove it, or lower the rate")
	f := v.Work.FailRate
	v.faultIf(f < 0 || f > 1 || math.IsNaN(f), "work.fail", nil, "%v is not a share from 0 to 1", f)
	if v.External && !v.Load.Observed {
		v.outside()
	}
}

// lanes checks queues and tenants.
func (v *validator) lanes() {
	v.faultIf(len(v.Queues) > maxQueues, "queues", nil, "more than %s", group(maxQueues))
	for _, w := range v.Queues {
		if w < 1 || w > maxWeight {
			v.fault("queues", "a weight of %d is not from 1 to %s", w, group(maxWeight))
			break
		}
	}
	t := v.Tenants
	v.size("tenants.count", t.Count, maxTenants)
	v.faultIf(t.Count > maxTopics && t.Count <= maxTenants && v.Channels != OneChannel, "tenants.count", []string{"channels"},
		"%s tenants with a channel for each are more than %s channels", group(t.Count), group(maxTopics))
	v.faultIf(t.Skew < 0 || t.Skew > maxSkew || math.IsNaN(t.Skew), "tenants.skew", nil, "%v is not from 0 (equal shares) to %d", t.Skew, maxSkew)
}

// silent checks that nothing is asked of notifications that there are not.
func (v *validator) silent() {
	none := func(field string, set bool) {
		v.faultIf(set, field, []string{"notify"}, "nothing is published with notify: none; remove it")
	}
	none("work.running", v.Work.Running)
	none("subscribers", v.Subscribers > 1)
	none("channels", v.Channels != OneChannel)
}

// outside checks that nothing is asked of consumers that are not ours.
func (v *validator) outside() {
	with := []string{"consumers"}
	none := func(field string, set bool) {
		v.faultIf(set, field, with, "the workers are external and decide this themselves; remove it")
	}
	none("work.time", v.Work.Time != 0)
	none("work.fail", v.Work.FailRate != 0)
	none("work.running", v.Work.Running)
	none("hold", v.Hold.For != 0)
	v.faultIf(v.Notify == jobqueue.NoNotify, "notify", with, "without notifications external workers cannot be measured; choose pubsub")
}

// Mapping is the form of the updates that a run reads.
func (s Scenario) Mapping() (updates.Mapping, error) {
	if s.Update == "" {
		return updates.Mapping{}, nil
	}
	return updates.ParseMapping(s.Update)
}

// update checks the form of the updates.
func (v *validator) update() {
	form, err := v.Mapping()
	if wrong := (*updates.MappingError)(nil); errors.As(err, &wrong) {
		for _, problem := range wrong.Problems {
			v.fault("update", "%s", problem)
		}
	}
	v.faultIf(v.Update != "" && !v.External, "update", []string{"consumers"}, "it describes external workers, and built-in consumers publish the documented form; remove it, or write consumers: external")
	if form.Source() == nil {
		return
	}
	v.faultIf(v.Channels != OneChannel, "channels", []string{"update"}, "the update mapping says where updates are announced; remove it")
	v.faultIf(v.Notify == jobqueue.ShardedPubSub, "notify", []string{"update"}, "sharded channels have no patterns, and keys no shards; write notify: pubsub")
}

// oneOf checks a word.
func oneOf[T ~string](v *validator, field string, word T, valid ...T) {
	if _, err := literal.Word(field[strings.LastIndexByte(field, '.')+1:], valid...)(string(word)); err != nil {
		v.fault(field, "%s", err)
	}
}

// shape checks that a load has one of three shapes, and no longer duration than it.
func (v *validator) shape() {
	l := v.Load
	switch {
	case len(l.Steps) > 0 && l.Replay.given():
		v.faultWith("load.replay", []string{"load.steps"}, "a load is either steps or a replay; remove one")
	case len(l.Steps) > 0 && !l.Rate.IsZero():
		v.faultWith("load.steps", []string{"load.rate"}, "a load is either a rate or steps; remove one")
	case l.Replay.given() && !l.Rate.IsZero():
		v.faultWith("load.replay", []string{"load.rate"}, "a load is either a rate or a replay; remove one")
	}
	if err := l.Steps.Validate(); err != nil {
		v.fault("load.steps", "%s", err)
		return
	}
	length, ends := v.Schedule().Length()
	v.faultIf(ends && len(l.Steps) > 0 && l.Duration > length, "load.duration", []string{"load.steps"}, "%s is longer than the steps, which take %s; leave it out", l.Duration, length)
	if n, ends := v.Schedule().Jobs(); ends && n == 0 {
		field := "load.steps"
		if l.Replay.given() {
			field = "load.replay"
		}
		v.fault(field, "no job is due in it")
	} else if ends && n > maxJobs {
		v.fault("load.steps", "%s jobs are more than %s; lower the rates", group(n), group(maxJobs))
	}
	s := l.Replay.Speed
	v.faultIf(s < 0 || s > 1e6 || math.IsNaN(s), "load.replay.speed", nil, "%v is not a factor greater than 0", s)
}
