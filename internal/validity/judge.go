package validity

import (
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// judge asks one question after the other.
type judge struct {
	r *result.Result
	m Measured
	p probes
	v result.Validity
	// notes are reasons that lower no verdict.
	notes []string
}

func (j *judge) closed() bool   { return j.r.Scenario.Load.Closed() }
func (j *judge) observed() bool { return j.r.Scenario.Load.Observed }

// lower lowers the verdict and notes why. It never raises it.
func (j *judge) lower(to, reason string) {
	j.v.Reasons = append(j.v.Reasons, reason)
	if j.v.Verdict != result.Invalid {
		j.v.Verdict = to
	}
}

// check notes a check; when it failed, reason lowers the verdict, unless to is
// empty: then it is a note.
func (j *judge) check(name string, value, limit float64, unit string, passed bool, detail, to, reason string) {
	c := result.Check{Value: &value, Limit: &limit, Unit: unit, Passed: passed, Detail: detail}
	if !passed {
		c.Effect = to
		if to == "" {
			c.Effect = "note"
		}
	}
	j.v.Checks[name] = c
	switch {
	case passed:
	case to == "":
		j.notes = append(j.notes, reason)
	default:
		j.lower(to, reason)
	}
}

// fact notes a figure that is held against no limit, at least not in this run.
func (j *judge) fact(name string, value float64, unit, detail string) {
	j.v.Checks[name] = result.Check{Value: &value, Unit: unit, Passed: true, Detail: detail}
}

// unknown notes a check that could not be made.
func (j *judge) unknown(name, why string) {
	j.v.Checks[name] = result.Check{Passed: true, Detail: why}
}

// outcome asks whether there is anything to judge.
func (j *judge) outcome() {
	failed, completed, waiting := j.r.Run.Error, j.r.Window.Completed, int64(0)
	if o := j.r.Observed; o != nil && o.Backlog.Last != nil {
		waiting = *o.Backlog.Last
	}
	// Causes stand before what follows from them.
	if failed != "" {
		j.lower(result.Invalid, "an error ended the run: "+strings.TrimRight(failed, "."))
	}
	if j.m.Limited != "" {
		j.lower(result.Invalid, j.m.Limited)
	}
	switch {
	case completed == 0 && j.observed() && waiting > 0:
		j.lower(result.Invalid, fmt.Sprintf("no job ended, and %s wait in the queue: either no worker pops from it, or the workers publish on another channel", number.Count(waiting)))
	case completed == 0:
		j.lower(result.Invalid, "no job of the window was completed, so there is nothing to measure")
	}
	j.check("clock", float64(j.m.Negative), 0, "jobs", j.m.Negative == 0,
		"jobs with a stage of negative length", result.Invalid,
		fmt.Sprintf("%s jobs have a stage of negative length: the clock is broken, or an answer came before its question", number.Count(j.m.Negative)))
}

// pace asks whether the load was the one that was asked for, and how much of
// the latency is the generator's.
func (j *judge) pace() {
	e := j.m.Schedule
	if e.SentInTime != nil {
		j.check("sent_in_time", *e.SentInTime, 0.999, "ratio", *e.SentInTime >= 0.999,
			fmt.Sprintf("%.2f%% of the window's jobs were sent before the window was over", 100**e.SentInTime), result.Invalid,
			fmt.Sprintf("only %.2f%% of the window's jobs were sent before it was over: the generator could not keep up; %s", 100**e.SentInTime, j.cause("use fewer jobs/s, more producers, a larger batch, or a faster machine")))
	}
	if e.LateShare != nil {
		j.check("late_jobs", *e.LateShare, 0.05, "ratio", *e.LateShare <= 0.05,
			fmt.Sprintf("%.1f%% of the jobs were sent more than %s late", 100**e.LateShare, e.LateLimit.Round(10*time.Microsecond)), result.Suspect,
			fmt.Sprintf("%.1f%% of the jobs were sent more than %s late: %s", 100**e.LateShare, e.LateLimit.Round(10*time.Microsecond), j.cause("the generator was held up; is the machine busy with something else?")))
	}
	for _, q := range j.quantiles() {
		if q.sent <= 0 {
			continue
		}
		ratio := float64(q.whole) / float64(q.sent)
		limit := max(1.10, float64(q.sent+q.floor)/float64(q.sent))
		if n := j.m.Faults.Late; n > 0 {
			j.fact("generator_share_"+q.name, ratio, "ratio", fmt.Sprintf("end_to_end.%s is %.2f times from_send.%s; %s jobs were sent late because of a fault", q.name, ratio, q.name, number.Count(n)))
			continue
		}
		to := result.Suspect
		if q.name != "p50" && q.name != "p99" {
			to = ""
		}
		j.check("generator_share_"+q.name, ratio, limit, "ratio", ratio <= limit,
			fmt.Sprintf("end_to_end.%s is %.2f times from_send.%s (%s more; up to %s is the timer's own precision)", q.name, ratio, q.name, usage.Round(q.whole-q.sent), q.floor), to,
			fmt.Sprintf("end_to_end.%s is generator-affected: it is %.2f times from_send.%s, since jobs were sent late", q.name, ratio, q.name))
	}
	if e.TailShare == nil {
		return
	}
	detail := fmt.Sprintf("in %.0f%% of the slowest 1%% of jobs more than half of the time is the generator's own delay", 100**e.TailShare)
	if !j.tailMatters() {
		// What matters is a tail that a reader would take for the server's.
		j.fact("generator_tail", *e.TailShare, "ratio", detail+", too little to matter")
		return
	}
	j.check("generator_tail", *e.TailShare, 0.10, "ratio", *e.TailShare < 0.10, detail, result.Suspect, detail+": the tail is not the server's")
}

// tailMatters reports whether end_to_end's p99 is far enough from that of from_send
// for the generator's part of the tail to mislead.
func (j *judge) tailMatters() bool {
	for _, q := range j.quantiles() {
		if q.name == "p99" {
			return q.whole-q.sent > q.floor
		}
	}
	return true
}

// quantile is one quantile of end_to_end and of from_send. A difference of at most
// floor is what a waiting thread can be late by on a healthy host.
type quantile struct {
	name               string
	whole, sent, floor time.Duration
}

// quantiles are those that both stages have.
func (j *judge) quantiles() (both []quantile) {
	for _, q := range []quantile{
		{name: "p50", floor: 100 * time.Microsecond}, {name: "p90", floor: 200 * time.Microsecond},
		{name: "p99", floor: 500 * time.Microsecond}, {name: "p99.9", floor: time.Millisecond},
	} {
		whole, sent := stageAt(j.r, metric.EndToEnd, q.name), stageAt(j.r, metric.FromSend, q.name)
		if whole != nil && sent != nil {
			q.whole, q.sent = *whole, *sent
			both = append(both, q)
		}
	}
	return both
}

// ended reports whether the run came to its end, so that what is missing is lost.
func (j *judge) ended() bool { return !j.r.Run.Failed && !j.r.Run.Interrupted }

// vanished is how many jobs left the list without being popped by this run.
func (j *judge) vanished() int64 {
	if !j.ended() {
		return 0
	}
	return j.r.Ledger.LostByLeg[ledger.LegVanished]
}

// account asks whether other clients took part, and whether connections held.
func (j *judge) account() {
	e, strangers, unreadable, evicted := j.m.Connections, j.m.Strangers, j.r.Ledger.Unreadable, int64(j.r.Server.Deltas["evicted_keys"])
	unanswered := int64(0)
	if j.ended() {
		unanswered = j.r.Ledger.LostByLeg[ledger.LegUnacknowledged] + j.r.Ledger.LostByLeg[ledger.LegUnpublished]
	} else {
		e.Unconfirmed = 0
	}
	if !j.observed() {
		// A connection that is lost while it waits for a job can take one along.
		vanished := j.vanished()
		taken := min(vanished, e.LostPops)
		if j.m.Faults.Lossy {
			taken = vanished
		}
		others := strangers + vanished - taken
		j.check("strangers", float64(others), 0, "jobs", others == 0,
			"jobs that other clients popped from the list", result.Invalid,
			fmt.Sprintf("%s jobs left the list without being popped by this run (%s of them arrived anyway): another consumer takes from the same queue, or the key was evicted or deleted", number.Count(others), number.Count(strangers)))
		if j.m.Faults.Lossy {
			j.fact("lost_with_connections", float64(taken), "jobs", "jobs that left the list and were not received, which the faults explain")
		} else if e.LostPops > 0 {
			j.check("lost_with_connections", float64(taken), 0, "jobs", taken == 0,
				"jobs that the server may have handed to connections that were lost", result.Suspect,
				fmt.Sprintf("%s jobs left the list and were not received: the server handed them to connections that were lost while they waited for a job", number.Count(taken)))
		}
		asked, by := "push or publish", "the server carried it out"
		if j.r.Scenario.Entry.Kind == scenario.EntryHTTP {
			asked, by = "request", "the API did them"
		}
		j.effect("unanswered", float64(unanswered), "jobs",
			"lost jobs whose "+asked+" was never answered",
			fmt.Sprintf("%s jobs are lost whose %s was never answered: whether %s is not known", number.Count(unanswered), asked, by))
	}
	first := ""
	if odd := j.r.NotUnderstood; odd != nil && j.r.Run.StopReason != stopreason.NoneUnderstood { // which quotes it
		first = "; the first: " + odd.String()
	}
	j.check("unreadable", float64(unreadable), 0, "messages", unreadable == 0,
		"messages on the channel that are not updates", result.Suspect,
		fmt.Sprintf("%s messages on the channel could not be read, and what they say is not in the figures%s", number.Count(unreadable), first))
	j.effect("resubscribed", float64(e.Resubscribed), "subscriptions",
		"subscriptions that were lost and renewed",
		fmt.Sprintf("subscriptions that were lost and renewed: %d; what was published until they were renewed was not heard: an idle limit closed or dropped them, or the server disconnected a subscriber that reads too slowly (client-output-buffer-limit pubsub)", e.Resubscribed))
	j.effect("unconfirmed", float64(e.Unconfirmed), "subscriptions",
		"subscriptions that did not answer at the end",
		fmt.Sprintf("subscriptions that did not answer at the end: %d; they may have been dead, and then what was published was not heard", e.Unconfirmed))
	j.check("evicted", float64(evicted), 0, "keys", evicted == 0,
		"keys that the server evicted during the run", result.Suspect,
		fmt.Sprintf("the server evicted %s keys during the run: it is at its maxmemory, and jobs can vanish", number.Count(evicted)))
	if j.m.Faults.Any {
		j.fact("pool_timeouts", float64(e.PoolTimeouts), "waits", "waits for a connection that timed out")
		return
	}
	j.check("pool_timeouts", float64(e.PoolTimeouts), 0, "waits", e.PoolTimeouts == 0,
		"waits for a connection that timed out", result.Suspect,
		fmt.Sprintf("%s commands outside the load timed out waiting for a connection", number.Count(e.PoolTimeouts)))
}

// machine asks whether the host and the Go runtime permit a measurement.
func (j *judge) machine() {
	s := j.m.Host
	percent := func(name string, v *float64, limit float64, detail, to, reason string) {
		if v == nil {
			j.unknown(name, "this system does not report it")
			return
		}
		j.check(name, *v, limit, "ratio", *v <= limit, fmt.Sprintf(detail, 100**v), to, fmt.Sprintf(reason, 100**v))
	}
	percent("steal", s.Steal, MostSteal, "%.1f%% of the CPUs' time went to other machines on the same host", result.Suspect,
		"the hypervisor gave %.0f%% of the CPUs' time to other machines: figures of this host swing with its neighbours")
	if usage.Share(j.m.Usage.Throttled) >= usage.ThrottledSome {
		s.GC = nil // the runtime counts it by the clock, which goes on while nothing runs
	}
	percent("gc", s.GC, 0.05, "%.1f%% of the CPUs' time went into collecting this process's garbage", result.Suspect,
		"%.0f%% of the CPUs' time went into collecting this process's garbage; raise GOGC or use fewer jobs/s")
	if s.SchedP99 == nil {
		j.unknown("go_scheduler", "too few samples")
	} else if j.closed() {
		j.fact("go_scheduler", s.SchedP99.Seconds(), "s", fmt.Sprintf("99%% of the goroutines that could run did so within %s", usage.Round(*s.SchedP99)))
	} else {
		j.check("go_scheduler", s.SchedP99.Seconds(), 0.001, "s", *s.SchedP99 <= time.Millisecond,
			fmt.Sprintf("99%% of the goroutines that could run did so within %s", usage.Round(*s.SchedP99)), result.Suspect,
			fmt.Sprintf("goroutines that could run waited up to %s (p99) for the Go scheduler: %s", usage.Round(*s.SchedP99), j.cause("this process gets too little CPU time for its load")))
	}
	fact := func(name string, v *float64, detail string) {
		if v == nil {
			j.unknown(name, "not known here")
			return
		}
		j.fact(name, *v, "ratio", fmt.Sprintf(detail, 100**v))
	}
	fact("host_busy", s.Busy, "the host's CPUs were %.0f%% busy, with everything on it")
	fact("process_busy", j.m.Usage.Generator, "this process used %.0f%% of the "+usage.CPUs(j.m.Usage.AllowedCPUs)+" that it may use")
	fact("redis_busy", j.m.Usage.Redis, "Redis used %.0f%% of one CPU")
	// A busy host by itself does no harm; the probes show whether it delayed
	// anything. A delay that nothing else explains lowers the verdict.
	p := j.p
	felt := felt(p)
	if p.hiccup == nil || p.whole == nil {
		j.unknown("hiccup", "too few samples")
	} else if !j.closed() {
		j.check("hiccup", p.hiccup.Seconds(), max(MostHiccup, *p.whole/4).Seconds(), "s", !felt,
			fmt.Sprintf("a thread that only waits woke up to %s late (%s)", usage.Round(*p.hiccup), p.at), result.Suspect,
			fmt.Sprintf("a goroutine of this process that only waits woke up to %s late (%s), which is much of %s: %s", usage.Round(*p.hiccup), p.at, p.name(), j.cause("the host is too busy to measure on")))
	}
	to := ""
	if felt && !j.closed() {
		to = result.Suspect
	}
	note := func(name string, v *float64, limit float64, detail, reason string) {
		if v == nil {
			j.unknown(name, "this system does not report it")
			return
		}
		if to == "" {
			fact(name, v, detail) // it was not felt
			return
		}
		j.check(name, *v, limit, "ratio", *v <= limit, fmt.Sprintf(detail, 100**v), to, fmt.Sprintf(reason, 100**v))
	}
	note("run_queue", s.RunQueue, 0.25, "runnable threads of this process waited for a CPU %.1f%% of the time",
		"runnable threads of this process waited for a CPU %.0f%% of the time: "+j.cause("other processes were using it"))
	note("pressure", s.Pressure, 0.50, "some task of the host waited for a CPU %.0f%% of the time",
		"some task of the host waited for a CPU %.0f%% of the time")
}

// limit asks whether a CPU limit stopped this process.
func (j *judge) limit() {
	u, l := j.m.Usage, j.m.Host.CPU
	switch {
	case l.Unknown != "" && u.CPULimit == 0:
		j.unknown("cpu_limit", "whether a CPU limit applies is not known: "+l.Unknown)
		return
	case u.CPULimit == 0:
		j.unknown("cpu_limit", "no CPU limit applies")
		return
	case u.Throttled == nil:
		j.unknown("cpu_limit", fmt.Sprintf("the CPU limit is %s%s; how often it stopped this process is not known", usage.CPUs(u.CPULimit), usage.From(u.LimitSource)))
		return
	}
	words := u.LimitWords()
	if u.SharedLimit {
		words += "; everything started for the run, such as a private Redis or workers, is under the same limit"
	}
	if l.Unknown != "" {
		words += "; another limit could not be read: " + l.Unknown
	}
	j.check("cpu_limit", *u.Throttled, usage.ThrottledSome, "ratio", *u.Throttled < usage.ThrottledSome, words, result.Suspect, words+"; "+usage.LimitRemedy)
}

// cause is what held this process up: the CPU limit where it did, else what is
// given.
func (j *judge) cause(otherwise string) string {
	if usage.Share(j.m.Usage.Throttled) >= usage.ThrottledSome {
		return "its CPU limit throttled it"
	}
	return otherwise
}

// settling asks whether the window is of one piece.
func (j *judge) settling() {
	e := j.m.Course
	if j.m.Faults.Any {
		for _, name := range []string{"warmup", "drift", "sustained"} {
			j.unknown(name, broken)
		}
		return
	}
	if e.WarmupNeeded == nil {
		j.unknown("warmup", "the run is too short to tell (it takes 10 s)")
	} else {
		needed := *e.WarmupNeeded
		ok := e.WarmupExcess < 1.10 && e.WarmupExcess > 1/1.10 || e.Settled && needed <= j.r.Scenario.Warmup+time.Second/2
		reason := fmt.Sprintf("latency settled only %.1f s after the start, and %.1f s of warm-up were left out; give a longer --warmup", needed.Seconds(), j.r.Scenario.Warmup.Seconds())
		if !e.Settled {
			reason = "latency did not settle within the first half of the run; the figures are those of a transition"
		}
		j.check("warmup", needed.Seconds(), j.r.Scenario.Warmup.Seconds(), "s", ok, fmt.Sprintf("by MSER-5 latency had settled %.1f s after the start; until then it was %.2f times what followed", needed.Seconds(), e.WarmupExcess), "", reason)
	}
	if e.Drift == nil {
		j.unknown("drift", "the run is too short to tell")
	} else {
		detail := fmt.Sprintf("the second half's median is %.2f times the first's (%.1f spreads)", *e.Drift, e.DriftSpreads)
		if e.DriftSpreads <= 3 {
			j.fact("drift", *e.Drift, "ratio", detail+", within the noise")
		} else {
			j.check("drift", *e.Drift, 1.10, "ratio", *e.Drift < 1.10 && *e.Drift > 1/1.10, detail, j.unlessOverloaded(result.Suspect),
				fmt.Sprintf("latency drifts: the median of the window's second half is %.2f times that of its first", *e.Drift))
		}
	}
	switch {
	case e.Stalled > 0:
		j.unknown("sustained", fmt.Sprintf("the server answered nothing for %s, which says nothing of the load", usage.Round(e.Stalled)))
	case j.r.Window.Completed == 0 && !j.observed():
		j.unknown("sustained", "no job ended, which says nothing of the load")
	case e.BacklogSlope == nil:
		j.unknown("sustained", "the run is too short to tell")
	default:
		j.check("sustained", *e.BacklogSlope, e.SlopeLimit, "ratio", *e.BacklogSlope <= e.SlopeLimit,
			fmt.Sprintf("the backlog grew by %.2f%% of the offered rate", 100**e.BacklogSlope), "",
			fmt.Sprintf("the backlog grew all the time, by %.1f%% of the offered rate: this load is more than the system carries, and its latencies depend on how long the run was", 100**e.BacklogSlope))
	}
}

// unlessOverloaded is to, or nothing when the backlog grew all the time: then a
// drift is what is to be expected, and said elsewhere.
func (j *judge) unlessOverloaded(to string) string {
	if j.m.Course.BacklogSlope != nil && *j.m.Course.BacklogSlope > j.m.Course.SlopeLimit {
		return ""
	}
	return to
}
