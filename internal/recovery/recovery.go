// Package recovery computes what a fault did to a run: when it was noticed, when
// notifications flowed again, when the backlog was gone, when the p99 was back, and how
// many jobs were affected.
//
// It is pure arithmetic on when each job was due and when it ended. It measures nothing
// and knows no queue. Begin reading at [Of].
package recovery

import (
	"math"
	"time"
)

// Never is the moment of what did not happen.
const Never = math.MaxInt64

// Job is when a job was due and when its notification came, in nanoseconds since the
// run's epoch. Ended is [Never] for a lost one.
type Job struct{ Due, Ended int64 }

// Fault is a fault as it was carried out, in nanoseconds since the run's epoch.
type Fault struct {
	// Begin is when it began, and End when it ended. They are equal for one that has no
	// length, such as a disconnect, and for one that is never repaired.
	Begin, End int64
	// FirstError is when the first error since Begin was seen, [Never] without one.
	FirstError int64
}

// Input is a run with faults.
type Input struct {
	// Jobs are the jobs of the run, in any order. Those of a warm-up may be left out.
	Jobs []Job
	// Every is how many jobs each of Jobs represents, 1 where none was left out; 0 means 1.
	Every int64
	// Faults are in order of their Begin.
	Faults []Fault
	// Until is the end of the record: jobs that were due later are not in Jobs.
	Until int64
}

// Reason says why a figure is not known. It is empty for one that is.
type Reason string

// The reasons.
const (
	// FewBefore: fewer than 1,000 jobs ended before the fault, so that there is nothing
	// to compare with.
	FewBefore Reason = "few_jobs_before"
	// Unnoticed: there was neither an error nor a long gap between notifications.
	Unnoticed Reason = "unnoticed"
	// FewJobs: too few jobs ended after the fault to judge their p99.
	FewJobs Reason = "few_jobs"
	// NextFault: another fault began before.
	NextFault Reason = "next_fault"
	// RunEnded: the record ended before.
	RunEnded Reason = "run_ended"
)

// Figures are what one fault did. A duration is nil where [Figures.Why] has a reason.
type Figures struct {
	// Noticed is how long after the fault's begin an error was seen, or no notification
	// had come for longer than ten mean gaps, three times the p99 and twice the longest
	// gap before the fault, whichever is longest.
	Noticed *time.Duration
	// Flowing is how long after the fault's end the first second begins in which at least
	// 90% as many notifications come as jobs are due. It is 0 if the first of them comes
	// as soon as it would have before.
	Flowing *time.Duration
	// Drained is how long after the fault's end no more jobs wait than before the fault,
	// during 99% of the time.
	Drained *time.Duration
	// Recovered is how long after the fault's end the p99 of a sliding second is at most
	// 1.5 times the p99 before, and stays so for 2 s. The second needs 100 jobs; where
	// the rate is low it is longer.
	Recovered *time.Duration
	// Affected are the jobs that were due since the fault's begin and until a second
	// after the recovery, or the end of the record without one, and took longer than the
	// p99.9 before; and the lost ones.
	Affected *int64
	// Lost are the jobs that are attributed to the fault and never ended: those that
	// were due at LostSince or later and before LostUntil.
	Lost                 int64
	LostSince, LostUntil int64
	// Before is what the figures were compared with.
	Before Before
	Why    Reasons
}

// Reasons says which figures are not known, and why.
type Reasons struct {
	Noticed, Flowing, Drained, Recovered, Affected Reason
}

// Before describes the 5 s before a fault, or the longer time that it takes for 1,000
// jobs to end. All but Jobs is zero with fewer jobs.
type Before struct {
	// P99 and P999 are quantiles of the time from due to notification.
	P99, P999 time.Duration
	// Backlog is the number of jobs that waited at most, during 99% of the time.
	Backlog int64
	// Rate is the number of notifications per second.
	Rate float64
	// Jobs is how many jobs ended in that time.
	Jobs int64
}

// The definitions of the figures.
const (
	second     = int64(time.Second)
	lookBack   = 5 * second
	leastJobs  = 1000
	leastSlide = 100
	stays      = 2 * second
)

// Of computes the figures of each fault.
//
// A fault is compared with the calm before it, which begins a second after the recovery
// of the fault before at the earliest. If that one had not recovered when this one
// began, or too few jobs ended in between, both are compared with the same calm.
//
// Where faults overlap, each figure belongs to one of them. A fault's figures are looked
// for until the next one begins, and are not known after that ([NextFault]). The next
// fault's begin with that, and are looked for when all faults have ended, so that they
// include what is left of the earlier ones. A lost job belongs to the fault that began
// last before it was due, if it was due until a second after the recovery; otherwise to
// a fault that began up to a second later (or up to twice the longest latency before, if
// that is longer), since it was in the queue by then.
//
// It takes O(n log n) for n jobs and keeps nothing of its input.
func Of(in Input) []Figures {
	s := newSeries(in)
	all := make([]Figures, len(in.Faults))
	var (
		known      calm        // of the fault before
		floor      = s.first() // from where a calm may begin
		on         = int64(math.MinInt64)
		accounted  = int64(math.MinInt64) // lost jobs due before belong to earlier faults
		recovering bool
	)
	for i, f := range in.Faults {
		on = max(on, f.End)
		stop, ended := in.Until, RunEnded
		if i+1 < len(in.Faults) && in.Faults[i+1].Begin < stop {
			stop, ended = in.Faults[i+1].Begin, NextFault
		}
		before := known
		if !recovering {
			if c := s.calm(floor, f.Begin); c.known || !known.known {
				before = c
			}
		}
		e := episode{s: s, before: before, fault: f, on: on, stop: stop, ended: ended}
		all[i] = e.figures(accounted)
		known, accounted = before, e.until
		recovering = before.known && all[i].Recovered == nil
		floor = max(floor, on)
		if before.known {
			floor = max(floor, e.until)
		}
	}
	return all
}
