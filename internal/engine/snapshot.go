package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/gate"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
)

// Snapshot is a run that goes on, as of the end of a second.
type Snapshot struct {
	Progress
	ID string // of the run
	// Rows are those of the second since the snapshot before, which a long run joins to
	// longer ones in its timeline. Headline is the stage that reports put first. The receiver may keep the rows and must not change
	// what they point to.
	Rows     []result.Second
	Headline metric.Stage
	// Thresholds are those of the scenario as they stand now, in its order. One that
	// can still be kept or broken by what is missing is undecided.
	Thresholds []result.Threshold
	// Trouble are the reasons for which the run would not be valid if it ended now.
	Trouble []string

	result func() *result.Result
}

// Result is what the run has measured so far, without its timeline and its verdict.
// It takes about a millisecond, and may be called only while the function that was
// given the snapshot has not returned. The receiver owns the result.
func (s Snapshot) Result() *result.Result { return s.result() }

// standing follows what a snapshot says of the window so far. It belongs to the sampler,
// and is nil when no one asked for snapshots.
type standing struct {
	live   *liveThresholds
	all    []followed
	window slice
	before *hoststat.Snapshot
	// begun is when before was taken.
	begun time.Duration
	host  result.Host
}

func newStanding(r *run) *standing {
	if r.o.Snapshot == nil && r.o.Checkpoint == nil {
		return nil
	}
	return &standing{live: &liveThresholds{r: r}, all: followable(r.s), host: hoststat.ThisHost()}
}

// snapshot gives the caller of the run a snapshot and, now and then, a checkpoint. The
// sampler calls it once a second, with the rows of that second.
func (s *sampler) snapshot(whole result.Second, rows []result.Second, t ledger.Totals, p Progress) {
	if s.standing == nil {
		return
	}
	if part, inside := s.r.windowPart(whole); inside {
		s.standing.window.join(part)
	}
	thresholds := s.standing.thresholds(s.live, t)
	measured := s.standing.measured(s.r, s.at)
	trouble := s.standing.trouble(s.r, measured)
	if s.r.missing != "" {
		trouble = append(trouble, s.r.missing+" ("+s.r.remedy+")")
	}
	if s.r.o.Snapshot != nil {
		s.r.o.Snapshot(Snapshot{
			Progress: p, ID: s.r.o.ID, Rows: rows, Headline: s.r.s.Headline(), Thresholds: thresholds, Trouble: trouble,
			result: func() *result.Result { return s.soFar(t, thresholds, trouble) },
		})
	}
	if s.r.o.Checkpoint != nil && s.at >= s.saveAt {
		s.saveAt = s.at + s.r.o.CheckpointEvery
		s.r.o.Checkpoint(s.checkpoint(s.soFar(t, thresholds, nil), t, measured))
	}
}

// thresholds are the thresholds as they stand. Those over parts of the window are
// decided by the parts that are complete.
func (s *standing) thresholds(live *liveThresholds, t ledger.Totals) []result.Threshold {
	out := make([]result.Threshold, 0, len(s.all))
	for _, one := range s.all {
		if one.t.Over > 0 {
			out = append(out, live.partsOf(one.at).Outcome(""))
			continue
		}
		window := s.window
		stage := one.stage
		if stage < 0 {
			stage = record.EndToEnd
		}
		window.jobs = s.live.r.rec.Window[stage]
		o := gate.Check(one.t, s.live.values(window, one.stage, t), "")
		if o.Failed() && grows(one.t) {
			o.Undecided = true
		}
		out = append(out, o)
	}
	return out
}

// partsOf are the complete parts of the threshold at that place.
func (w *liveThresholds) partsOf(at int) *gate.Parts {
	if w != nil {
		for _, one := range w.all {
			if one.at == at {
				return &one.parts
			}
		}
	}
	return &gate.Parts{}
}

// grows reports whether the threshold is a minimum of a count, which jobs to come can
// still reach.
func grows(t threshold.Threshold) bool {
	_, aggregate, _ := strings.Cut(t.Metric, ".")
	return (t.Op == threshold.Greater || t.Op == threshold.GreaterOrEqual) && (aggregate == "count" || metric.IsCounter(t.Metric))
}

// settledHost is how long the host is measured before its shares say anything.
const settledHost = 3 * time.Second

// measured is what validity is judged from, as far as it is known now.
func (s *standing) measured(r *run, at time.Duration) validity.Measured {
	r.rec.Mu.Lock()
	held, negative := r.rec.Held, r.rec.Negative
	r.rec.Mu.Unlock()
	r.limits.lock.Lock()
	limited := r.limit
	r.limits.lock.Unlock()
	m := validity.Measured{
		Limited: limited, Negative: negative,
		Connections: validity.Connections{Resubscribed: r.resubscribed.Load()},
	}
	done := r.rec.Window[record.EndToEnd].Count()
	if r.s.Load.Open() && done > 0 {
		share := float64(held) / float64(done)
		m.Schedule = validity.Schedule{LateShare: &share, LateLimit: record.LateLimit(r.s)}
	}
	if !r.o.NoProbes {
		now := hoststat.Take()
		if s.before == nil {
			s.before, s.begun = &now, at
		} else if at-s.begun >= settledHost {
			m.Host = s.before.Until(now)
		}
	}
	return m
}

// trouble is what would lower the verdict now.
func (s *standing) trouble(r *run, m validity.Measured) []string {
	return validity.Trouble(&result.Result{
		Scenario: r.s, Run: result.Info{Interrupted: true}, // what is missing is not lost yet
		Window: result.Window{Completed: r.rec.Completed()},
	}, m)
}

// soFar are the faults that have begun and when, without their effects.
func (f *faults) soFar() (all []result.Fault) {
	if f == nil {
		return nil
	}
	for i, o := range f.schedule.Outcomes() {
		if o.Begun {
			all = append(all, f.carriedOut(i, o))
		}
	}
	return all
}

// soFar is what was measured so far.
func (s *sampler) soFar(t ledger.Totals, thresholds []result.Threshold, trouble []string) *result.Result {
	r := s.r
	window := result.Window{FromNS: r.rec.From, ToNS: min(r.rec.To, r.cut.Load()), Completed: r.rec.Completed()}
	if window.ToNS == never {
		window.ToNS = int64(s.at) // a number of jobs ends it
	}
	t[ledger.Scheduled], t[ledger.Lost] = max(s.offered, t[ledger.Sent]), t.Over()
	res := r.described()
	res.Host, res.Window, res.Ledger, res.Thresholds = s.standing.host, window, ledgerOf(&t), thresholds
	res.Validity, res.Stall, res.Faults = result.Validity{Reasons: trouble}, r.stall(), r.faults.soFar()
	if r.s.Load.Observed {
		res.Observed = &result.Observation{}
	}
	r.problems.mu.Lock()
	res.Ledger.Errors = maps.Clone(r.problems.errors)
	r.problems.mu.Unlock()
	for i, stage := range metric.Stages() {
		if h := r.rec.Window[i]; slices.Contains(s.stages, stage) && h.Count() > 0 {
			res.Stages[stage] = record.Figures(h, 0)
		}
	}
	return res
}

// checkpoint completes what was measured so far to the result of a run that was stopped now:
// jobs on their way are abandoned. It lacks what only an end can give: the server's figures
// after the load, the probes, and what faults did.
// The ledger is that of the timeline's last row.
func (s *sampler) checkpoint(res *result.Result, t ledger.Totals, m validity.Measured) *result.Result {
	r := s.r
	res.Run.EndedAt = r.started.Add(s.at).Round(0).UTC()
	res.Run.Interrupted, res.Run.StopReason = true, stopreason.Checkpoint
	r.describe(res)
	s.account(res, &t)
	for stage := range res.Stages {
		i := slices.Index(metric.Stages(), stage)
		// What need not be reported is not missing.
		missing := res.Window.Scheduled - max(r.rec.Window[i].Count(), r.rec.Window[record.EndToEnd].Count())
		if r.s.Load.Observed {
			missing = 0
		}
		if sum, err := record.Summarize(r.rec.Window[i], missing); err == nil {
			res.Stages[stage] = sum
		}
	}
	s.mu.Lock()
	backlog := float64(s.maxBacklog)
	s.mu.Unlock()
	res.Scalars = map[string]*float64{"backlog.max": &backlog}
	res.Timeline, res.RowS = slices.Clone(s.timeline), s.slot.Joined.Seconds()
	r.problems.mu.Lock()
	res.Warnings = r.notes.lines(false)
	r.problems.mu.Unlock()
	var notes []string
	res.Validity, notes = validity.Judge(res, m)
	res.Warnings = append(res.Warnings, notes...)
	if outcomes, err := gate.Thresholds(res); err == nil {
		res.Thresholds = outcomes // undecided, as those of every run that was interrupted
	}
	return res
}

// account puts the ledger, the window and the rates of a checkpoint into its result.
func (s *sampler) account(res *result.Result, t *ledger.Totals) {
	r, w := s.r, &res.Window
	w.ToNS = max(w.FromNS, min(w.ToNS, int64(s.at)))
	if slices.Contains(s.stages, metric.EndToEnd) {
		w.Completed = r.rec.Window[record.EndToEnd].Count() // those that the stages hold
	}
	span := float64(w.ToNS - w.FromNS)
	if r.s.Load.Observed {
		w.Scheduled = w.Completed
		res.Ledger = result.Ledger{Unreadable: t[ledger.Unreadable], Failed: t[ledger.Failed], LostByLeg: map[result.Leg]int64{}, Errors: res.Ledger.Errors}
		s.mu.Lock()
		res.Observed.Backlog = result.ObservedBacklog{Mean: s.lengths.Mean(), First: s.firstLen, Last: new(s.lastLen), Max: new(s.maxBacklog)}
		s.mu.Unlock()
	} else {
		errors := res.Ledger.Errors
		t[ledger.Scheduled] = max(t[ledger.Sent], r.filled+s.offered)
		t[ledger.Lost], t[ledger.Prefilled] = t.Over(), r.filled
		t[ledger.Abandoned] = t[ledger.Scheduled] - t[ledger.Notified] - t.Over()
		if r.s.External {
			t[ledger.Popped], t[ledger.Finished], t[ledger.Published] = t[ledger.Notified], t[ledger.Notified], t[ledger.Notified]
		}
		res.Ledger = ledgerOf(t)
		res.Ledger.LostByLeg, res.Ledger.Errors, res.Ledger.Reconnects = countedLegs(t), errors, r.reconnects()
		unsent := int64(0)
		if int64(s.at) > w.FromNS { // the last jobs that were due
			unsent = t[ledger.Scheduled] - t[ledger.Sent]
		}
		w.Scheduled = max(w.Completed, t[ledger.WindowSent]+unsent)
	}
	if span <= 0 {
		return
	}
	res.Rates.AchievedPerS = perSecond(float64(w.Completed), span)
	if r.s.Load.Open() && w.Scheduled > 0 {
		offered := perSecond(float64(w.Scheduled), span)
		res.Rates.OfferedPerS, res.Rates.AchievedRatio = &offered, new(res.Rates.AchievedPerS/offered)
	}
}
