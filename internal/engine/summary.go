package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// result puts everything that the run found out together.
func (r *run) result(released error) *result.Result {
	res := &result.Result{
		Schema: result.Schema,
		Tool:   r.o.Tool,
		Run: result.Info{
			ID: r.o.ID, Scenario: r.s.Name,
			StartedAt: r.started.Round(0).UTC(), EndedAt: r.ended.Round(0).UTC(),
			StopReason: r.stopReason, StoppedAtS: r.stoppedAt(), Interrupted: r.interrupted, Aborted: r.aborted,
			Seed: r.s.Seed, Tags: maps.Clone(r.o.Tags), Worker: r.o.Worker,
		},
		Scenario: r.s,
		Redis:    r.o.Redis,
		Server: result.Server{
			Before: map[string]string{}, After: map[string]string{},
			Deltas: map[string]float64{}, Commands: map[string]result.CommandStat{},
		},
		Host:     ThisHost(),
		Window:   r.window,
		Ledger:   r.ledger,
		Stages:   map[metric.Stage]*result.StageSummary{},
		Scalars:  map[string]*float64{},
		Timeline: r.sampler.timeline,
		Observed: r.seen, Unreturned: r.unreturned, NotUnderstood: r.odd.first,
		Warnings: r.notes.lines(errors.Is(r.fatal(), errEnded)),
	}
	if res.Run.Tags == nil {
		res.Run.Tags = map[string]string{}
	}
	if res.Redis.Config == nil {
		res.Redis.Config = map[string]string{}
	}
	if res.Timeline == nil {
		res.Timeline = []result.Second{}
	}
	if err := r.fatal(); err != nil {
		res.Run.Failed, res.Run.Error = true, err.Error()
	} else if err := cmp.Or(r.worked.Err, released); err != nil {
		res.Run.Failed, res.Run.Error = true, err.Error()
	}
	measured := r.s.Measured()
	for i, stage := range metric.Stages() {
		if !slices.Contains(measured, stage) || r.told(stage) && r.rec.window[i].Count() == 0 {
			continue
		}
		sum, err := summarize(r.rec.window[i], r.censored(stage, i))
		if r.s.Load.Observed {
			censoredOutside(sum)
		}
		if err != nil {
			res.Warnings = append(res.Warnings, err.Error())
		}
		res.Stages[stage] = sum
	}
	res.Breakdown = r.rec.parts.summary(r.window)
	res.Rates = r.rates()
	r.serverFacts(res)
	r.scalars(res)
	r.cautions(res)
	var notes []string
	res.Validity, notes = validity.Judge(r.evidence(res))
	res.Warnings = append(res.Warnings, notes...)
	outcomes, err := gate.Thresholds(res)
	if err != nil {
		res.Warnings = append(res.Warnings, err.Error()) // validated before; cannot happen
	}
	res.Thresholds = r.sampler.watch.settle(outcomes, gate.Undecided(res))
	return res
}

// censored is how many jobs count as infinitely late in a stage, which is the i-th:
// those that never arrived. Not every worker says everything about its jobs; what
// nobody said is no loss. Of an observed load it is the jobs that were seen to
// begin or to end, and not both: they may be the longest of all.
func (r *run) censored(s metric.Stage, i int) int64 {
	missing := r.window.Scheduled - r.window.Completed
	switch {
	case r.s.Load.Observed && s == metric.Running:
		return r.seen.Unpaired
	case r.s.Load.Observed:
		return 0
	case r.told(s):
		return max(0, min(missing, r.window.Scheduled-r.rec.window[i].Count()))
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

// told reports whether a stage is one that workers tell of, if they like.
func (r *run) told(s metric.Stage) bool {
	return s == metric.Pickup || s == metric.Running || r.s.External && s == metric.WorkTime
}

// summarize is the summary of a stage; missing jobs count as infinitely late.
func summarize(h *latency.Histogram, missing int64) (*result.StageSummary, error) {
	s := &result.StageSummary{
		Count: h.Count(), Overflow: h.Overflow(), Censored: missing,
		MinNS: extreme(h, h.Min()), MaxNS: extreme(h, h.Max()),
		MeanNS: extreme(h, h.Mean()), StddevNS: extreme(h, h.Stddev()),
	}
	for _, q := range []struct {
		name string
		q    float64
		at   **int64
	}{
		{"p50", 0.50, &s.P50NS}, {"p75", 0.75, &s.P75NS}, {"p90", 0.90, &s.P90NS}, {"p95", 0.95, &s.P95NS},
		{"p99", 0.99, &s.P99NS}, {"p99.9", 0.999, &s.P999NS}, {"p99.99", 0.9999, &s.P9999NS},
	} {
		v, err := h.Quantile(q.q, missing)
		if err == nil {
			*q.at = &v
			continue
		}
		why := result.Missing{Code: result.OtherReason, Text: err.Error()}
		if errors.Is(err, latency.ErrFewValues) {
			why = result.Missing{Code: result.TooFewJobs, Need: int64(math.Round(latency.MinTail / (1 - q.q))), Have: h.Count() + missing}
		} else if errors.Is(err, latency.ErrCensored) {
			why = result.Missing{Code: result.NeverArrived, Need: h.Count() + missing, Have: h.Count()}
		}
		if s.Missing == nil {
			s.Missing = map[string]result.Missing{}
		}
		s.Missing[q.name] = why
	}
	var err error
	s.HDR, err = h.Encode()
	return s, err
}

// serverFacts puts what the server said before and after into the result.
func (r *run) serverFacts(res *result.Result) {
	before, after := r.facts[0], r.facts[1]
	if before == nil {
		return
	}
	res.Redis.Version, res.Redis.Mode, res.Redis.Config = before.Version, before.Mode, before.Config
	s := &res.Server
	s.Before = before.Info
	if after == nil {
		return
	}
	s.After = after.Info
	if what := succession(before, after); what != "" {
		res.Warnings = append(res.Warnings, what+", so nothing can be said about what changed on it")
		return
	}
	for key, text := range after.Info {
		a, err1 := strconv.ParseFloat(text, 64)
		b, err2 := strconv.ParseFloat(before.Info[key], 64)
		if err1 == nil && err2 == nil && a != b && counts(key) {
			s.Deltas[key] = a - b
		}
	}
	s.Commands = commandDeltas(before.Commands, after.Commands)
}

// succession says in words that those are not the servers of before, empty when
// they are.
func succession(before, after *redisfacts.Facts) string {
	if before.Info["run_id"] == after.Info["run_id"] {
		return ""
	}
	masters := func(f *redisfacts.Facts) (at map[string]string) {
		at = map[string]string{}
		for _, n := range f.Nodes {
			if n.Role == "master" && n.Facts != nil {
				at[n.Address] = n.Facts.Info["run_id"]
			}
		}
		return at
	}
	old, now := masters(before), masters(after)
	for addr := range now {
		if _, known := old[addr]; !known && len(old) > 0 {
			return "another server answered after a failover (" + addr + ")"
		}
	}
	// A replica that takes over keeps the history of its master.
	if id := before.Info["master_replid"]; id != "" && (id == after.Info["master_replid2"] || id == after.Info["master_replid"]) {
		return "another server answered after a failover"
	}
	return "the server restarted during the run"
}

// counts reports whether a figure of INFO only ever grows, so that its change
// is what happened in between; the change of a gauge means nothing.
func counts(key string) bool {
	for _, prefix := range []string{
		"total_", "used_cpu_", "expired_", "evicted_", "rejected_", "keyspace_", "acl_access_denied", "unexpected_error",
		"client_output_buffer_limit", "client_query_buffer_limit", "io_threaded_", "reply_buffer_", "aof_delayed_fsync",
	} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

func commandDeltas(before, after map[string]redisfacts.CommandFacts) map[string]result.CommandStat {
	out := map[string]result.CommandStat{}
	for name, a := range after {
		b := before[name]
		d := result.CommandStat{
			Calls: a.Calls - b.Calls, USec: a.USec - b.USec,
			Rejected: a.Rejected - b.Rejected, Failed: a.Failed - b.Failed,
		}
		if d.Calls == 0 && d.Rejected == 0 {
			continue
		}
		if d.Calls > 0 {
			d.USecPerCall = float64(d.USec) / float64(d.Calls)
		}
		out[name] = d
	}
	return out
}

// scalars are the metrics that belong to no stage. Those that could not be
// measured are null.
func (r *run) scalars(res *result.Result) {
	backlog := float64(r.sampler.maxBacklog)
	res.Scalars["backlog.max"] = &backlog
	if n := r.sampler.waiting.n; n > 0 {
		res.Scalars["blocked_clients"] = ptr(r.sampler.waiting.sum / float64(n))
	}
	if _, has := recoversFrom(r.s); has {
		res.Scalars["recovery"] = nil
		if at := r.sampler.recovered; at != flight.Absent {
			res.Scalars["recovery"] = ptr(float64(at))
		}
	}
	for _, name := range []string{"cpu_per_job", "redis_cpu_per_job", "redis_commands_per_job", "redis_bytes_per_job"} {
		res.Scalars[name] = nil
	}
	if r.o.Workers != nil {
		res.Scalars["worker_cpu_per_job"] = nil
	}
	jobs := float64(res.Ledger.Notified)
	if jobs == 0 {
		return
	}
	foreign := r.foreignShare(res)
	if foreign > mostForeign {
		res.Warnings = append(res.Warnings, fmt.Sprintf("other clients issued %.0f%% of the server's commands, so its cost per job is not known", 100*foreign))
	}
	if used := r.cpu[1] - r.cpu[0]; used > 0 {
		per := float64(used) / jobs
		res.Scalars["cpu_per_job"] = &per
	}
	if used := r.worked.CPU; used != nil {
		res.Scalars["worker_cpu_per_job"] = ptr(float64(*used) / jobs)
	}
	if foreign > mostForeign {
		return
	}
	user, ok1 := res.Server.Deltas["used_cpu_user"]
	sys, ok2 := res.Server.Deltas["used_cpu_sys"]
	if ok1 || ok2 {
		per := (user + sys) * float64(time.Second) / jobs
		res.Scalars["redis_cpu_per_job"] = &per
	}
	if n := res.Server.Deltas["total_commands_processed"] - r.sideCommands(); n > 0 {
		per := n / jobs
		res.Scalars["redis_commands_per_job"] = &per
	}
	if n := res.Server.Deltas["total_net_input_bytes"] + res.Server.Deltas["total_net_output_bytes"]; n > 0 {
		per := n / jobs
		res.Scalars["redis_bytes_per_job"] = &per
	}
}

// mostForeign is the share of a server's commands that may be somebody else's
// before its figures say nothing of our jobs.
const mostForeign = 0.2

// sideCommands is how many commands this run issued beside its load: a PING a
// hundred times a second, the length of the queue, INFO.
func (r *run) sideCommands() float64 {
	n := float64(r.sampler.asked)
	if h := r.probes.Ping; h != nil {
		n += float64(h.Count())
	}
	if b, ok := r.b.(interface{ Pings() int64 }); ok {
		n += float64(b.Pings())
	}
	return n
}

// foreignShare is the least share of the server's commands that must have been
// somebody else's: those that no run of so many jobs issues, nor the workers of
// such a load. A server that was started for the run has no other clients.
func (r *run) foreignShare(res *result.Result) float64 {
	all := res.Server.Deltas["total_commands_processed"]
	if r.o.Redis.Kind != "url" || all <= 0 {
		return 0
	}
	const (
		perJob  = 8   // a push, a pop, a lease and its end, RUNNING, the notification; a transaction around some of it
		opening = 50  // for each connection
		idle    = 1.0 // pops that came back empty, a second and consumer
	)
	pools := float64(r.s.Producers+r.s.Subscribers) + max(float64(r.s.Consumers), 64)
	ours := perJob*float64(res.Ledger.Sent) + opening*pools + r.sideCommands() + idle*pools*r.ended.Sub(r.started).Seconds()
	if r.s.Design == jobqueue.ListPoll {
		return 0 // how often its consumers look is theirs
	}
	return max(0, all-ours) / all
}

// cautions are warnings that follow from the figures.
func (r *run) cautions(res *result.Result) {
	warn := func(format string, args ...any) { res.Warnings = append(res.Warnings, fmt.Sprintf(format, args...)) }
	r.tellReconnects(warn)
	if s := res.Stages[metric.EndToEnd]; s != nil && s.Overflow > 0 {
		n := s.Overflow
		warn("%d jobs took more than an hour, beyond the histogram's range; they count, but quantiles among them are not given", n)
	}
	if c := res.Redis.Config; c["appendonly"] == "yes" {
		warn("the server writes an append-only file (appendfsync %s): its disk is part of these figures", c["appendfsync"])
	}
}
