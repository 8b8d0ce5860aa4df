package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// meaning says in words between which moments a stage lies.
func meaning(s metric.Stage) string {
	return map[metric.Stage]string{
		metric.Lateness:  "due to sent: the generator's own delay, which must be near 0",
		metric.Request:   "due to answer read, with the wait for a free connection: how long your API took to accept a job",
		metric.Store:     "sent to row inserted, with the wait for a connection to Postgres; the push follows",
		metric.Enqueue:   "push written to push acknowledged: the LPUSH round trip",
		metric.Queue:     "push written to popped: on the way to, in and out of the list",
		metric.Pickup:    "due to RUNNING received: how long until a worker reported that it had begun",
		metric.Running:   "RUNNING received to COMPLETED or FAILED received: how long a worker had the job, as seen by a subscriber",
		metric.First:     "publish written to notification received by the first of several subscribers; notify is the last one's",
		metric.WorkTime:  "popped to work done: the worker's service time; for external workers, the time that they report",
		metric.Save:      "work done to row updated, with the wait for a connection to Postgres; the publish follows",
		metric.Publish:   "publish written to publish acknowledged: the PUBLISH round trip",
		metric.Notify:    "publish written to notification received",
		metric.Broadcast: "notification received to message read by the last WebSocket client: your API's part",
		metric.EndToEnd:  "due to the end of the job received: the headline",
		metric.FromSend:  "sent to the end of the job received: a diagnostic; leaves out the generator's delay, as tools with coordinated omission do",
	}[s]
}

// when is a clause that is said on a condition, and else empty.
func when(said bool, clause string) string {
	if said {
		return clause
	}
	return ""
}

// joined are the clauses that are not empty, with sep in between.
func joined(sep string, clauses ...string) string {
	return strings.Join(slices.DeleteFunc(clauses, func(s string) bool { return s == "" }), sep)
}

// counted are the counts of those keys in words: "push 3, publish 1".
func counted[K ~string](keys []K, counts map[K]int64) string {
	words := make([]string, len(keys))
	for i, key := range keys {
		words[i] = string(key) + " " + number.Count(counts[key])
	}
	return strings.Join(words, ", ")
}

// lostWords are the lost jobs by leg: "12 vanished, 5 unacknowledged".
func lostWords(legs []result.Leg, lost map[result.Leg]int64) string {
	words := make([]string, len(legs))
	for i, leg := range legs {
		words[i] = number.Count(lost[leg]) + " " + legWord(leg)
	}
	return strings.Join(words, ", ")
}

// legWord is the leg in the account of the jobs.
func legWord(l result.Leg) string {
	leg, _ := ledger.LegOf(string(l))
	return cmp.Or(leg.Word, string(l))
}

// loadWords says what was offered: "1,000 jobs/s (constant) for 10s".
func loadWords(sc scenario.Scenario) string {
	l := sc.Load
	s := fmt.Sprintf("closed loop, %s in flight", number.Count(int64(l.InFlight)))
	switch {
	case l.Observed:
		s = "an external load, observed"
	case len(l.Steps) > 0:
		s = "steps " + l.Steps.String()
	case l.Replay.File != "":
		s = "recorded load of " + l.Replay.File
		if l.Replay.Speed > 0 && l.Replay.Speed != 1 {
			s += fmt.Sprintf(", %g times as fast", l.Replay.Speed)
		}
		if l.Replay.Source != "" {
			s += " (" + l.Replay.Source + ")"
		}
	case !l.Closed():
		s = number.Rate(l.Rate.Float()) + " jobs/s"
	case l.Think > 0:
		s += ", think time " + number.Span(l.Think)
	}
	if l.Open() && l.Replay.File == "" && l.Arrivals != "" {
		s += " (" + string(l.Arrivals) + ")"
	}
	switch {
	case l.Duration > 0 && l.Jobs > 0:
		s += fmt.Sprintf(" for %s or %s", number.Span(l.Duration), number.Plural(l.Jobs, "job"))
	case l.Duration > 0:
		s += " for " + number.Span(l.Duration)
	case l.Jobs > 0:
		s += ", " + number.Plural(l.Jobs, "job")
	}
	return s
}

// arrivedWord is what a job is that is over: notified, or done where nothing is
// published.
func arrivedWord(s scenario.Scenario) string {
	if s.Notify == jobqueue.NoNotify {
		return "done"
	}
	return "notified"
}

// libraryWords says how a library's jobs are heard and counted, empty for plain jobs.
func libraryWords(s scenario.Scenario) string {
	facts := library.Facts(s)
	return strings.TrimSpace(facts.Heard + " " + facts.Length)
}

// poolWords says who worked: "2 producers, 8 consumers, 1 subscriber, work 1ms".
func poolWords(s scenario.Scenario) string {
	in, out := entryWords(s)
	consumers := number.Plural(s.Consumers, "consumer")
	if s.Load.Observed {
		in, out = []string{"external producers"}, nil
	}
	if s.Load.Observed || s.External {
		consumers = "external consumers"
	}
	payload := when(s.Payload > 0, number.Plural(s.Payload, "byte")+" of payload")
	if !s.Payloads.IsFixed() {
		payload = "payload " + s.Payloads.String()
	}
	work := "no work"
	switch {
	case s.External:
		work = ""
	case !s.Work.Drawn.IsFixed():
		work = "work " + s.Work.Drawn.String()
	case s.Work.Time > 0:
		work = "work " + number.Span(s.Work.Time)
	}
	return joined(", ", slices.Concat(in, []string{consumers}, out, []string{
		s.JobWords(),
		when(s.Design != "" && s.Design != jobqueue.List, "design "+string(s.Design)),
		when(len(s.Queues) > 1, number.Plural(len(s.Queues), "queue")),
		when(s.Notify != "" && s.Notify != jobqueue.PubSub, "notification "+string(s.Notify)),
		when(s.Tenants.Count > 1, number.Plural(s.Tenants.Count, "tenant")),
		when(s.Channels != "" && s.Channels != scenario.OneChannel, "a channel for each tenant"),
		when(s.Prefill > 0, number.Count(s.Prefill)+" jobs prefilled"),
		when(s.Hold.For > 0, fmt.Sprintf("consumers paused for %s from %s on", number.Span(s.Hold.For), number.Span(s.Hold.From))),
		when(len(s.Faults) > 0, number.Plural(len(s.Faults), "fault")),
		when(s.Batch > 1, "batches of "+number.Count(int64(s.Batch))),
		payload,
		work,
		when(s.Work.FailRate > 0, number.Percent(s.Work.FailRate)+" fail"),
		when(s.Work.Running, "with RUNNING"),
	})...)
}

// workerWords says which workers were started for the run, or nothing.
func workerWords(r *result.Result) string {
	return when(r.Run.Worker != "", "; worker: "+plain(r.Run.Worker))
}

// redisWords says which server it was: "redis 7.0.15 standalone (process, 127.0.0.1:6390)".
func redisWords(r result.Redis) string {
	if r.Kind == "memory" {
		return "a queue in memory (no Redis)"
	}
	return serverWords(r.Kind, r.Address, "Redis", r.Version, r.Mode)
}

// serverWords are what is known of a server: "Postgres 15.3 (process,
// postgres://127.0.0.1:41163/postgres)".
func serverWords(kind, address string, name ...string) string {
	where := joined(", ", kind, address)
	return joined(" ", append(name, when(where != "", "("+where+")"))...)
}

// answer is the result in a few sentences.
func answer(r *result.Result) string {
	if r.Observed != nil {
		return seen(r)
	}
	at, began := "", fmt.Sprintf("Offered %s jobs/s for ", number.Of(r.Rates.OfferedPerS, number.Rate))
	if l := r.Scenario.Load; l.Closed() {
		at = fmt.Sprintf(" @%d", l.InFlight)
		began = fmt.Sprintf("Closed loop, %s in flight, measured for ", number.Count(int64(l.InFlight)))
	}
	ended := "no job completed"
	if e := summary(r, metric.EndToEnd); e.Count > 0 {
		ended = briefWords(metric.EndToEnd, e, at)
	}
	return joined("; ",
		began+measuredFor(r),
		fmt.Sprintf("achieved %s jobs/s", number.Rate(r.Rates.AchievedPerS)),
		ended,
		cmp.Or(when(r.Ledger.Lost != 0, number.Plural(r.Ledger.Lost, "job")+" lost"), "nothing lost"),
		when(r.Ledger.Abandoned > 0, number.Plural(r.Ledger.Abandoned, "job")+" abandoned when the run was stopped"),
		when(r.Ledger.Failed > 0, number.Plural(r.Ledger.Failed, "job")+" failed"),
	) + "."
}

// measuredFor is the length of the window and of the warm-up before it.
func measuredFor(r *result.Result) string {
	return number.Span(time.Duration(r.Window.ToNS-r.Window.FromNS)) +
		when(r.Scenario.Warmup > 0, fmt.Sprintf(" after %s of warm-up", number.Span(r.Scenario.Warmup)))
}

// briefWords are two quantiles of a stage: "end_to_end p50 1.27 ms, p99 4.04 ms".
func briefWords(stage metric.Stage, s *result.StageSummary, at string) string {
	var words []string
	for _, name := range []string{"p50", "p99"} {
		value := fmt.Sprintf("%s (%s)", number.None, missing(s, name))
		if v := s.Figure(name); v != nil {
			value = number.Duration(*v)
		}
		words = append(words, name+at+" "+value)
	}
	return string(stage) + " " + strings.Join(words, ", ")
}

// windowWords accounts for the jobs of the window.
func windowWords(w result.Window) string {
	s := fmt.Sprintf("%s due in it, %s completed", number.Count(w.Scheduled), number.Count(w.Completed))
	switch {
	case w.Completed == 0:
		return s
	case w.DrainNS <= 0:
		return s + ", the last before its end"
	default:
		return s + ", the last " + number.Duration(float64(w.DrainNS)) + " after its end"
	}
}

// ending says how the run ended where it did not end by itself, or nothing.
func ending(r *result.Result) (word, why string) {
	switch {
	case r.Run.Failed:
		return "failed", strings.TrimRight(cmp.Or(r.Run.Error, stopreason.Words(r)), ".") + "; the figures cover the time until then"
	case r.Run.Interrupted:
		return "interrupted", cmp.Or(stopreason.Words(r), "stopped from outside") + "; " + coverWords(r)
	case r.Run.Aborted != "":
		return "aborted", fmt.Sprintf("the threshold %q ended the run; %s", r.Run.Aborted, coverWords(r))
	}
	return "", ""
}

// verdict is the validity's verdict; a result without one is not valid.
func verdict(r *result.Result) string { return cmp.Or(r.Validity.Verdict, "not judged") }

// thresholdWords says how the thresholds came out, or nothing without any.
func thresholdWords(r *result.Result) string {
	failed, undecided, all := failedThresholds(r), undecidedThresholds(r), number.Plural(len(r.Thresholds), "threshold")
	switch {
	case len(r.Thresholds) == 0:
		return ""
	case failed > 0 && undecided > 0:
		return fmt.Sprintf("%d of %s failed, %d undecided", failed, all, undecided)
	case undecided > 0:
		return fmt.Sprintf("%d of %s undecided", undecided, all)
	case failed == 0 && len(r.Thresholds) == 1:
		return "threshold passed"
	case failed == 0:
		return all + " passed"
	default:
		return fmt.Sprintf("%d of %s failed", failed, all)
	}
}

// losses are the legs that lost jobs, in the order of a job's way; legs that
// this build does not know come last.
func losses(l result.Ledger) []result.Leg {
	known := result.Legs()
	others := slices.DeleteFunc(sortedKeys(l.LostByLeg), func(leg result.Leg) bool { return slices.Contains(known, leg) })
	return slices.DeleteFunc(append(known, others...), func(leg result.Leg) bool { return l.LostByLeg[leg] == 0 })
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// triageWords say which part of the system the slow jobs' time went into, or
// limits a closed loop, and what shares were in use.
func triageWords(v result.Validity) string {
	words := validity.Explain(v)
	if used := usage.Usage(v.Usage).Words(); words != "" && used != "" {
		words += " (in use: " + used + ")"
	}
	return words
}
