package result

import (
	"cmp"

	"github.com/queuedyno/queuedyno/scenario"
)

// Fault is what one fault of the scenario did. All moments are in nanoseconds from the
// epoch, the start of the load.
type Fault struct {
	// Name is what the scenario calls it, empty where it has no name.
	Name   string               `json:"name,omitempty"`
	Kind   scenario.FaultKind   `json:"kind"`
	Target scenario.FaultTarget `json:"target"`
	// Fault is the fault as a flag gives it: "10s+2s:pause=redis".
	Fault string `json:"fault"`
	// AtNS is when it was to begin, and UntilNS when it was to end; null for a fault
	// without a length, and for one that was not to be repaired.
	AtNS    int64  `json:"at_ns"`
	UntilNS *int64 `json:"until_ns"`
	// BeganNS is when it had begun, null if it never did: the load was over. EndedNS is
	// when what was broken was repaired.
	BeganNS *int64 `json:"began_ns"`
	EndedNS *int64 `json:"ended_ns"`
	// Error is why it could not be carried out or repaired, empty when it could.
	Error string `json:"error,omitempty"`
	// NoticedNS is how long after the begin the first error was seen, or the first long
	// gap between notifications.
	NoticedNS *int64 `json:"noticed_ns"`
	// FlowingNS, DrainedNS and RecoveredNS are how long after the end notifications came
	// as fast as before, the backlog was as before, and the p99 was at most 1.5 times
	// that before. Of a fault without an end they count from its begin.
	FlowingNS   *int64 `json:"flowing_ns"`
	DrainedNS   *int64 `json:"drained_ns"`
	RecoveredNS *int64 `json:"recovered_ns"`
	// Affected are the jobs that took longer than the p99.9 before because of it, and the
	// lost ones.
	Affected *int64 `json:"affected"`
	// Why holds a reason for each figure that is null, by its name without the unit:
	// few_jobs_before, unnoticed, few_jobs, next_fault or run_ended.
	Why map[string]string `json:"why,omitempty"`
	// Lost are the lost jobs that are attributed to the fault, also by leg.
	Lost      int64         `json:"lost"`
	LostByLeg map[Leg]int64 `json:"lost_by_leg"`
	// The following were counted from its begin until that of the next one. Duplicated
	// are extra pops and extra notifications. Of the pushes under way, the server
	// answered Refused with an error, and Unknown had no answer when their connection was
	// lost; Found are the unknown ones that arrived. Errors are counted by operation.
	Duplicated int64            `json:"duplicated"`
	Refused    int64            `json:"refused"`
	Unknown    int64            `json:"unknown"`
	Found      int64            `json:"found"`
	Errors     map[string]int64 `json:"errors"`
	// Before is what the figures were compared with.
	Before BeforeFault `json:"before"`
}

// BeforeFault describes the 5 s before a fault, or the longer time that it takes for
// 1,000 jobs to end. All but Jobs is zero with fewer jobs.
type BeforeFault struct {
	Jobs    int64   `json:"jobs"`
	P99NS   int64   `json:"p99_ns"`
	P999NS  int64   `json:"p99_9_ns"`
	Backlog int64   `json:"backlog"`
	PerS    float64 `json:"per_s"`
}

// During reports whether the fault was on at some moment from one time to another, in
// seconds from the epoch. One without a length is on at its begin.
func (f Fault) During(from, to float64) bool {
	if f.BeganNS == nil {
		return false
	}
	began, ended := float64(*f.BeganNS)/1e9, float64(*f.BeganNS)/1e9
	if f.EndedNS != nil {
		ended = float64(*f.EndedNS) / 1e9
	} else if f.Kind == scenario.KillFault {
		ended = to // it stays
	}
	return began < to && ended >= from
}

// WorstFault is the value of a metric of faults, such as fault.recovery, for the fault of
// which it is the highest. It is nil without a fault, and where one of the faults does
// not have it: that one may be the worst.
func (r *Result) WorstFault(metric string) *float64 {
	var worst *float64
	for _, f := range r.Faults {
		v, known := f.Figure(metric)
		if !known {
			return nil
		}
		if worst == nil || v > *worst {
			worst = &v
		}
	}
	return worst
}

// Figure is the value of a metric of faults, such as fault.recovery, for this fault:
// jobs, or nanoseconds. known is false when the fault was not carried out, and when the
// record does not say.
func (f Fault) Figure(metric string) (value float64, known bool) {
	var v *int64
	switch metric {
	case "fault.lost":
		v = &f.Lost
	case "fault.duplicated":
		v = &f.Duplicated
	case "fault.detection":
		v = f.NoticedNS
	case "fault.recovery":
		v = f.RecoveredNS
	}
	if f.BeganNS == nil || v == nil {
		return 0, false
	}
	return float64(*v), true
}

// without is why the fault does not have the value of a metric.
func (f Fault) without(metric string) string {
	what := cmp.Or(f.Name, f.Fault)
	if f.BeganNS == nil {
		return what + " did not happen: " + cmp.Or(f.Error, "the load was over before")
	}
	switch why := f.Why[map[string]string{"fault.detection": "noticed", "fault.recovery": "recovered"}[metric]]; why {
	case "few_jobs_before":
		return "fewer than 1,000 jobs ended before " + what + ", too few to compare with"
	case "unnoticed":
		return what + " caused no error and no long gap between notifications"
	case "few_jobs":
		return "too few jobs ended after " + what
	case "next_fault":
		return "the next fault began before " + what + " was recovered from"
	case "run_ended":
		return "the run ended before " + what + " was recovered from"
	}
	return "it was not measured for " + what
}
