package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// assembly puts the result of a run together.
type assembly struct {
	*run
	res *result.Result
}

// described is a result that says what was run, and nothing of what happened.
func (r *run) described() *result.Result {
	return &result.Result{
		Schema: result.Schema,
		Tool:   r.o.Tool,
		Run: result.Info{
			ID: r.o.ID, Scenario: r.s.Name, StartedAt: r.started.Round(0).UTC(),
			Seed: r.s.Seed, Tags: maps.Clone(r.o.Tags), Worker: r.o.Worker,
		},
		Scenario: r.s,
		Redis:    r.o.Redis,
		Server: result.Server{
			Before: map[string]string{}, After: map[string]string{},
			Deltas: map[string]float64{}, Commands: map[string]result.CommandStat{},
		},
		Stages:  map[metric.Stage]*result.StageSummary{},
		Scalars: map[string]*float64{},
	}
}

// result puts the result together. released is the error of closing the run.
func (r *run) result(released error) *result.Result {
	res := r.described()
	info := &res.Run
	info.EndedAt, info.Interrupted, info.Aborted = r.ended.Round(0).UTC(), r.interrupted, r.aborted
	info.StopReason, info.StoppedAtS = r.reason, r.stoppedAt()
	res.Host, res.Window, res.Ledger, res.Stall = hoststat.ThisHost(), r.outcome.window, r.outcome.ledger, r.stall()
	res.Timeline, res.RowS = r.sampler.timeline, r.sampler.slot.Joined.Seconds()
	res.Observed, res.Unreturned, res.NotUnderstood = r.outcome.seen, r.outcome.unreturned, r.unrecognized.first
	res.Warnings = r.notes.lines(errors.Is(r.fatal(), errEnded))
	if res.Run.Tags == nil {
		res.Run.Tags = map[string]string{}
	}
	if res.Redis.Config == nil {
		res.Redis.Config = map[string]string{}
	}
	if res.Timeline == nil {
		res.Timeline = []result.Second{}
	}
	if err := cmp.Or(r.fatal(), r.worked.Err, released); err != nil {
		res.Run.Failed, res.Run.Error = true, err.Error()
	}
	a := &assembly{r, res}
	a.stages()
	res.Breakdown = r.rec.Parts.Summary(r.outcome.window)
	res.Rates = a.rates()
	r.describe(res)
	res.Postgres = a.postgres()
	a.scalars()
	a.faultFigures()
	a.cautions()
	var notes []string
	res.Validity, notes = validity.Judge(res, a.evidence())
	res.Warnings = append(res.Warnings, notes...)
	outcomes, err := gate.Thresholds(res)
	if err != nil {
		res.Warnings = append(res.Warnings, err.Error()) // cannot happen: they were validated
	}
	res.Thresholds = r.sampler.live.outcomes(outcomes, gate.Undecided(res))
	if !r.s.Shard.Whole() {
		res.Run.Shard = &result.Shard{Index: r.s.Shard.Index, Of: r.s.Shard.Of, SharedQueue: r.o.Shared, Overheard: r.foreign.overheard.Load()}
		res.Scenario.Thresholds, res.Thresholds = r.thresholds, res.Thresholds[:0]
		if res.Run.Aborted != "" {
			res.Warnings = append(res.Warnings, fmt.Sprintf("this shard ended its share of the load because its own figures broke %q; the threshold is decided on the merged result only", res.Run.Aborted))
		}
	}
	return res
}

// stages sums up the stages that the run measured.
func (r *assembly) stages() {
	measured := r.s.Measured()
	for i, stage := range metric.Stages() {
		if !slices.Contains(measured, stage) || r.optional(stage) && r.rec.Window[i].Count() == 0 {
			continue
		}
		sum, err := record.Summarize(r.rec.Window[i], r.censored(stage, i))
		if r.s.Load.Observed {
			censoredOutside(sum)
		}
		if err != nil {
			r.res.Warnings = append(r.res.Warnings, err.Error())
		}
		if !r.s.Shard.Whole() {
			sum.SumNS = record.Sum(r.rec.Window[i])
		}
		r.res.Stages[stage] = sum
	}
}

// censored is how many jobs count as infinitely late in the i-th stage: those that
// never arrived. Workers need not report everything about their jobs; what they do not
// report is not lost. Of an observed load it is the jobs that were seen to begin or to
// end, and not both: they may be the longest of all.
func (r *assembly) censored(s metric.Stage, i int) int64 {
	missing := r.outcome.window.Scheduled - r.outcome.window.Completed
	switch {
	case r.s.Load.Observed && s == metric.Running:
		return r.outcome.seen.Unpaired
	case r.s.Load.Observed:
		return 0
	case r.optional(s):
		return max(0, min(missing, r.outcome.window.Scheduled-r.rec.Window[i].Count()))
	}
	return missing
}

// censoredOutside gives the reasons for an observed load.
func censoredOutside(s *result.StageSummary) {
	for name, why := range s.Missing {
		if why.Code == result.NeverArrived {
			why.Code = result.NotHeard
			s.Missing[name] = why
		}
	}
}

// optional reports whether the stage is one that workers need not report.
func (r *assembly) optional(s metric.Stage) bool {
	return s == metric.Pickup || s == metric.Running || s == metric.Broadcast && r.blackBox || r.s.External && s == metric.WorkTime
}

// scalars are the metrics that belong to no stage. Those that could not be
// measured are null.
func (r *assembly) scalars() {
	r.res.Scalars["backlog.max"] = new(float64(r.sampler.maxBacklog))
	if n := r.sampler.waiting.n; n > 0 {
		r.res.Scalars["blocked_clients"] = new(r.sampler.waiting.sum / float64(n))
	}
	if _, has := recoversFrom(r.s); has {
		r.res.Scalars["recovery"] = nil
		if at := r.sampler.recovered; at != flight.Absent {
			r.res.Scalars["recovery"] = new(float64(at))
		}
	}
	for _, name := range []string{"cpu_per_job", "redis_cpu_per_job", "redis_commands_per_job", "redis_bytes_per_job"} {
		r.res.Scalars[name] = nil
	}
	if r.o.Workers != nil {
		r.res.Scalars["worker_cpu_per_job"] = nil
	}
	jobs := float64(r.res.Ledger.Notified)
	if jobs == 0 {
		return
	}
	// What a server does for one of several shards is not known.
	alone, foreign := r.s.Shard.Whole(), r.foreignShare()
	if alone && foreign > maxForeign {
		r.res.Warnings = append(r.res.Warnings, fmt.Sprintf("other clients issued %.0f%% of the server's commands, so its cost per job is not known", 100*foreign))
	}
	if used := r.cpu[1] - r.cpu[0]; used > 0 {
		r.res.Scalars["cpu_per_job"] = new(float64(used) / jobs)
	}
	if used := r.worked.CPU; used != nil {
		r.res.Scalars["worker_cpu_per_job"] = new(float64(*used) / jobs)
	}
	if !alone || foreign > maxForeign {
		return
	}
	user, ok1 := r.res.Server.Deltas["used_cpu_user"]
	sys, ok2 := r.res.Server.Deltas["used_cpu_sys"]
	if ok1 || ok2 {
		r.res.Scalars["redis_cpu_per_job"] = new((user + sys) * float64(time.Second) / jobs)
	}
	if n := r.res.Server.Deltas["total_commands_processed"] - r.sideCommands(); n > 0 {
		r.res.Scalars["redis_commands_per_job"] = new(n / jobs)
	}
	if n := r.res.Server.Deltas["total_net_input_bytes"] + r.res.Server.Deltas["total_net_output_bytes"]; n > 0 {
		r.res.Scalars["redis_bytes_per_job"] = new(n / jobs)
	}
}

// maxForeign is the share of a server's commands that other clients may issue before
// its figures say nothing about the jobs of this run.
const maxForeign = 0.2

// sideCommands is how many commands this run issued outside its load: a PING a
// hundred times a second, the length of the queue, INFO.
func (r *assembly) sideCommands() float64 {
	n := float64(r.sampler.asked)
	if h := r.probes.Ping; h != nil {
		n += float64(h.Count())
	}
	if b, ok := r.b.(interface{ Pings() int64 }); ok {
		n += float64(b.Pings())
	}
	return n
}

// foreignShare is the minimum share of the server's commands that other clients must
// have issued: those beyond what a run of so many jobs, or its workers, can issue. A
// server that was started for the run has no other clients.
func (r *assembly) foreignShare() float64 {
	all := r.res.Server.Deltas["total_commands_processed"]
	if r.o.Redis.Kind != "url" || all <= 0 {
		return 0
	}
	const (
		perJob  = 8   // a push, a pop, a lease and its end, RUNNING, the notification; a transaction around some of it
		opening = 50  // for each connection
		idle    = 1.0 // pops that came back empty, a second and consumer
	)
	pools := float64(r.s.Producers+r.s.Subscribers) + max(float64(r.s.Consumers), 64)
	ours := perJob*float64(r.res.Ledger.Sent) + opening*pools + r.sideCommands() + idle*pools*r.ended.Sub(r.started).Seconds()
	if r.s.Design == jobqueue.ListPoll {
		return 0 // how often its consumers poll is not known
	}
	return max(0, all-ours) / all
}

// cautions are warnings that follow from the figures.
func (r *assembly) cautions() {
	warn := func(format string, args ...any) {
		r.res.Warnings = append(r.res.Warnings, fmt.Sprintf(format, args...))
	}
	idleLimit := r.idleLimit()
	if r.broken().Lossy {
		idleLimit = "" // the faults explain it
	}
	r.warnOfReconnects(warn, idleLimit)
	if s := r.res.Stages[metric.EndToEnd]; s != nil && s.Overflow > 0 {
		n := s.Overflow
		warn("%d jobs took more than an hour, beyond the histogram's range; they count, but quantiles among them are not given", n)
	}
	begun, all := r.res.Stages[metric.Running], r.res.Stages[metric.EndToEnd]
	if source := r.mapping.Source(); source != nil && source.Keys && begun != nil && all != nil && begun.Count < all.Count {
		warn("pickup and running have %s of the %s: the start of the others was over before their keys were read, so that these stages lack the shortest jobs",
			number.Count(begun.Count), number.Plural(all.Count, "job"))
	}
	if c := r.res.Redis.Config; c["appendonly"] == "yes" {
		warn("the server writes an append-only file (appendfsync %s): its disk is part of these figures", c["appendfsync"])
	}
}
