package render

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
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
	switch s {
	case metric.Lateness:
		return "due to sent: the generator's own delay, which must be near 0"
	case metric.Request:
		return "due to answer read, with the wait for a free connection: how long your API took to accept a job"
	case metric.Store:
		return "sent to row inserted, with the wait for a connection to Postgres; the push follows"
	case metric.Enqueue:
		return "push written to push acknowledged: the LPUSH round trip"
	case metric.Queue:
		return "push written to popped: on the way to, in and out of the list"
	case metric.Pickup:
		return "due to RUNNING received: how long until a worker reported that it had begun"
	case metric.Running:
		return "RUNNING received to COMPLETED or FAILED received: how long a worker had the job, as seen by a subscriber"
	case metric.First:
		return "publish written to notification received by the first of several subscribers; notify is the last one's"
	case metric.WorkTime:
		return "popped to work done: the worker's service time; for external workers, the time that they report"
	case metric.Save:
		return "work done to row updated, with the wait for a connection to Postgres; the publish follows"
	case metric.Publish:
		return "publish written to publish acknowledged: the PUBLISH round trip"
	case metric.Notify:
		return "publish written to notification received"
	case metric.Broadcast:
		return "notification received to message read by the last WebSocket client: your API's part"
	case metric.EndToEnd:
		return "due to the end of the job received: the headline"
	case metric.FromSend:
		return "sent to the end of the job received: a diagnostic; leaves out the generator's delay, as tools with coordinated omission do"
	}
	return ""
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
	if l.Open() && l.Replay.File == "" {
		if l.Arrivals != "" {
			s += " (" + string(l.Arrivals) + ")"
		}
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
	words := slices.Concat(in, []string{consumers}, out)
	if jobs := s.JobWords(); jobs != "" {
		words = append(words, jobs)
	}
	if s.Design != "" && s.Design != jobqueue.List {
		words = append(words, "design "+string(s.Design))
	}
	if n := len(s.Queues); n > 1 {
		words = append(words, number.Plural(n, "queue"))
	}
	if s.Notify != "" && s.Notify != jobqueue.PubSub {
		words = append(words, "notification "+string(s.Notify))
	}
	if n := s.Tenants.Count; n > 1 {
		words = append(words, number.Plural(n, "tenant"))
	}
	if s.Channels != "" && s.Channels != scenario.OneChannel {
		words = append(words, "a channel for each tenant")
	}
	if s.Prefill > 0 {
		words = append(words, number.Count(s.Prefill)+" jobs prefilled")
	}
	if s.Hold.For > 0 {
		words = append(words, fmt.Sprintf("consumers paused for %s from %s on", number.Span(s.Hold.For), number.Span(s.Hold.From)))
	}
	if n := len(s.Faults); n > 0 {
		words = append(words, number.Plural(n, "fault"))
	}
	if s.Batch > 1 {
		words = append(words, "batches of "+number.Count(int64(s.Batch)))
	}
	switch {
	case !s.Payloads.IsFixed():
		words = append(words, "payload "+s.Payloads.String())
	case s.Payload > 0:
		words = append(words, number.Plural(s.Payload, "byte")+" of payload")
	}
	switch {
	case s.External:
	case !s.Work.Drawn.IsFixed():
		words = append(words, "work "+s.Work.Drawn.String())
	case s.Work.Time > 0:
		words = append(words, "work "+number.Span(s.Work.Time))
	default:
		words = append(words, "no work")
	}
	if s.Work.FailRate > 0 {
		words = append(words, number.Percent(s.Work.FailRate)+" fail")
	}
	if s.Work.Running {
		words = append(words, "with RUNNING")
	}
	return strings.Join(words, ", ")
}

// workerWords says which workers were started for the run, or nothing.
func workerWords(r *result.Result) string {
	if r.Run.Worker == "" {
		return ""
	}
	return "; worker: " + plain(r.Run.Worker)
}

// redisWords says which server it was: "redis 7.0.15 standalone (process, 127.0.0.1:6390)".
func redisWords(r result.Redis) string {
	if r.Kind == "memory" {
		return "a queue in memory (no Redis)"
	}
	words := []string{"Redis"}
	for _, w := range []string{r.Version, r.Mode} {
		if w != "" {
			words = append(words, w)
		}
	}
	var where []string
	for _, w := range []string{r.Kind, r.Address} {
		if w != "" {
			where = append(where, w)
		}
	}
	if len(where) > 0 {
		words = append(words, "("+strings.Join(where, ", ")+")")
	}
	return strings.Join(words, " ")
}

// answer is the result in a few sentences.
func answer(r *result.Result) string {
	if r.Observed != nil {
		return seen(r)
	}
	window := time.Duration(r.Window.ToNS - r.Window.FromNS)
	var b strings.Builder
	at := ""
	if l := r.Scenario.Load; l.Closed() {
		at = fmt.Sprintf(" @%d", l.InFlight)
		fmt.Fprintf(&b, "Closed loop, %s in flight, measured for %s", number.Count(int64(l.InFlight)), number.Span(window))
	} else {
		fmt.Fprintf(&b, "Offered %s jobs/s for %s", number.Of(r.Rates.OfferedPerS, number.Rate), number.Span(window))
	}
	if r.Scenario.Warmup > 0 {
		fmt.Fprintf(&b, " after %s of warm-up", number.Span(r.Scenario.Warmup))
	}
	fmt.Fprintf(&b, "; achieved %s jobs/s", number.Rate(r.Rates.AchievedPerS))
	e := summary(r, metric.EndToEnd)
	if e.Count == 0 {
		b.WriteString("; no job completed")
	} else {
		b.WriteString("; end_to_end")
		for i, f := range pick("p50", "p99") {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, " %s%s ", f.name, at)
			if v := f.of(e); v != nil {
				b.WriteString(number.Duration(*v))
			} else {
				fmt.Fprintf(&b, "%s (%s)", number.None, missing(e, f.name))
			}
		}
	}
	if r.Ledger.Lost == 0 {
		b.WriteString("; nothing lost")
	} else {
		fmt.Fprintf(&b, "; %s lost", number.Plural(r.Ledger.Lost, "job"))
	}
	if n := r.Ledger.Abandoned; n > 0 {
		fmt.Fprintf(&b, "; %s abandoned when the run was stopped", number.Plural(n, "job"))
	}
	if n := r.Ledger.Failed; n > 0 {
		fmt.Fprintf(&b, "; %s failed", number.Plural(n, "job"))
	}
	return b.String() + "."
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
		why = r.Run.Error
		if why == "" {
			why = stopreason.Words(r)
		}
		return "failed", strings.TrimRight(why, ".") + "; the figures cover the time until then"
	case r.Run.Interrupted:
		why = stopreason.Words(r)
		if why == "" {
			why = "stopped from outside"
		}
		return "interrupted", why + "; " + coverWords(r)
	case r.Run.Aborted != "":
		return "aborted", fmt.Sprintf("the threshold %q ended the run; %s", r.Run.Aborted, coverWords(r))
	}
	return "", ""
}

// verdict is the validity's verdict; a result without one is not valid.
func verdict(r *result.Result) string {
	if r.Validity.Verdict == "" {
		return "not judged"
	}
	return r.Validity.Verdict
}

// thresholdWords says how the thresholds came out, or nothing without any.
func thresholdWords(r *result.Result) string {
	failed, undecided := failedThresholds(r), undecidedThresholds(r)
	switch {
	case len(r.Thresholds) == 0:
		return ""
	case failed > 0 && undecided > 0:
		return fmt.Sprintf("%d of %s failed, %d undecided", failed, number.Plural(len(r.Thresholds), "threshold"), undecided)
	case undecided > 0:
		return fmt.Sprintf("%d of %s undecided", undecided, number.Plural(len(r.Thresholds), "threshold"))
	case failed == 0 && len(r.Thresholds) == 1:
		return "threshold passed"
	case failed == 0:
		return fmt.Sprintf("%d thresholds passed", len(r.Thresholds))
	default:
		return fmt.Sprintf("%d of %s failed", failed, number.Plural(len(r.Thresholds), "threshold"))
	}
}

// losses are the legs that lost jobs, in the order of a job's way; legs that
// this build does not know come last.
func losses(l result.Ledger) []result.Leg {
	var out []result.Leg
	known := map[result.Leg]bool{}
	for _, leg := range result.Legs() {
		known[leg] = true
		if l.LostByLeg[leg] != 0 {
			out = append(out, leg)
		}
	}
	for _, leg := range sortedKeys(l.LostByLeg) {
		if !known[leg] && l.LostByLeg[leg] != 0 {
			out = append(out, leg)
		}
	}
	return out
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	return keys
}

// triageWords say which part of the system the slow jobs' time went into, or
// limits a closed loop, and what shares were in use.
func triageWords(v result.Validity) string {
	words := validity.Explain(v)
	if used := usage.Usage(v.Usage).Words(); words != "" && used != "" {
		words += " (in use: " + used + ")"
	}
	return words
}
