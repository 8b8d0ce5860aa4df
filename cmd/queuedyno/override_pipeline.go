package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// pipelineFlags are the flags for how a scenario's pipeline is built.
type pipelineFlags struct {
	elements   *value[scenario.Elements]
	jobClass   *value[string]
	update     *value[string]
	design     *value[jobqueue.Design]
	visibility *value[time.Duration]
	poll       *value[time.Duration]
	queues     *value[[]int]
	notify     *value[jobqueue.Notify]
	channels   *value[scenario.Channels]
	tenants    *value[scenario.Tenants]
	prefill    *value[int64]
	hold       *value[scenario.Hold]
	think      *value[time.Duration]
	failRate   *value[float64]
	running    *value[bool]
}

func addPipelineFlags(f *flags) pipelineFlags {
	return pipelineFlags{
		think:    add(f, "think", "", "`TIME` that a user thinks between a notification and his next job, with --rate max", duration(0)),
		failRate: add(f, "fail-rate", "", "`SHARE` of the jobs that consumers say FAILED of, like 1% or 0.01", scenario.ParseShare),
		running:  addSwitch(f, "running", "", "consumers publish RUNNING before they work, which gives the stage pickup"),
		elements: add(f, "elements", "", "how jobs look in the queue, a `KIND`: plain or sidekiq, for --consumers external",
			anyOf(scenario.PlainElements, scenario.SidekiqElements)),
		jobClass: add(f, "job-class", "", "`CLASS` of the jobs, with --elements sidekiq", anyText),
		update: add(f, "update", "", "how external workers publish, a `MAPPING` like 'id=.id,status=.state,completed=done|ok,failed=error'\n"+
			"(also tenant, error, running); what it leaves out is as documented", update),
		design: add(f, "design", "", "how the queue is built, a `KIND`: list, list-poll, reliable-list or stream", anyOf(jobqueue.Designs()...)),
		visibility: add(f, "visibility", "", "`TIME` without a sign of life after which a worker's jobs are given to another,\n"+
			"in the designs reliable-list and stream (default 5s)", duration(1)),
		poll:   add(f, "poll", "", "`TIME` between two looks into an empty queue, in the design list-poll (default 10ms)", duration(1)),
		queues: add(f, "queues", "", "`NUMBER` of queues, or their weights in the order of priority, like 1,2,7", scenario.ParseQueues),
		notify: add(f, "notify", "", "how notifications travel, a `KIND`: pubsub, sharded-pubsub or none", anyOf(jobqueue.Notifies()...)),
		channels: add(f, "channels", "", "`KIND` of channels: one, tenant (one for each) or pattern (the same, subscribed to by a pattern)",
			anyOf(scenario.OneChannel, scenario.PerTenant, scenario.ByPattern)),
		tenants: add(f, "tenants", "", "`NUMBER` of tenants; 100:1.2 are a hundred with shares by Zipf's law with exponent 1.2", tenants),
		prefill: add(f, "prefill", "", "`NUMBER` of jobs that wait in the queue when the load begins", wholeNumber),
		hold:    add(f, "hold", "", "`TIME` for which no consumer takes a job: 10s from the beginning on, or 5s+10s from 5s on", hold),
	}
}

// anyOf reads one of a few words of a type of their own.
func anyOf[T ~string](valid ...T) func(string) (T, error) {
	texts := make([]string, len(valid))
	for i, w := range valid {
		texts[i] = string(w)
	}
	return func(s string) (T, error) {
		word, err := oneOf(texts...)(s)
		if near := scenario.Suggest(s, texts); err != nil && near != "" {
			err = fmt.Errorf("%w (did you mean %q?)", err, near)
		}
		return T(word), err
	}
}

// update reads the form of updates, and keeps it as it was written.
func update(s string) (string, error) {
	m, err := jobqueue.ParseMapping(s)
	return m.String(), err
}

// wholeNumber reads a number that may be 0.
func wholeNumber(s string) (int64, error) {
	if strings.TrimSpace(s) == "0" {
		return 0, nil
	}
	return count(s)
}

// tenants reads "100" or "100:1.2".
func tenants(s string) (scenario.Tenants, error) {
	number, skew, cut := strings.Cut(s, ":")
	n, err := smallCount(number)
	if err != nil {
		return scenario.Tenants{}, err
	}
	t := scenario.Tenants{Count: n}
	if cut {
		if t.Skew, err = strconv.ParseFloat(strings.TrimSpace(skew), 64); err != nil {
			return t, fmt.Errorf("%q is not a number; write it like 100:1.2", skew)
		}
	}
	return t, nil
}

// hold reads "10s" or "5s+10s".
func hold(s string) (scenario.Hold, error) {
	from, length, cut := strings.Cut(s, "+")
	if !cut {
		from, length = "0s", s
	}
	var h scenario.Hold
	var errFrom, errFor error
	h.From, errFrom = duration(0)(from)
	h.For, errFor = duration(0)(length)
	return h, errors.Join(errFrom, errFor)
}

// pool is a number of producers or consumers, or that they are none of ours.
type pool struct {
	size     int
	external bool
}

func poolSize(s string) (pool, error) {
	if strings.TrimSpace(s) == "external" {
		return pool{external: true}, nil
	}
	n, err := smallCount(s)
	if err != nil {
		err = fmt.Errorf("%w, or external", err)
	}
	return pool{size: n}, err
}

// apply sets the fields of the flags that were given. What belongs to another
// design goes with the old one.
func (o pipelineFlags) apply(s *scenario.Scenario) {
	if o.elements.given() && o.elements.get() != s.Elements {
		s.JobClass = ""
	}
	s.Elements = o.elements.or(s.Elements)
	s.JobClass = o.jobClass.or(s.JobClass)
	s.Update = o.update.or(s.Update)
	if o.design.given() && o.design.get() != s.Design {
		s.Visibility, s.Poll = 0, 0
	}
	s.Design = o.design.or(s.Design)
	s.Visibility = o.visibility.or(s.Visibility)
	s.Poll = o.poll.or(s.Poll)
	s.Queues = o.queues.or(s.Queues)
	s.Notify = o.notify.or(s.Notify)
	s.Channels = o.channels.or(s.Channels)
	s.Tenants = o.tenants.or(s.Tenants)
	s.Prefill = o.prefill.or(s.Prefill)
	s.Hold = o.hold.or(s.Hold)
	s.Load.Think = o.think.or(s.Load.Think)
	s.Work.FailRate = o.failRate.or(s.Work.FailRate)
	s.Work.Running = o.running.or(s.Work.Running)
}
