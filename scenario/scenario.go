// Package scenario describes a load on a job queue: at which rate jobs are
// pushed and by how many producers, how many consumers take them and how long
// each job takes, how many subscribers wait for the notifications, and which
// limits the run must keep.
//
// A [Scenario] is plain data. Write one as a Go literal, or read a file of them
// with [Parse]; [Scenario.WithDefaults] fills in what was left at zero, and
// [Scenario.Validate] lists everything that is wrong with it. The package runs
// nothing: that is queuedyno.Run, in the package at the root of this module.
package scenario

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Scenario is one named description of load, pools, work and thresholds. It is
// a plain value: copy it, change a field, run it. [Scenario.WithDefaults] fills
// what was left at zero, [Scenario.Validate] lists everything that is wrong.
type Scenario struct {
	// Name identifies the scenario; lower-case letters, digits, '.', '-', '_'.
	Name string `json:"name"`
	// Description says which question the scenario answers.
	Description string `json:"description,omitempty"`
	// Load is how jobs are offered.
	Load Load `json:"load"`
	// Producers push jobs, each on its own connection. Zero means 1.
	Producers int `json:"producers"`
	// Consumers pop jobs, do the work and publish, each on its own connection.
	// Zero means 1.
	Consumers int `json:"consumers"`
	// External means that other processes do the jobs: the run pushes jobs and
	// hears notifications. Consumers and Work are ignored then.
	External bool `json:"external_consumers,omitempty"`
	// Hold keeps the consumers from taking jobs for a while, at the beginning
	// or later.
	Hold Hold `json:"hold,omitzero"`
	// Subscribers each receive every notification on their own connection.
	// Zero means 1.
	Subscribers int `json:"subscribers"`
	// Batch is how many jobs one push carries, and how many a consumer asks
	// for at once. The jobs of a batch are due together. Zero means 1.
	Batch int `json:"batch"`
	// Payload is the size in bytes of a job's payload besides its id. Zero
	// means that the id alone travels through the list.
	Payload int `json:"payload_bytes"`
	// Payloads is a distribution of that size, for jobs that are not all alike.
	// Payload is then its mean.
	Payloads draw.Size `json:"payloads,omitzero"`
	// Work is what a consumer does with a job.
	Work Work `json:"work"`
	// Dialect is the library whose jobs are in the queue and whose workers take them:
	// sidekiq, celery, bullmq, asynq or rq. Empty and "plain" mean none of them: the job's
	// id is in the queue, or JSON with it.
	Dialect string `json:"elements,omitempty"`
	// JobName is what the library calls the jobs: Sidekiq's class, Celery's task.
	JobName string `json:"job_class,omitempty"`
	// JobArgs are the arguments of Celery's tasks, a JSON array. A payload is the last
	// argument. Empty means none but the payload.
	JobArgs string `json:"job_args,omitempty"`
	// Update is the form of the updates that external workers publish, as
	// [updates.ParseMapping] reads it. Empty means the documented form.
	Update string `json:"update,omitempty"`
	// Design is how the queue is built: see [jobqueue.Design]. Empty means
	// "list".
	Design jobqueue.Design `json:"design,omitempty"`
	// Visibility is the time without a sign of life after which another worker gets
	// a worker's jobs, in designs that support it. Zero means 5 s.
	Visibility time.Duration `json:"visibility_ns,omitempty"`
	// Poll is the interval at which a consumer of the design "list-poll" checks an
	// empty queue. Zero means 10 ms.
	Poll time.Duration `json:"poll_ns,omitempty"`
	// Queues are the shares of several queues in the jobs, in the order of
	// their priority: consumers take from the first that holds a job. Empty
	// means one queue.
	Queues []int `json:"queues,omitempty"`
	// Notify is how notifications travel: see [jobqueue.Notify]. Empty means
	// "pubsub".
	Notify jobqueue.Notify `json:"notify,omitempty"`
	// Channels is whether there is one channel for all or one for each tenant.
	// Empty means one.
	Channels Channels `json:"channels,omitempty"`
	// Tenants are the owners of the jobs.
	Tenants Tenants `json:"tenants,omitzero"`
	// Entry is how jobs come in. Zero means that they are pushed straight into
	// the queue.
	Entry Entry `json:"entry,omitzero"`
	// Exit is where the end of a job is seen. Zero means the subscriber.
	Exit Exit `json:"exit,omitzero"`
	// Faults are what the run breaks on purpose, and when.
	Faults []Fault `json:"faults,omitempty"`
	// Prefill is how many jobs wait in the queue when the load begins. They are
	// in the ledger and not in the window.
	Prefill int64 `json:"prefill,omitempty"`
	// Warmup is how much of the start of the schedule is left out of the
	// window, by due time. It is part of Load.Duration, not added to it.
	Warmup time.Duration `json:"warmup_ns"`
	// DrainTimeout bounds the wait for jobs that are on their way when the
	// window ends. Zero means 10 s.
	DrainTimeout time.Duration `json:"drain_timeout_ns"`
	// Thresholds are limits on metrics of the run, such as
	// "end_to_end.p99 < 50ms"; [Scenario.Validate] checks how they are written.
	Thresholds []string `json:"thresholds,omitempty"`
	// Seed makes everything random repeatable, at most 2^53-1. Zero means one
	// drawn at the start of the run; the one that was used is in the result.
	Seed uint64 `json:"seed"`
	// Shard is the part of the load that this run sends, when other runs send the rest
	// at the same time. It belongs to one run and not to the scenario: no file holds it.
	// Zero means all of the load.
	Shard pace.Shard `json:"-"`
}

// Load is how jobs are offered: an open loop at a rate, or a closed loop of
// tokens when Rate is zero.
type Load struct {
	// Rate is the total over all producers. The zero Rate means a closed
	// loop ("max" in files and flags): a job is due as soon as one of the
	// InFlight tokens is free.
	Rate pace.Rate `json:"rate"`
	// Steps are a rate that changes, instead of Rate. The load takes as long as
	// they do, unless Duration or Jobs end it earlier.
	Steps pace.Steps `json:"stages,omitempty"`
	// Replay is a load as it was recorded. There is neither Rate nor Steps
	// then.
	Replay Replay `json:"replay,omitzero"`
	// Duration is the length of the schedule, warm-up included. Zero means
	// that Jobs alone ends it.
	Duration time.Duration `json:"duration_ns"`
	// Jobs is the maximum number of jobs sent, warm-up included. Zero
	// means no limit. With both set, whichever is reached first ends the load.
	Jobs int64 `json:"jobs"`
	// Arrivals is how due times are laid out: "constant" or "poisson".
	// Empty means constant. It is ignored in a closed loop.
	Arrivals pace.Arrivals `json:"arrivals"`
	// InFlight is the number of tokens of a closed loop: how many jobs may be
	// on their way at once. Zero means twice the pools' size times the batch.
	InFlight int `json:"in_flight"`
	// Think is the think time: how long a token of a closed loop waits before it is
	// free again.
	Think time.Duration `json:"think_ns,omitempty"`
	// MaxInFlight bounds how many jobs of an open loop may be on their way at
	// once. A load that reaches it is no longer the one that was asked for:
	// jobs are then sent late, and the run is invalid. Zero means 1,000,000.
	MaxInFlight int `json:"max_in_flight"`
	// MaxBacklog ends the run when this many jobs wait in the queue, before they
	// fill the server's memory. Zero means no limit.
	MaxBacklog int64 `json:"max_backlog"`
	// Observed means that producers and workers are external: the run pushes and
	// takes nothing. It hears their updates and asks for the length of their
	// queue, for Duration or until Jobs have ended; the rest of the load is
	// ignored. In files it is "producers: external".
	Observed bool `json:"observed,omitempty"`
}

// Closed reports whether the load is a closed loop.
func (l Load) Closed() bool {
	return l.Rate.IsZero() && len(l.Steps) == 0 && !l.Replay.given() && !l.Observed
}

// Open reports whether jobs are due by a schedule. In a closed loop they are due when
// a token is free, and the due times of an observed load are unknown.
func (l Load) Open() bool { return !l.Closed() && !l.Observed }

// Varies reports whether the rate is not the same throughout.
func (l Load) Varies() bool { return len(l.Steps) > 0 || l.Replay.given() }

// Replay is where the due times of a recorded load are read from.
type Replay struct {
	// File is CSV or a log, from the current directory.
	File string `json:"file"`
	// Column is the name of the column that holds the times, its number from 1,
	// or a key of JSON. Empty means that [pace.ReadReplay] finds them.
	Column string `json:"column,omitempty"`
	// Unit is what numbers count: s, ms, us or ns. Empty means that it follows
	// from their size.
	Unit string `json:"unit,omitempty"`
	// Spread lays jobs of one time stamp out evenly over the resolution of the
	// stamps, e.g. over a second.
	Spread bool `json:"spread,omitempty"`
	// Speed is the factor by which the load is faster than recorded. Zero means 1.
	Speed float64 `json:"speed,omitempty"`
	// Times are what the file holds; see [Scenario.Open].
	Times *pace.Replay `json:"-"`
	// Source says where in the file the times were found. [Scenario.Open] fills
	// it in.
	Source string `json:"source,omitempty"`
}

func (r Replay) given() bool { return r.File != "" || r.Times != nil }

// Cautions say how a recorded load differs from the recording, and what in it is due
// to how it was recorded. They are known after [Scenario.Open].
func (r Replay) Cautions() []string {
	var all []string
	if r.Times == nil {
		return nil
	}
	if n := r.Times.Unsorted; n > 0 {
		all = append(all, fmt.Sprintf("%d of the recorded times were earlier than the line before them; they were sorted", n))
	}
	if bursts := r.Times.Bursts(); bursts != "" {
		remedy := "record finer time stamps, or spread the jobs of a stamp with --replay-spread (spread: true)"
		if strings.Contains(r.Source, "rows of ") {
			remedy = "record with K6_CSV_TIME_FORMAT=unix_micro, or spread the jobs of a stamp with --replay-spread (spread: true)"
		}
		all = append(all, bursts+"; "+remedy)
	}
	if r.Times.Spread {
		all = append(all, fmt.Sprintf("the recorded jobs of each time stamp were spread evenly over %s", r.Times.Resolution))
	}
	return all
}

// Open reads the files that the scenario names: recorded times and samples of
// service times. It also finds environment variables that the scenario names and
// that are not set. A run calls Open itself; call it to find out before a run. Files
// that were read are not read again.
func (s *Scenario) Open() error {
	var err error
	if len(s.Work.Drawn.Values) == 0 {
		s.Work.Drawn, err = s.Work.Drawn.Load()
	}
	_, badEntry := s.Entry.HTTP.Expand(os.LookupEnv)
	_, badExit := s.Exit.WebSocket.Expand(os.LookupEnv)
	return errors.Join(err, s.Load.Replay.read(), badEntry, badExit)
}

// read reads the file, if there is one and it was not read before.
func (r *Replay) read() error {
	if r.Times != nil || r.File == "" {
		return nil
	}
	file, err := os.Open(r.File)
	if err != nil {
		return fmt.Errorf("read replay: %w", err)
	}
	defer file.Close()
	times, err := pace.ReadReplay(file, pace.ReplayOptions{Column: r.Column, Unit: r.Unit, Speed: r.Speed, Spread: r.Spread})
	if err != nil {
		return fmt.Errorf("read replay %s: %w", r.File, err)
	}
	r.Times, r.Source = times, times.Source
	return nil
}

// Config is how the scenario sets up a Redis queue. The URL and the names are left
// empty.
func (s Scenario) Config() jobqueue.Config {
	s = s.WithDefaults()
	c := jobqueue.Config{
		Design: s.Design, Notify: s.Notify, Poll: s.Poll, Visibility: s.Visibility,
		Queues: len(s.Queues), Pattern: s.Channels == ByPattern,
	}
	if s.Channels != OneChannel {
		c.Channels = s.Tenants.Count
	}
	for _, f := range s.Faults {
		c.Reconnect = c.Reconnect || f.Kind == KillFault && f.Target == RedisTarget || f.Kind == NetworkFault
		c.Identify = c.Identify || f.Kind == DisconnectFault
	}
	return c
}

// Work is what a consumer does with a job. It waits and uses no CPU, because CPU work
// next to the load generator would spoil the measurement.
type Work struct {
	// Time is the simulated service time of one job.
	Time time.Duration `json:"time_ns"`
	// Drawn is a distribution of the service time, for jobs that do not all
	// take equally long. Time is then its mean.
	Drawn draw.Duration `json:"drawn,omitzero"`
	// FailRate is the share of jobs that end as FAILED, from 0 to 1. Which ones
	// they are follows from the seed.
	FailRate float64 `json:"fail_rate,omitempty"`
	// Running makes consumers publish RUNNING before they work, which costs a
	// round trip and gives the stage pickup.
	Running bool `json:"running,omitempty"`
}

// SetTime makes the work take as long as d says.
func (w *Work) SetTime(d draw.Duration) {
	w.Time, w.Drawn = d.Mean(), draw.Duration{}
	if !d.IsFixed() {
		w.Drawn = d
	}
}

// none reports whether nothing is said about the work.
func (w Work) none() bool {
	return w.Time == 0 && w.Drawn.IsFixed() && w.FailRate == 0 && !w.Running
}

// SetPayload makes the jobs as large as size says.
func (s *Scenario) SetPayload(size draw.Size) {
	s.Payload, s.Payloads = int(math.Round(size.Mean())), draw.Size{}
	if !size.IsFixed() {
		s.Payloads = size
	}
}

// LargestPayload is the maximum size of a payload.
func (s Scenario) LargestPayload() int { return max(s.Payload, s.Payloads.Max()) }

// Hold is a time in which no consumer takes a job.
type Hold struct {
	// From is when it begins, since the beginning of the load.
	From time.Duration `json:"from_ns"`
	// For is how long it lasts; zero means no hold at all.
	For time.Duration `json:"for_ns"`
}

// Tenants are the parties that jobs belong to.
type Tenants struct {
	// Count is how many there are. Zero means one.
	Count int `json:"count"`
	// Skew is the exponent of Zipf's law: tenant k has a share in proportion to
	// 1/k^Skew. Zero means equal shares.
	Skew float64 `json:"skew"`
}

// Channels is how notifications are spread over channels.
type Channels string

// The ways to spread them.
const (
	OneChannel Channels = "one"     // one channel for all
	PerTenant  Channels = "tenant"  // a channel for each tenant; subscribers subscribe to each
	ByPattern  Channels = "pattern" // the same, and subscribers subscribe to a pattern
)

// Schedule is when the jobs are due, those of the shard where there are several. Of all
// groups of jobs, the prefilled ones are dealt out first.
func (s Scenario) Schedule() pace.Schedule {
	batch := max(1, s.Batch)
	return pace.Schedule{
		Rate: s.Load.Rate, Steps: s.Load.Steps, Times: s.Load.Replay.Times,
		Arrivals: s.Load.Arrivals, Batch: s.Batch, Seed: s.Seed,
		Shard: s.Shard.After(s.Prefill+int64(batch)-1, batch),
	}
}
