package recovery

import "time"

// episode is a fault with all that its figures depend on.
type episode struct {
	s      *series
	before calm
	fault  Fault
	on     int64  // until when this fault or an earlier one was on
	stop   int64  // until when its figures are looked for
	ended  Reason // why not for longer
	// until is when jobs no longer belong to it: a second after its recovery, in which
	// one job in a hundred may still be slow.
	until int64
}

// figures computes all of them. Lost jobs that were due before the given moment belong
// to earlier faults.
func (e *episode) figures(accounted int64) Figures {
	f := Figures{Before: e.before.Before}
	f.Flowing, f.Why.Flowing = e.since(e.flowing())
	f.Drained, f.Why.Drained = e.since(e.drained())
	f.Recovered, f.Why.Recovered = e.since(e.recovered())
	e.until = e.stop
	switch {
	case f.Recovered != nil:
		e.until = min(e.stop, e.fault.End+int64(*f.Recovered)+second)
	case e.ended == RunEnded:
		e.until = Never
	}
	f.Noticed, f.Why.Noticed = e.noticed()
	slow := e.account(&f, accounted)
	if e.before.known {
		f.Affected = &slow
	} else {
		f.Why.Affected = FewBefore
	}
	return f
}

// since is a moment as the time since the fault's end.
func (e *episode) since(at int64, why Reason) (*time.Duration, Reason) {
	if why != "" {
		return nil, why
	}
	d := time.Duration(at - e.fault.End)
	return &d, ""
}

// flowing is the first moment from which notifications come for a second.
func (e *episode) flowing() (at int64, why Reason) {
	ends, due := e.s.ends, e.s.due
	first := from(ends, e.on)
	last, a, b := first, from(due, e.on), from(due, e.on)
	for ; first < len(ends); first++ {
		at := ends[first].at
		if at+second > e.stop {
			break
		}
		for last < len(ends) && ends[last].at < at+second {
			last++
		}
		for a < len(due) && due[a].at < at {
			a++
		}
		for b < len(due) && due[b].at < at+second {
			b++
		}
		if 10*(last-first) >= 9*(b-a) {
			if e.before.known && at-e.on <= e.before.longest {
				at = e.on
			}
			return at, ""
		}
	}
	return 0, e.ended
}

// drained is the first moment at which the backlog is what it was before.
func (e *episode) drained() (at int64, why Reason) {
	if !e.before.known {
		return 0, FewBefore
	}
	why = e.ended
	e.s.backlogs(e.on, e.stop, func(now, backlog int64) bool {
		if backlog > e.before.backlog {
			return true
		}
		at, why = now, ""
		return false
	})
	return at, why
}

// recovered is the first moment from which the p99 of a sliding second is as before and
// stays so.
func (e *episode) recovered() (since int64, why Reason) {
	if !e.before.known {
		return 0, FewBefore
	}
	w := slide{
		all: e.s.heard, limit: int64(e.before.P99) + int64(e.before.P99)/2,
		// Twice the jobs that it needs are expected in it.
		width: max(second, int64(2*leastSlide/e.before.perSecond*float64(second))),
	}
	w.first = from(w.all, e.on)
	w.after = w.first
	latest := e.stop - w.width
	good := false
	for at, ok := e.on, true; ok && at <= latest; at, ok = w.next() {
		if good && at-since > stays {
			return since, ""
		}
		w.move(at)
		if is := w.good(); is != good {
			good, since = is, at
		}
	}
	switch {
	case good && latest-since >= stays:
		return since, ""
	case e.ended == RunEnded && e.on <= latest && w.jobs() < leastSlide:
		return 0, FewJobs
	}
	return 0, e.ended
}

// slide is a window that slides over outcomes.
type slide struct {
	all          []outcome
	width, limit int64
	first, after int // the outcomes in it
	slow         int // those of them that took longer than the limit
}

// move moves the window ahead to where it begins at that moment.
func (w *slide) move(at int64) {
	for ; w.after < len(w.all) && w.all[w.after].at < at+w.width; w.after++ {
		w.slow += w.isSlow(w.after)
	}
	for ; w.first < w.after && w.all[w.first].at < at; w.first++ {
		w.slow -= w.isSlow(w.first)
	}
}

func (w *slide) isSlow(i int) int {
	if w.all[i].took > w.limit {
		return 1
	}
	return 0
}

// next is the next begin of a window that holds other outcomes.
func (w *slide) next() (at int64, ok bool) {
	at = Never
	if w.first < w.after {
		at = w.all[w.first].at + 1
	}
	if w.after < len(w.all) {
		at = min(at, w.all[w.after].at-w.width+1)
	}
	return at, at != Never
}

func (w *slide) jobs() int { return w.after - w.first }

// good reports whether enough jobs are in the window and their p99 is within the limit:
// by nearest rank, at most one in a hundred is slower.
func (w *slide) good() bool { return w.jobs() >= leastSlide && w.slow <= w.jobs()/100 }

// noticed is how long after its begin the fault shows.
func (e *episode) noticed() (*time.Duration, Reason) {
	at := int64(Never)
	if first := e.fault.FirstError; first >= e.fault.Begin && first < e.until {
		at = first
	}
	if e.before.known {
		at = min(at, e.silent())
	}
	switch {
	case at != Never:
		d := time.Duration(at - e.fault.Begin)
		return &d, ""
	case !e.before.known:
		return nil, FewBefore
	}
	return nil, Unnoticed
}

// silent is when notifications have not come for long, since the fault began and until
// it was recovered from.
func (e *episode) silent() int64 {
	ends := e.s.ends
	limit := max(10*e.before.meanGap, 3*int64(e.before.P99), 2*e.before.longest)
	i := from(ends, e.fault.Begin)
	last := e.fault.Begin
	if i > 0 {
		last = ends[i-1].at
	}
	stop := min(e.stop, e.until)
	for ; last < stop; i++ {
		next := stop
		if i < len(ends) {
			next = min(next, ends[i].at)
		}
		if next-last > limit && last+limit >= e.fault.Begin {
			return last + limit
		}
		last = next
	}
	return Never
}

// account counts the lost jobs, and returns how many were affected.
func (e *episode) account(f *Figures, accounted int64) (affected int64) {
	reach := second
	if e.before.known {
		reach = max(reach, 2*e.before.slowest)
	}
	f.LostSince, f.LostUntil = max(accounted, e.fault.Begin-reach), e.until
	limit := int64(e.before.P999)
	due := e.s.due
	for i := from(due, f.LostSince); i < len(due) && due[i].at < f.LostUntil; i++ {
		switch o := due[i]; {
		case o.took == Never:
			f.Lost += e.s.every
			affected += e.s.every
		case o.at >= e.fault.Begin && o.took > limit:
			affected += e.s.every
		}
	}
	return affected
}
