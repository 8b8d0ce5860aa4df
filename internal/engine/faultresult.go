package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/recovery"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// faultFigures puts what each fault did into the result.
func (r *assembly) faultFigures() {
	f := r.faults
	if f == nil {
		return
	}
	outcomes := f.schedule.Outcomes()
	order := begun(outcomes)
	in := recovery.Input{Jobs: r.rec.Track.Kept, Every: r.rec.Track.Every, Until: min(r.cut.Load(), r.outcome.drained)}
	place := map[int]int{} // of a fault that began, in the order of their begin
	for at, i := range order {
		o := outcomes[i]
		one := recovery.Fault{Begin: int64(o.Began), End: int64(o.Began), FirstError: max(f.effects[i].firstError, int64(o.Began))}
		if o.Over {
			one.End = int64(o.Ended)
		}
		place[i] = at
		in.Faults = append(in.Faults, one)
	}
	figures := recovery.Of(in)
	lost := r.losses.by(len(f.plan), f.blame(outcomes, figures))
	now := f.count()
	for i, o := range outcomes {
		one := f.carriedOut(i, o)
		one.Errors, one.LostByLeg, one.Why = map[string]int64{}, map[result.Leg]int64{}, map[string]string{}
		if o.Err != nil {
			one.Error = o.Err.Error()
		}
		if at, began := place[i]; began {
			next := now
			if at+1 < len(order) {
				next = f.effects[order[at+1]].before
			}
			r.faultEffects(&one, figures[at])
			one.LostByLeg = lost[i]
			for _, n := range one.LostByLeg {
				one.Lost += n
			}
			counted := f.effects[i].before.until(next)
			one.Errors, one.Duplicated = counted.errors, counted.duplicated
			one.Refused, one.Unknown, one.Found = counted.refused, counted.unknown, counted.found
		}
		r.res.Faults = append(r.res.Faults, one)
	}
	for _, m := range metric.Metrics() {
		if metric.OfFaults(m.Name) {
			r.res.Scalars[m.Name] = r.res.WorstFault(m.Name)
		}
	}
}

// carriedOut is the i-th fault and when it was carried out, without its effects.
func (f *faults) carriedOut(i int, o fault.Outcome) result.Fault {
	plan := f.plan[i]
	one := result.Fault{Name: plan.Name, Kind: plan.Kind, Target: plan.Target, Fault: plan.String(), AtNS: int64(plan.At)}
	if end, ends := plan.End(); ends && end > plan.At {
		one.UntilNS = new(int64(end))
	}
	if o.Begun {
		one.BeganNS = new(int64(o.Began))
	}
	if o.Begun && o.Over {
		one.EndedNS = new(int64(o.Ended))
	}
	return one
}

// begun are the faults that began, in the order of their begin.
func begun(outcomes []fault.Outcome) (order []int) {
	for i, o := range outcomes {
		if o.Begun {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(outcomes[a].Began, outcomes[b].Began) })
	return order
}

// faultEffects puts the figures of a fault that was carried out into its result.
func (r *assembly) faultEffects(one *result.Fault, f recovery.Figures) {
	figure := func(name string, d *time.Duration, why recovery.Reason) *int64 {
		if d == nil {
			one.Why[name] = string(why)
			return nil
		}
		return new(int64(*d))
	}
	one.NoticedNS = figure("noticed", f.Noticed, f.Why.Noticed)
	one.FlowingNS = figure("flowing", f.Flowing, f.Why.Flowing)
	one.DrainedNS = figure("drained", f.Drained, f.Why.Drained)
	one.RecoveredNS = figure("recovered", f.Recovered, f.Why.Recovered)
	if one.Affected = f.Affected; f.Affected == nil {
		one.Why["affected"] = string(f.Why.Affected)
	}
	one.Before = result.BeforeFault{Jobs: f.Before.Jobs, P99NS: int64(f.Before.P99), P999NS: int64(f.Before.P999), Backlog: f.Before.Backlog, PerS: f.Before.Rate}
}

// loses reports whether a fault can lose jobs.
func loses(f scenario.Fault) bool {
	n := f.Network
	return f.Kind == scenario.KillFault || f.Kind == scenario.DisconnectFault || f.Kind == scenario.FailoverFault || f.Kind == scenario.MemoryFault || n.Down || n.Reset || n.Swallow
}

// loses reports whether a fault can lose jobs, or have them given out twice.
func (f *faults) loses(one scenario.Fault) bool {
	return loses(one) || f.r.redelivers && one.Kind == scenario.PauseFault && one.Target == scenario.WorkersTarget
}

// blame says to which fault a lost job belongs that was due at a moment: to the last one
// that can lose jobs, had begun by then and was not recovered from; else to the next one,
// since the job was in the queue or with a worker when that began. If no fault that can
// lose jobs began, any fault counts for as long as its effects last. -1 means none.
func (f *faults) blame(outcomes []fault.Outcome, figures []recovery.Figures) func(due int64) int {
	type span struct {
		fault      int
		from, till int64
	}
	var lossy, all []span
	for at, i := range begun(outcomes) {
		all = append(all, span{i, figures[at].LostSince, figures[at].LostUntil})
		if loses(f.plan[i]) {
			till := int64(recovery.Never)
			if figures[at].Recovered != nil {
				till = figures[at].LostUntil
			}
			lossy = append(lossy, span{i, int64(outcomes[i].Began), till})
		}
	}
	return func(due int64) int {
		found := -1
		for _, s := range lossy {
			switch {
			case s.from <= due && due < s.till:
				found = s.fault
			case s.from > due && found < 0:
				return s.fault
			}
		}
		if len(lossy) > 0 {
			return found
		}
		for _, s := range all {
			if due >= s.from && due < s.till {
				return s.fault
			}
		}
		return -1
	}
}
