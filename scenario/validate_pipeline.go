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
	if v.Visibility != 0 && !redelivers {
		v.faultWith("visibility", []string{"design"}, "only the designs reliable-list and stream redeliver jobs; remove it or choose one of them")
	}
	if v.Poll != 0 && v.Design != jobqueue.ListPoll {
		v.faultWith("poll", []string{"design"}, "only the design list-poll polls; remove it or choose list-poll")
	}
	if v.Notify == jobqueue.ShardedPubSub && v.Channels == ByPattern {
		v.faultWith("channels", []string{"notify"}, "sharded channels have no patterns; write channels: tenant")
	}
	v.lanes()
	if v.Prefill < 0 {
		v.fault("prefill", "%d is negative", v.Prefill)
	} else if v.Prefill > maxPrefill {
		v.fault("prefill", "%s is more than %s", group(v.Prefill), group(maxPrefill))
	}
	switch {
	case v.Hold.For == 0 && v.Hold.From != 0:
		v.fault("hold.from", "a hold needs its length; write hold: {from: %s, for: 10s}", v.Hold.From)
	case v.Hold.For > 0 && v.Load.Duration > 0 && v.Hold.From >= v.Load.Duration:
		v.faultWith("hold.from", []string{"load.duration"}, "%s is after the end of the load (%s)", v.Hold.From, v.Load.Duration)
	}
	if most := v.Load.Duration + v.DrainTimeout; v.Hold.For > 0 && v.Load.Duration > 0 && v.Load.Duration <= maxDuration && v.Hold.From+v.Hold.For >= most {
		v.faultWith("hold.for", []string{"load.duration", "drain_timeout", "hold.from"}, "the hold ends at %s, after the load and the drain timeout (%s): held jobs could never arrive", v.Hold.From+v.Hold.For, most)
	}
	if p := v.Prefill; p > 0 && !v.Load.Closed() && p >= int64(v.Load.MaxInFlight) {
		v.faultWith("prefill", []string{"load.max_in_flight"}, "%s jobs reach load.max_in_flight at once; raise it", group(p))
	}
	if p := v.Prefill; p > 0 && v.Load.MaxBacklog > 0 && p >= v.Load.MaxBacklog {
		v.faultWith("prefill", []string{"load.max_backlog"}, "%s jobs would end the run at once, since load.max_backlog is %s", group(p), group(v.Load.MaxBacklog))
	}
	if v.Notify == jobqueue.NoNotify {
		v.silent()
	}
	if v.Load.Think != 0 && !v.Load.Closed() {
		v.faultWith("load.think", []string{"load.rate"}, "only a closed loop (rate: max) has a think time; remove it, or lower the rate")
	}
	if f := v.Work.FailRate; f < 0 || f > 1 || math.IsNaN(f) {
		v.fault("work.fail", "%v is not a share from 0 to 1", f)
	}
	if v.External && !v.Load.Observed {
		v.outside()
	}
}

// lanes checks queues and tenants.
func (v *validator) lanes() {
	if n := len(v.Queues); n > maxQueues {
		v.fault("queues", "more than %s", group(maxQueues))
	}
	for _, w := range v.Queues {
		if w < 1 || w > maxWeight {
			v.fault("queues", "a weight of %d is not from 1 to %s", w, group(maxWeight))
			break
		}
	}
	t := v.Tenants
	switch {
	case t.Count < 1:
		v.fault("tenants.count", "%d is less than 1", t.Count)
	case t.Count > maxTenants:
		v.fault("tenants.count", "%s is more than %s", group(t.Count), group(maxTenants))
	case t.Count > maxTopics && v.Channels != OneChannel:
		v.faultWith("tenants.count", []string{"channels"}, "%s tenants with a channel for each are more than %s channels", group(t.Count), group(maxTopics))
	}
	if t.Skew < 0 || t.Skew > maxSkew || math.IsNaN(t.Skew) {
		v.fault("tenants.skew", "%v is not from 0 (equal shares) to %d", t.Skew, maxSkew)
	}
}

// silent checks that nothing is asked of notifications that there are not.
func (v *validator) silent() {
	none := func(field string, set bool) {
		if set {
			v.faultWith(field, []string{"notify"}, "nothing is published with notify: none; remove it")
		}
	}
	none("work.running", v.Work.Running)
	none("subscribers", v.Subscribers > 1)
	none("channels", v.Channels != OneChannel)
}

// outside checks that nothing is asked of consumers that are not ours.
func (v *validator) outside() {
	with := []string{"consumers"}
	none := func(field string, set bool) {
		if set {
			v.faultWith(field, with, "the workers are external and decide this themselves; remove it")
		}
	}
	none("work.time", v.Work.Time != 0)
	none("work.fail", v.Work.FailRate != 0)
	none("work.running", v.Work.Running)
	none("hold", v.Hold.For != 0)
	if v.Notify == jobqueue.NoNotify {
		v.faultWith("notify", with, "without notifications external workers cannot be measured; choose pubsub")
	}
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
	if v.Update != "" && !v.External {
		v.faultWith("update", []string{"consumers"}, "it describes external workers, and built-in consumers publish the documented form; remove it, or write consumers: external")
	}
	if form.Source() == nil {
		return
	}
	if v.Channels != OneChannel {
		v.faultWith("channels", []string{"update"}, "the update mapping says where updates are announced; remove it")
	}
	if v.Notify == jobqueue.ShardedPubSub {
		v.faultWith("notify", []string{"update"}, "sharded channels have no patterns, and keys no shards; write notify: pubsub")
	}
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
	if ends && len(l.Steps) > 0 && l.Duration > length {
		v.faultWith("load.duration", []string{"load.steps"}, "%s is longer than the steps, which take %s; leave it out", l.Duration, length)
	}
	if n, ends := v.Schedule().Jobs(); ends && n == 0 {
		field := "load.steps"
		if l.Replay.given() {
			field = "load.replay"
		}
		v.fault(field, "no job is due in it")
	} else if ends && n > maxJobs {
		v.fault("load.steps", "%s jobs are more than %s; lower the rates", group(n), group(maxJobs))
	}
	if s := l.Replay.Speed; s < 0 || s > 1e6 || math.IsNaN(s) {
		v.fault("load.replay.speed", "%v is not a factor greater than 0", s)
	}
}
