package scenario

import (
	"fmt"
	"strings"
)

// validity asks whether the figures can be believed.
func (r *run) validity(res *Result) Validity {
	v := Validity{Verdict: Valid, Reasons: []string{}, Checks: map[string]Check{}}
	lower := func(verdict, reason string) {
		v.Reasons = append(v.Reasons, reason)
		if v.Verdict != Invalid {
			v.Verdict = verdict
		}
	}
	check := func(name string, value, limit float64, unit string, passed bool, verdict, detail string) {
		v.Checks[name] = Check{Value: &value, Limit: &limit, Unit: unit, Passed: passed, Detail: detail}
		if !passed {
			lower(verdict, detail)
		}
	}
	if res.Window.Completed == 0 {
		lower(Invalid, "no job of the window was completed, so there is nothing to measure")
	}
	if res.Run.Failed {
		lower(Invalid, "an error ended the run: "+res.Run.Error)
	}
	if r.rec.negative > 0 {
		check("clock", float64(r.rec.negative), 0, "jobs", false, Invalid,
			fmt.Sprintf("%d jobs have a stage of negative length: the clock is broken, or a worker answered before it was asked", r.rec.negative))
	}
	if r.tokens == nil && res.Window.Scheduled > 0 {
		on := 1 - float64(r.rec.late)/float64(res.Window.Scheduled)
		check("sent_in_time", on, 0.999, "ratio", on >= 0.999, Invalid,
			fmt.Sprintf("%.2f %% of the window's jobs were sent before it was over; the generator could not keep up (fewer jobs/s, more producers, or a faster machine)", 100*on))
		r.shares(res, check)
	}
	return v
}

// shares asks how much of the latency is the generator's own.
func (r *run) shares(res *Result, check func(name string, value, limit float64, unit string, passed bool, verdict, detail string)) {
	whole, sent := res.Stages[EndToEnd], res.Stages[FromSend]
	for _, q := range []struct {
		name        string
		whole, sent *int64
		verdict     string
	}{{"p50", whole.P50NS, sent.P50NS, Suspect}, {"p99", whole.P99NS, sent.P99NS, Suspect}} {
		if q.whole == nil || q.sent == nil || *q.sent <= 0 {
			continue
		}
		ratio := float64(*q.whole) / float64(*q.sent)
		check("generator_share_"+strings.ReplaceAll(q.name, ".", "_"), ratio, 1.10, "ratio", ratio <= 1.10, q.verdict,
			fmt.Sprintf("end_to_end.%s is %.2f times from_send.%s: jobs were sent late, so part of it is the generator's own delay", q.name, ratio, q.name))
	}
	if r.rec.tail >= 10 {
		share := float64(r.rec.tailLate) / float64(r.rec.tail)
		check("generator_tail", share, 0.10, "ratio", share < 0.10, Suspect,
			fmt.Sprintf("in %.0f %% of the slowest 1 %% of jobs, more than half of the time is the generator's own delay", 100*share))
	}
}
