package store

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/study"
)

// checkSearch refuses a search with impossible figures.
func checkSearch(r *study.Record) error {
	if what := absurd(r); what != "" {
		return errors.New(what + " makes no sense")
	}
	return nil
}

// absurd names an impossible figure, empty without one.
func absurd(r *study.Record) string {
	sane := func(all ...float64) bool {
		for _, v := range all {
			if v != 0 && !(v >= 1e-6 && v <= 1e15) {
				return false
			}
		}
		return true
	}
	trials, answers := slices.Concat(r.Trials, r.Curve), []capacity.Answer{r.Answer}
	for _, c := range r.Cells {
		trials, answers = append(trials, c.Trials...), append(answers, c.Answer)
		if len(c.Values) != len(r.Vary) {
			return "a value that was varied"
		}
		for i, v := range c.Values {
			if !slices.Contains(r.Vary[i].Values, v) {
				return "a value that was varied"
			}
		}
	}
	if faults := study.CheckDimensions(r.Vary); len(faults) > 0 {
		return "what was varied (" + faults[0] + ")"
	}
	for _, t := range trials {
		if !sane(t.Rate, t.Achieved) || t.Kind != capacity.Ceiling && t.Rate == 0 || t.Length <= 0 || t.Took < 0 {
			return fmt.Sprintf("trial %d", t.N)
		}
	}
	for _, a := range answers {
		if !sane(a.Rate, a.Low, a.Median, a.High, a.ConfirmedRate, a.RefutedRate, a.LoopBefore, a.LoopAfter) {
			return "the answer"
		}
	}
	if what := absurdScaling(r); what != "" {
		return what
	}
	for _, p := range r.Points {
		if !sane(p.Rate, p.Achieved.Value) {
			return "a point of the curve"
		}
		for q, l := range p.Latency {
			if !sane(l.Value) || !(l.Low >= 0 && l.High >= 0) {
				return "the " + q + " of a point of the curve"
			}
		}
	}
	if r.Knee != nil && !sane(r.Knee.Rate) {
		return "the knee"
	}
	return ""
}

// absurdScaling names an impossible value of a fitted law, empty without one.
func absurdScaling(r *study.Record) string {
	s := r.Scaling
	if s == nil {
		return ""
	}
	if len(r.Vary) != 1 || s.Refused == "" && (!(s.Lambda > 0) || len(s.Sizes) == 0) ||
		!(s.Sigma >= 0 && s.Kappa >= 0 && s.Peak >= 0) || math.IsNaN(s.Largest) || math.IsInf(s.Largest, 0) {
		return "the law of scaling"
	}
	return ""
}
