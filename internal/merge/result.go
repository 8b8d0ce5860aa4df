package merge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
)

// ErrNothing is returned by [Merger.Result] when no result was added.
var ErrNothing = errors.New("there is no result to merge")

// Result is the merged result. The thresholds of the scenario are decided on it. It is
// invalid when shards are missing. More results can be added afterwards.
func (m *Merger) Result() (*result.Result, error) {
	if m.first == nil {
		return nil, ErrNothing
	}
	r := shared(m.first)
	all := m.sorted()
	id, _ := identityOf(m.first)
	r.Fleet = &result.Fleet{ID: id.fleet, Configuration: id.configuration, Of: id.of, Missing: m.missing(id.of), StartSpreadNS: spread(all)}
	for _, s := range all {
		r.Fleet.Shards = append(r.Fleet.Shards, s.ShardResult)
	}
	r.Run, r.Host, r.Tool = run(all, id.fleet), all[0].Host, all[0].Tool
	r.NotUnderstood, r.Unreturned = nil, nil
	for _, s := range all {
		if r.NotUnderstood == nil {
			r.NotUnderstood = s.NotUnderstood
		}
		r.Unreturned = append(r.Unreturned, s.Unreturned...)
	}
	r.Window = window(all)
	r.Rates = rates(all, r.Window)
	r.Ledger = m.ledger(all)
	var err1, err2, err3 error
	r.Stages, err1 = m.stageSummaries(all)
	r.Breakdown, err2 = m.breakdown()
	r.Timeline, err3 = m.timeline()
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	r.Scalars = scalars(all, r)
	r.Validity = validity(all, r.Fleet)
	r.Warnings = warnings(all, r.Fleet)
	var err error
	if r.Thresholds, err = gate.Thresholds(r); err != nil {
		r.Warnings = append(r.Warnings, err.Error())
	}
	return r, nil
}

// sorted are the shards by their numbers.
func (m *Merger) sorted() (all []shard) {
	for _, i := range slices.Sorted(maps.Keys(m.shards)) {
		all = append(all, m.shards[i])
	}
	return all
}

func (m *Merger) missing(of int) (all []int) {
	for i := range of {
		if _, here := m.shards[i]; !here {
			all = append(all, i)
		}
	}
	return all
}

// spread bounds by how much the starts of two shards differed, nil where a clock is not
// known.
func spread(all []shard) *int64 {
	var uncertain, late int64
	for _, s := range all {
		c := s.Run.Shard.Clock
		if c == nil {
			return nil
		}
		uncertain, late = max(uncertain, c.UncertaintyNS), max(late, c.LateNS)
	}
	return new(2*uncertain + late)
}

// run says how all shards ran.
func run(all []shard, id string) result.Info {
	r := all[0].Run
	r.ID, r.Shard, r.Error = id, nil, ""
	natural := func(reason string) bool {
		return reason == stopreason.JobsSent || reason == stopreason.ScheduleOver
	}
	tags := maps.Clone(r.Tags)
	for _, s := range all {
		o := s.Run
		if o.StartedAt.Before(r.StartedAt) {
			r.StartedAt = o.StartedAt
		}
		if o.EndedAt.After(r.EndedAt) {
			r.EndedAt = o.EndedAt
		}
		if natural(r.StopReason) && !natural(o.StopReason) {
			r.StopReason, r.StoppedAtS, r.StopText = o.StopReason, o.StoppedAtS, o.StopText
		}
		if r.Aborted == "" {
			r.Aborted = o.Aborted
		}
		r.Failed = r.Failed || o.Failed
		if o.Failed && r.Error == "" {
			r.Error = fmt.Sprintf("shard %d: %s", o.Shard.Index, o.Error)
		}
		maps.DeleteFunc(tags, func(key, value string) bool { return o.Tags[key] != value })
	}
	// Where only some were, the result is invalid and not that of a shorter run.
	r.Interrupted = len(interrupted(all)) == len(all)
	if r.Tags = tags; r.Tags == nil {
		r.Tags = map[string]string{}
	}
	return r
}

// window is the window of all shards.
func window(all []shard) result.Window {
	w := all[0].Window
	w.Scheduled, w.Completed = 0, 0
	drained := int64(0)
	for _, s := range all {
		w.FromNS, w.ToNS = min(w.FromNS, s.Window.FromNS), max(w.ToNS, s.Window.ToNS)
		w.Scheduled += s.Window.Scheduled
		w.Completed += s.Window.Completed
		drained = max(drained, s.Window.ToNS+s.Window.DrainNS)
	}
	w.DrainNS = max(0, drained-w.ToNS)
	return w
}

// rates are jobs over seconds, both of all shards. The jobs that a shard carried are its
// rate times its window.
func rates(all []shard, w result.Window) (r result.Rates) {
	span := time.Duration(w.ToNS - w.FromNS).Seconds()
	if span <= 0 {
		return r
	}
	var achieved float64
	offers := true
	for _, s := range all {
		achieved += s.Rates.AchievedPerS * time.Duration(s.Window.ToNS-s.Window.FromNS).Seconds()
		offers = offers && s.Rates.OfferedPerS != nil
	}
	r.AchievedPerS = achieved / span
	if offers {
		offered := float64(w.Scheduled) / span
		r.OfferedPerS = new(offered)
		if offered > 0 {
			r.AchievedRatio = new(r.AchievedPerS / offered)
		}
	}
	return r
}

// ledger adds the ledgers up.
func (m *Merger) ledger(all []shard) result.Ledger {
	sum := result.Ledger{LostByLeg: map[result.Leg]int64{}, Errors: map[string]int64{}}
	for _, s := range all {
		for _, row := range ledger.Rows() {
			sum.SetCount(row.Key, sum.Count(row.Key)+s.Ledger.Count(row.Key))
		}
		for leg, n := range s.Ledger.LostByLeg {
			sum.LostByLeg[leg] += n
		}
		for op, n := range s.Ledger.Errors {
			sum.Errors[op] += n
		}
		for op, n := range s.Ledger.Reconnects {
			if sum.Reconnects == nil {
				sum.Reconnects = map[string]int64{}
			}
			sum.Reconnects[op] += n
		}
	}
	for _, j := range m.lost {
		sum.LostJobs = append(sum.LostJobs, j.LostJob)
	}
	return sum
}

// stageSummaries are the summaries of the added histograms.
func (m *Merger) stageSummaries(all []shard) (map[result.Stage]*result.StageSummary, error) {
	out := map[result.Stage]*result.StageSummary{}
	var faults []error
	for stage, buckets := range m.stages {
		d := distribution{buckets: *buckets}
		var missing int64
		for _, s := range all {
			if of := s.Stages[stage]; of != nil {
				d.note(of)
				missing += of.Censored
			} else {
				// A stage that no job of the shard reached is not in its result.
				missing += s.Window.Scheduled - s.Window.Completed
			}
		}
		sum, err := m.summary(&d, missing)
		faults = append(faults, err)
		out[stage] = sum
	}
	return out, errors.Join(faults...)
}

// scalars are the metrics of no stage, from their merged numerators and denominators.
func scalars(all []shard, r *result.Result) map[string]*float64 {
	out := map[string]*float64{}
	for _, s := range all {
		for name := range s.Scalars {
			out[name] = nil
		}
	}
	for name := range out {
		switch name {
		case "cpu_per_job", "worker_cpu_per_job":
			out[name] = perJob(all, name)
		case "recovery":
			out[name] = last(all, name)
		case "backlog.max":
			var most int64
			for _, row := range r.Timeline {
				most = max(most, row.Peak())
			}
			out[name] = new(float64(most))
		case "redis_cpu_per_job", "redis_commands_per_job", "redis_bytes_per_job":
			// The shards' own commands, and those of the wait for each other, would be in it.
			out[name] = nil
		default:
			out[name] = all[0].Scalars[name]
		}
	}
	return out
}

// perJob is a cost per job of all shards, nil where one does not know its own.
func perJob(all []shard, name string) *float64 {
	var cost, jobs float64
	for _, s := range all {
		n := float64(s.Ledger.Notified)
		if n == 0 {
			continue
		}
		per := s.Scalars[name]
		if per == nil {
			return nil
		}
		cost += *per * n
		jobs += n
	}
	if jobs == 0 {
		return nil
	}
	return new(cost / jobs)
}

// last is the value of the shard that took longest, nil where one has none.
func last(all []shard, name string) *float64 {
	most := all[0].Scalars[name]
	for _, s := range all {
		v := s.Scalars[name]
		if v == nil {
			return nil
		}
		if *v > *most {
			most = v
		}
	}
	return most
}
