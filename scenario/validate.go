package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// The bounds of what a scenario may ask for. They lie beyond what one process
// can do, and keep a slip of the finger from taking a machine down.
const (
	maxPool        = 10_000
	maxBatch       = 10_000
	maxInFlight    = 1_000_000
	mostInFlight   = 100_000_000
	maxJobs        = 1_000_000_000_000
	maxPayload     = 64 << 20
	maxPush        = 256 << 20
	maxDuration    = 30 * 24 * time.Hour
	maxDrain       = time.Hour
	maxWork        = time.Hour
	maxName        = 63
	maxDescription = 2000
	maxThresholds  = 100
)

// Problem is one thing that is wrong with a scenario.
type Problem struct {
	// Field is the path of the key in a scenario file, such as "load.rate" or
	// "thresholds[0]".
	Field string
	// Message says what is wrong and what to do about it.
	Message string
}

func (f Problem) String() string { return f.Field + ": " + f.Message }

// Flag is the name of the command's flag for the field: that of its key or of what
// it is a part of, of "work" the one of that name, and empty if no flag sets the field.
func (f Problem) Flag() string {
	key, _, _ := strings.Cut(f.Field, "[")
	fields := Fields()
	for key != "" {
		if i := slices.IndexFunc(fields, func(f Field) bool { return f.Flag != "" && (f.Key == key || f.Flag == key || f.also == key) }); i >= 0 {
			return fields[i].Flag
		}
		key = key[:max(0, strings.LastIndexByte(key, '.'))]
	}
	return ""
}

// Validate lists everything that is wrong with the scenario or absurd, with
// the remedy, in the order of the fields of [Scenario]. What was left at zero
// counts as its default. An empty list means that it can be run.
func (s Scenario) Validate() []Problem {
	v := validator{Scenario: s.WithDefaults()}
	v.all()
	return each(v.found, func(f finding) Problem { return f.Problem })
}

// finding is a problem together with the other fields that it depends on: when
// one of those could not be read, the problem may not be one.
type finding struct {
	Problem
	with []string
}

// validator collects findings about a scenario that has its defaults.
type validator struct {
	Scenario
	found []finding
}

func (v *validator) all() {
	v.identity()
	v.load()
	if v.Load.Observed {
		v.observed()
	} else {
		v.loop()
	}
	v.pools()
	v.pipeline()
	v.entry()
	v.exit()
	v.times()
	v.faults()
	v.limits()
}

func (v *validator) fault(field, format string, args ...any) {
	v.found = append(v.found, finding{Problem: Problem{field, fmt.Sprintf(format, args...)}})
}

// faultWith is a problem that depends on other fields too.
func (v *validator) faultWith(field string, with []string, format string, args ...any) {
	v.fault(field, format, args...)
	v.found[len(v.found)-1].with = with
}

// faultIf is a problem where what it is about is wrong. It depends on the other fields,
// which may be none.
func (v *validator) faultIf(wrong bool, field string, with []string, format string, args ...any) {
	if wrong {
		v.faultWith(field, with, format, args...)
	}
}

func (v *validator) identity() {
	v.faultIf(v.Seed > literal.MaxSeed, "seed", nil, "%d is more than %d (2^53-1): jq, Node and others would round it when they read result.json", v.Seed, uint64(literal.MaxSeed))
	v.faultIf(!validName(v.Name), "name", nil, "%q is not a name; use 1 to %d lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit", v.Name, maxName)
	switch d := v.Description; {
	case len(d) > maxDescription:
		v.fault("description", "longer than %s bytes; say in a sentence which question the scenario answers", group(maxDescription))
	case !utf8.ValidString(d) || strings.ContainsFunc(d, unprintable):
		v.fault("description", "holds bytes that are not text; remove them")
	}
}

func (v *validator) load() {
	l := v.Load
	v.shape()
	// The parser is the one place that knows which rates have a meaning.
	_, err := pace.ParseRate(l.Rate.String())
	if err != nil {
		v.fault("load.rate", "%s", err)
	}
	switch {
	case l.Duration < 0:
		v.fault("load.duration", "%s is negative; write it like 10s", l.Duration)
	case l.Duration > maxDuration:
		v.fault("load.duration", "%s is more than 30 days", l.Duration)
	case err == nil && l.Jobs == 0 && l.Rate.Float()*l.Duration.Seconds() > maxJobs:
		v.faultWith("load.duration", []string{"load.rate", "load.jobs"}, "%s at %s are more than %s jobs; shorten it or lower the rate", l.Duration, l.Rate, group(maxJobs))
	}
	switch {
	case l.Jobs < 0:
		v.fault("load.jobs", "%d is negative; leave it out for no limit", l.Jobs)
	case l.Jobs > maxJobs:
		v.fault("load.jobs", "%s is more than %s", group(l.Jobs), group(maxJobs))
	case err == nil && l.Duration == 0 && v.scheduleSeconds() > maxDuration.Seconds():
		v.faultWith("load.jobs", []string{"load.rate"}, "%s jobs at %s take more than 30 days; add a duration or raise the rate", group(l.Jobs), l.Rate)
	}
}

// loop checks what belongs to one kind of loop only.
func (v *validator) loop() {
	l := v.Load
	switch {
	case l.Arrivals != "" && l.Arrivals != pace.Constant && l.Arrivals != pace.Poisson:
		oneOf(v, "load.arrivals", l.Arrivals, pace.Constant, pace.Poisson)
	case l.Replay.given() && l.Arrivals != "" && l.Arrivals != pace.Constant:
		v.faultWith("load.arrivals", []string{"load.replay"}, "a replay has the arrivals that were recorded; remove it")
	case l.Closed() && l.Arrivals != "":
		v.faultWith("load.arrivals", []string{"load.rate"}, "a closed loop (rate: max) has no arrivals; remove it or set a rate")
	}
	switch {
	case !l.Closed() && l.InFlight != 0:
		v.faultWith("load.in_flight", []string{"load.rate"}, "in_flight applies to a closed loop only, not to a rate; remove it or write rate: max")
	case l.Closed() && l.InFlight < 1:
		v.fault("load.in_flight", "%d is less than 1; remove it for the default, which depends on the pools", l.InFlight)
	case l.InFlight > maxInFlight:
		v.fault("load.in_flight", "%s is more than %s", group(l.InFlight), group(maxInFlight))
	case l.Closed() && l.InFlight < v.Batch && v.Batch <= maxBatch:
		v.faultWith("load.in_flight", []string{"load.rate", "batch"}, "%d is less than the batch of %d, so a push could never be filled; raise it to at least %d", l.InFlight, v.Batch, v.Batch)
	}
	switch {
	case l.Closed() && l.MaxInFlight != 0:
		v.faultWith("load.max_in_flight", []string{"load.rate"}, "max_in_flight bounds a load at a rate; a closed loop has in_flight")
	case !l.Closed() && l.MaxInFlight < 1:
		v.fault("load.max_in_flight", "%d is less than 1; leave it out for %s", l.MaxInFlight, group(defaultMaxInFlight))
	case l.MaxInFlight > mostInFlight:
		v.fault("load.max_in_flight", "%s is more than %s, the largest number that can be tracked", group(l.MaxInFlight), group(mostInFlight))
	case !l.Closed() && l.MaxInFlight < v.Batch && v.Batch <= maxBatch:
		v.faultWith("load.max_in_flight", []string{"load.rate", "batch"}, "%d is less than the batch of %d; raise it to at least %d", l.MaxInFlight, v.Batch, v.Batch)
	}
	v.faultIf(l.MaxBacklog < 0, "load.max_backlog", nil, "%d is less than 0; leave it out for no limit", l.MaxBacklog)
}

func (v *validator) pools() {
	if !v.Load.Observed {
		v.size("producers", v.Producers, maxPool)
	}
	if !v.External && !v.Load.Observed {
		v.size("consumers", v.Consumers, maxPool)
	}
	v.size("subscribers", v.Subscribers, maxPool)
	v.size("batch", v.Batch, maxBatch)
	jobs := v.Load.Jobs
	v.faultIf(jobs > 0 && v.Batch <= maxBatch && int64(v.Batch) > jobs, "batch", []string{"load.jobs"}, "%d is more than the %d jobs of the load; lower it or raise jobs", v.Batch, jobs)
	switch {
	case v.Payloads.Validate() != nil:
		v.fault("payload", "%s", v.Payloads.Validate())
	case v.Payload < 0:
		v.fault("payload", "%d bytes are negative", v.Payload)
	case v.LargestPayload() > maxPayload:
		v.fault("payload", "%s bytes are more than 64MiB", group(v.LargestPayload()))
	case v.Batch <= maxBatch && v.LargestPayload()*v.Batch > maxPush:
		v.faultWith("payload", []string{"batch"}, "%s bytes in a batch of %d make a push of more than 256MiB; lower one of them", group(v.LargestPayload()), v.Batch)
	}
}

// size checks how many there are of something: 1 or more, and not too many.
func (v *validator) size(field string, n, most int) {
	v.faultIf(n < 1, field, nil, "%d is less than 1", n)
	v.faultIf(n > most, field, nil, "%s is more than %s", group(n), group(most))
}

func (v *validator) times() {
	span := func(field string, d, most time.Duration) {
		v.faultIf(d < 0, field, nil, "%s is negative", d)
		v.faultIf(d > most, field, nil, "%s is more than %s", d, most)
	}
	drawn := v.Work.Drawn
	if unread := drawn.Law == draw.Samples && len(drawn.Values) == 0; unread {
		drawn = draw.Duration{} // see Scenario.Open
	}
	if err := drawn.Validate(); err != nil {
		v.fault("work.time", "%s", err)
	} else {
		span("work.time", v.Work.Time, maxWork)
	}
	span("visibility", v.Visibility, maxDrain)
	span("poll", v.Poll, maxDrain)
	span("load.think", v.Load.Think, maxWork)
	span("hold.from", v.Hold.From, maxDuration)
	span("hold.for", v.Hold.For, maxDuration)
	span("drain_timeout", v.DrainTimeout, maxDrain)
	switch {
	case v.Warmup < 0:
		v.fault("warmup", "%s is negative", v.Warmup)
	case v.Warmup > 0 && v.Load.Duration > 0 && v.Warmup >= v.Load.Duration:
		v.faultWith("warmup", []string{"load.duration", "load.jobs"}, "%s leaves nothing of the load's %s to measure; it is part of load.duration, so make that longer", v.Warmup, v.Load.Duration)
	case v.scheduleSeconds() > 0 && v.Warmup.Seconds() >= v.scheduleSeconds():
		v.faultWith("warmup", []string{"load.rate", "load.jobs"}, "%s leaves nothing to measure: at %s the load's %s jobs are sent by then; raise jobs or shorten the warm-up", v.Warmup, v.Load.Rate, group(v.Load.Jobs))
	}
}

// scheduleSeconds is how long it takes until the last job of a load that is
// bounded by their number is due; 0 where the number or the rate is not known.
func (v *validator) scheduleSeconds() float64 {
	l := v.Load
	if l.Jobs <= 0 || l.Rate.Jobs <= 0 || l.Rate.Per <= 0 {
		return 0
	}
	return float64(l.Jobs) / l.Rate.Float()
}

func (v *validator) limits() {
	if len(v.Thresholds) > maxThresholds {
		v.fault("thresholds", "%d thresholds are more than %d", len(v.Thresholds), maxThresholds)
		return
	}
	for i, expr := range v.Thresholds {
		field := fmt.Sprintf("thresholds[%d]", i)
		t, err := threshold.Parse(expr)
		if err != nil {
			v.faultWith(field, []string{"thresholds"}, "%s", err)
			continue
		}
		stage, _, _ := strings.Cut(t.Metric, ".")
		if why := v.unmeasured(metric.Stage(stage)); why != "" {
			v.faultWith(field, []string{"thresholds", "entry", "exit", "consumers", "producers"}, "%s: %s", t.Metric, why)
		}
		if why := v.faultless(t.Metric); why != "" {
			v.faultWith(field, v.faultFields(), "%s: %s", t.Metric, why)
		}
	}
}

// validName reports whether the name is one that scenario files, result
// directories and reports can all carry.
func validName(name string) bool {
	if name == "" || len(name) > maxName || strings.IndexByte("._-", name[0]) >= 0 {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// unprintable reports whether a rune has no place in a description. Line
// breaks do: a description may be a paragraph.
func unprintable(r rune) bool { return r != '\n' && r != '\t' && (r < ' ' || 0x7f <= r && r < 0xa0) }

// group writes a number with its digits in groups of three.
func group[N int | int64](n N) string { return number.Count(int64(n)) }

// InvalidError is the error of a run whose scenario has problems. Nothing was started.
type InvalidError struct{ Problems []Problem }

func (e *InvalidError) Error() string {
	return "scenario: " + strings.Join(each(e.Problems, Problem.String), "; ")
}
