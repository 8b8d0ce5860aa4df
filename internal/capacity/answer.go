package capacity

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// nearCeiling is the share of the closed loop's rate from which on what limits
// the closed loop is taken to limit the answer too.
const nearCeiling = 0.7

// answer is what the trials say. An empty why means that the search goes on.
func (s *search) answer(why string) Answer {
	a := Answer{Status: Unknown, Why: why, Trials: len(s.trials)}
	for _, t := range s.trials {
		a.Took += t.Took
		if t.Verdict == Invalid && t.Kind != Ceiling {
			a.Invalid++
		}
	}
	p := s.belief()
	if p == nil {
		return a
	}
	a.LoopBefore = s.ceiling().Achieved
	if last := s.trials[len(s.trials)-1]; len(s.trials) > 1 && last.Kind == Ceiling {
		a.LoopAfter = last.Achieved
	}
	a.Low, a.Median, a.High = math.Exp(p.quantile(0.1)), math.Exp(p.quantile(0.5)), math.Exp(p.quantile(0.9))
	if len(s.of(Short))+len(s.of(Long)) > 0 {
		s.decide(&a, p)
	}
	a.RefutedRate = s.refuted(a.Rate)
	a.Limit = s.limit(a)
	return a
}

// decide sets what the answer is and how good it is.
func (s *search) decide(a *Answer, p *posterior) {
	if a.ConfirmedRate, a.ConfirmedTrials, a.ConfirmedAgainst = s.best(); a.ConfirmedRate > 0 {
		a.ConfirmedFor = s.shortest(a.ConfirmedRate, Long)
	}
	best := 0.0
	for _, t := range s.at(Good) {
		// One good trial may be luck. A rate that failed more often does not count.
		if t.Rate > best && s.mostlyGood(t.Rate) {
			best = t.Rate
		}
	}
	if a.ConfirmedRate == 0 && a.Why == s.usedUp() {
		for _, t := range s.at(Good) {
			if n := s.held(t.Rate); t.Rate > a.ConfirmedRate && n > 0 {
				a.ConfirmedRate, a.ConfirmedTrials, a.ConfirmedFor = t.Rate, n, s.shortest(t.Rate, Long, Short)
			}
		}
	}
	switch {
	case a.ConfirmedRate > 0:
		a.Status, a.Rate = Confirmed, a.ConfirmedRate
	case !s.anyGood():
		// Until they have gone all the way down, bad trials rule out nothing.
		if s.lost(p) || len(s.of(Short)) >= s.mostShort() {
			a.Status = NoRate
		}
	case s.gaveUp():
		a.Status, a.Rate = AtLeast, best
	default:
		a.Status, a.Rate = Estimated, Round(a.Low)
	}
	// Where the machine that makes the load is what saturates, the system under
	// test might carry more.
	if a.Rate > 0 && s.limit(*a).ours() {
		a.Status = AtLeast
	}
	// A generator that gave out above what was confirmed leaves it a bound from
	// below: what failed there was not the system.
	if a.Status == Confirmed && s.refuted(a.Rate) == 0 && s.gaveUp() {
		a.Status = AtLeast
	}
}

// shortest is the length of the shortest good trial of these kinds at that rate or a
// higher one.
func (s *search) shortest(rate float64, kinds ...Kind) (least time.Duration) {
	for _, t := range s.at(Good) {
		if t.Rate >= rate && slices.Contains(kinds, t.Kind) && (least == 0 || t.measured() < least) {
			least = t.measured()
		}
	}
	return least
}

// mostlyGood reports whether at this rate and above at least as many trials
// were good as were bad at this rate and below.
func (s *search) mostlyGood(rate float64) bool {
	return len(above(s.at(Good), rate)) >= len(below(s.at(Bad), rate))
}

// refuted is the lowest rate above the given one that failed, 0 for none.
func (s *search) refuted(rate float64) (lowest float64) {
	for _, t := range s.at(Bad) {
		if t.Rate > rate && (lowest == 0 || t.Rate < lowest) {
			lowest = t.Rate
		}
	}
	return lowest
}

// ours reports whether what makes the load is what gave out.
func (l Limit) ours() bool {
	return l.Part == "generator" || l.Part == "host" || l.Part == "cpu_limit"
}

// The trials that are asked what gave out: so many of those that failed next
// above the answer, and none further above it than this factor. What gives out
// far beyond the capacity need not be what limits it.
const (
	witnesses = 5
	nearby    = 1.5
)

// limit is what gave out. A good trial has nothing to say about that: asked are
// the trials that failed next above the answer, of which most decide, and where
// none of them can tell, the ceiling when the answer is near it.
func (s *search) limit(a Answer) Limit {
	if last, _ := Last(s.trials); s.gaveUp() && a.Status == AtLeast {
		if last.Limit.ours() {
			return last.Limit
		}
		part := "generator"
		if last.Passing {
			part = "host"
		}
		return Limit{Part: part, Detail: reason(last), External: last.Passing, Used: last.Limit.Used}
	}
	failed := s.failedAbove(a.Rate)
	votes := map[string]int{}
	for _, t := range failed {
		if t.Limit.Part != "" {
			votes[t.Limit.Part]++
		}
	}
	var best *Trial
	for i, t := range failed {
		if t.Limit.Part != "" && (best == nil || votes[t.Limit.Part] > votes[best.Limit.Part]) {
			best = &failed[i]
		}
	}
	if best != nil {
		return best.Limit
	}
	if c := s.ceiling(); c != nil && c.Limit.Part != "" && (a.Rate == 0 || a.Rate >= nearCeiling*c.Achieved) {
		return c.Limit
	}
	if len(failed) > 0 {
		return failed[0].Limit
	}
	return Limit{}
}

// failedAbove are the few trials that failed next above the rate, from the
// nearest, which is among them wherever it is.
func (s *search) failedAbove(rate float64) []Trial {
	failed := slices.DeleteFunc(s.at(Bad), func(t Trial) bool { return t.Rate <= rate })
	slices.SortStableFunc(failed, func(a, b Trial) int { return cmp.Compare(a.Rate, b.Rate) })
	n := min(len(failed), witnesses)
	for rate > 0 && n > 1 && failed[n-1].Rate > nearby*rate {
		n--
	}
	return failed[:n]
}
