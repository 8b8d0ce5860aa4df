package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Fields is the table of the fields of a scenario, in the order in which help and
// files show them. A key that is followed by keys below it ("tenants",
// "tenants.count") can be written as one text or as a mapping. The name of a
// scenario is not among them: in a file it stands above its keys.
func Fields() []Field {
	var (
		runs   = []string{"run", "compare"}             // what a search sets itself
		builds = []string{"run", "compare", "capacity"} // how the pipeline is built and worked
		plans  = []string{"run", "compare", "plan"}
		all    = []string{"run", "compare", "capacity", "plan"}
	)
	about := texts()
	about.parse = func(text string) (string, error) { return text, nil }
	return slices.Concat([]Field{
		row("description", about, func(s *Scenario) *string { return &s.Description }, Field{Describes: true, Usage: "the question that the scenario answers"}),
	}, loadFields(runs, builds, plans), poolFields(runs, builds, all), pipelineFields(runs, builds), entryFields(builds), exitFields(builds), []Field{
		row("seed", kind[uint64]{form: wholeForm, what: "a whole number such as 42", parse: literal.Seed, format: plain[uint64]}, func(s *Scenario) *uint64 { return &s.Seed },
			Field{Group: "Measuring", Flag: "seed", Verbs: all, Describes: true, Usage: "`NUMBER` that makes everything random repeatable (default 0: a new one each time)"}),
		faultsField(),
	})
}

func loadFields(runs, builds, plans []string) []Field {
	load := func(s *Scenario) *Load { return &s.Load }
	replay := func(s *Scenario) *Replay { return &s.Load.Replay }
	file := func(s *Scenario) *string { return &s.Load.Replay.File }
	rate := row("load.rate", kind[pace.Rate]{what: "a rate such as 1000/s or max", parse: pace.ParseRate, format: pace.Rate.String}, func(s *Scenario) *pace.Rate { return &load(s).Rate }, Field{
		Group: "Load",
		Flag:  "rate", Short: "r", Verbs: runs, Words: []string{"max\tclosed loop", "100/s", "1k/s", "10k/s"},
		Usage: "jobs per second in total, over all producers: a `RATE` such as 500, 500/s, 2k/s or 30/m; " +
			"\"max\" sends the next job when one of those in flight has ended (closed loop)",
		Columns: []Column{{"rate_per_s", func(s Scenario) string {
			if s.Load.Rate.IsZero() {
				return ""
			}
			return decimal(s.Load.Rate.Float())
		}}},
	})
	rate.get = func(s Scenario) string {
		if s.Load.Varies() || s.Load.Observed {
			return ""
		}
		return s.Load.Rate.String() // also "max"
	}
	steps := row("load.steps", kind[pace.Steps]{form: textForm, what: "steps such as \"30s:500,1m:2000\"", parse: parseSteps, format: pace.Steps.String, free: true},
		func(s *Scenario) *pace.Steps { return &load(s).Steps }, Field{
			Group: "Load",
			Flag:  "steps", Formerly: "stages", Verbs: runs, Columns: column("load_stages"),
			Usage: "a rate that changes, instead of --rate: `STEPS` such as 30s:500,20s:500..2k,5s:0,3x(10s:100,2s:5k); " +
				"TIME:RATE holds a rate, TIME:FROM..TO ramps, TIME:..TO ramps from where the last step ended",
		})
	steps.list = func(items []string) string { return strings.Join(items, ",") }
	inFlight := func(s Scenario) string {
		if !s.Load.Closed() {
			return ""
		}
		return strconv.Itoa(s.Load.InFlight)
	}
	return []Field{
		rate, steps,
		row("load.replay", texts(), file, Field{Group: "Load", Flag: "replay", Path: true, Verbs: runs, Usage: "`FILE` (CSV or a log) with recorded due times, instead of --rate"}),
		row("load.replay.file", texts(), file, Field{Columns: column("replay"), Usage: "the same, with further keys for reading it"}),
		row("load.replay.column", kind[string]{what: "the name of a column or its number", parse: literal.Text, format: plain[string], free: true},
			func(s *Scenario) *string { return &replay(s).Column }, Field{
				Group: "Load",
				Flag:  "replay-column", Verbs: runs, Columns: column("replay_column"), Usage: "`NAME` or number of the column with the times in --replay (default: detected)",
			}),
		row("load.replay.unit", kind[string]{what: "s, ms, us or ns", parse: pace.ParseUnit, format: plain[string], words: []string{"s", "ms", "us", "ns"}},
			func(s *Scenario) *string { return &replay(s).Unit }, Field{
				Group: "Load",
				Flag:  "replay-unit", Verbs: runs, Columns: column("replay_unit"), Usage: "`UNIT` of the times in --replay: s, ms, us or ns (default: detected from their size; small numbers are seconds since the start)",
			}),
		row("load.replay.spread", switches(), func(s *Scenario) *bool { return &replay(s).Spread }, Field{
			Group: "Load",
			Flag:  "replay-spread", Verbs: runs, Switch: true, Columns: column("replay_spread"),
			Usage: "spread the jobs of one time stamp in --replay evenly, e.g. over a second",
		}),
		row("load.replay.speed", numbers(factor), func(s *Scenario) *float64 { return &replay(s).Speed }, Field{
			Group: "Load",
			Flag:  "replay-speed", Verbs: runs, Columns: column("replay_speed"), Usage: "`FACTOR` by which --replay is faster than recorded (default 1)",
		}),
		row("load.arrivals", choices("arrivals", pace.Constant, pace.Poisson), func(s *Scenario) *pace.Arrivals { return &load(s).Arrivals }, Field{
			Group: "Load",
			Flag:  "arrivals", Verbs: builds, Columns: column("arrivals"), Usage: "distribution of due times at a rate: a `KIND`, constant or poisson (default constant)",
		}),
		row("load.duration", spans(1), func(s *Scenario) *time.Duration { return &load(s).Duration }, Field{
			Group: "Load",
			Flag:  "duration", Short: "d", Verbs: plans, Columns: column("load_duration_ns"),
			Usage: "length of the load including the warm-up, a `TIME` such as 30s or 2m; without --jobs it also replaces the scenario's number of jobs",
		}),
		row("load.jobs", wholes(literal.Count), func(s *Scenario) *int64 { return &load(s).Jobs }, Field{
			Group: "Load",
			Flag:  "jobs", Short: "n", Verbs: runs, Columns: column("load_jobs"),
			Usage: "`NUMBER` of jobs to send, including the warm-up; without --duration it also replaces the scenario's duration",
		}),
		row("load.in_flight", wholes(literal.Int), func(s *Scenario) *int { return &load(s).InFlight }, Field{
			Group: "Load",
			Flag:  "in-flight", Verbs: runs, Columns: []Column{{"in_flight", inFlight}}, Usage: "`NUMBER` of jobs in flight in a closed loop (--rate max; default: by the size of the pools)",
		}),
		row("load.max_in_flight", wholes(literal.Int), func(s *Scenario) *int { return &load(s).MaxInFlight }, Field{
			Group: "Load",
			Flag:  "max-in-flight", Verbs: runs, Columns: column("max_in_flight"),
			Usage: "maximum `NUMBER` of jobs in flight at a rate; reaching it makes the run invalid (default 1000000)",
		}),
		row("load.max_backlog", wholes(literal.Count), func(s *Scenario) *int64 { return &load(s).MaxBacklog }, Field{
			Group: "Load",
			Flag:  "max-backlog", Verbs: runs, Columns: column("max_backlog"),
			Usage: "end the run when more than this `NUMBER` of jobs wait in the queue (default: no limit)",
		}),
		row("load.think", spans(0), func(s *Scenario) *time.Duration { return &load(s).Think }, Field{
			Group: "Load",
			Flag:  "think", Verbs: runs, Columns: column("think_ns"), Usage: "think time of a closed loop (--rate max): `TIME` from a notification to the next job",
		}),
	}
}

func poolFields(runs, builds, all []string) []Field {
	return []Field{
		pool("producers", func(s *Scenario) (*int, *bool) { return &s.Producers, &s.Load.Observed }, Field{
			Group: "Pools",
			Short: "x", Verbs: builds, Vary: count(true),
			Usage: "`NUMBER` of producers, each with its own connection; " +
				"\"external\": push and take nothing, only observe --queue and --channel",
			Columns: column("producers"),
		}),
		pool("consumers", func(s *Scenario) (*int, *bool) { return &s.Consumers, &s.External }, Field{
			Group: "Pools",
			Short: "y", Verbs: builds, Vary: count(true),
			Usage: "`NUMBER` of consumers (workers), each with its own connection; " +
				"\"external\": other processes take the jobs from --queue",
			Columns: []Column{{Name: "consumers"}, {"external", func(s Scenario) string { return strconv.FormatBool(s.External) }}},
		}),
		row("subscribers", wholes(literal.Int), func(s *Scenario) *int { return &s.Subscribers }, Field{
			Group: "Pools",
			Flag:  "subscribers", Verbs: builds, Vary: count(true), Columns: column("subscribers"),
			Usage: "`NUMBER` of subscribers; each receives every notification",
		}),
		row("batch", wholes(literal.Int), func(s *Scenario) *int { return &s.Batch }, Field{
			Group: "Pools",
			Flag:  "batch", Verbs: builds, Vary: count(false), Columns: column("batch"), Usage: "`NUMBER` of jobs in one push and in one pop (default 1)",
		}),
		{
			Key: "payload", Group: "Work", Flag: "payload", Short: "s", Verbs: all, what: "a size such as 100, 1KB or 90%:100,10%:64KiB",
			Usage: "`SIZE` of a job's payload in bytes: 0 (the id alone), 100, 1KB (1,000), 1KiB (1,024), " +
				"or a distribution: 100..2KB, 90%:100,10%:64KiB",
			Vary: &Vary{Parse: func(text string) (int, error) {
				size, err := draw.ParseSize(text)
				if err == nil && !size.IsFixed() {
					err = fmt.Errorf("%q is not a single size; write it like 100, 1KB or 64KiB", text)
				}
				return size.Max(), err
			}},
			Columns: []Column{{"payload_bytes", func(s Scenario) string { return strconv.Itoa(s.Payload) }}, {"payload", Scenario.payloadText}},
			get:     Scenario.payloadText,
			set: func(s *Scenario, text string) error {
				size, err := draw.ParseSize(text)
				if err == nil {
					s.SetPayload(size)
				}
				return err
			},
		},
		{
			Key: "work.time", Group: "Work", Flag: "work", Verbs: builds, what: "a duration such as 10s",
			Usage: "`TIME` a job takes: 5ms, or a distribution: 2ms..8ms, exp(5ms), lognormal(p50=5ms,p99=40ms) or file(samples.txt)",
			Columns: []Column{
				{"work_ns", func(s Scenario) string { return cell(s.Work.Time) }},
				{"work", Scenario.workText},
			},
			get: Scenario.workText,
			set: func(s *Scenario, text string) error {
				d, err := draw.ParseDuration(text)
				if err == nil {
					s.Work.SetTime(d)
				}
				return err
			},
		},
		row("work.fail", kind[float64]{what: "a share such as 1% or 0.01", parse: literal.Share, format: decimal}, func(s *Scenario) *float64 { return &s.Work.FailRate }, Field{
			Group: "Work",
			Flag:  "fail-rate", Verbs: builds, Columns: column("fail_rate"), Usage: "`SHARE` of the jobs that fail (status FAILED), e.g. 1% or 0.01 (default none)",
		}),
		row("work.running", switches(), func(s *Scenario) *bool { return &s.Work.Running }, Field{
			Group: "Work",
			Flag:  "running", Verbs: builds, Switch: true, Columns: column("running"), Usage: "consumers publish RUNNING before the work, which adds the stage pickup",
		}),
		row("warmup", spans(0), func(s *Scenario) *time.Duration { return &s.Warmup }, Field{
			Group: "Measuring",
			Flag:  "warmup", Verbs: runs, Columns: column("warmup_ns"), Usage: "`TIME` at the start of the load that is excluded from the measurement",
		}),
		row("drain_timeout", spans(1), func(s *Scenario) *time.Duration { return &s.DrainTimeout }, Field{
			Group: "Measuring",
			Flag:  "drain-timeout", Verbs: runs, Columns: column("drain_timeout_ns"), Usage: "maximum `TIME` to wait at the end for jobs in flight (default 10s)",
		}),
		thresholdsField(),
	}
}

// count is how a number of things is varied, of things that work at once or not.
func count(together bool) *Vary {
	return &Vary{Least: 1, Together: together, Parse: func(text string) (int, error) {
		v, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", text)
		}
		return v, nil
	}}
}

// thresholdsField is that of the limits. A file may hold them in the forms of k6 too.
func thresholdsField() Field {
	list := kind[[]string]{parse: limits, format: func(all []string) string { return strings.Join(all, ",") }}
	f := row("thresholds", list, func(s *Scenario) *[]string { return &s.Thresholds }, Field{
		Group: "Gates",
		Flag:  "threshold", Verbs: []string{"run"}, Many: true, Describes: true,
		Usage: "limit on a metric, an `EXPR` such as 'end_to_end.p99 < 50ms' or 'lost == 0' (repeatable); " +
			"replaces the scenario's limits on the same metric",
	})
	for _, m := range metric.Metrics() {
		f.Words = append(f.Words, m.Name)
	}
	f.yaml = func(s Scenario) string { return inBrackets(each(s.Thresholds, quote)) }
	f.whole = (*scenarioReader).readThresholds
	return f
}

func pipelineFields(runs, builds []string) []Field {
	queues := row("queues", kind[[]int]{form: wholeForm, what: "a whole number such as 2", parse: weights, format: weightsText}, func(s *Scenario) *[]int { return &s.Queues }, Field{
		Group: "Queue",
		Flag:  "queues", Verbs: builds, Usage: "`NUMBER` of queues, or their weights in order of priority, e.g. 1,2,7",
		Columns: []Column{{"queues", func(s Scenario) string { return weightsText(s.Queues) }}},
		Vary:    count(false),
	})
	queues.list = func(items []string) string { return strings.Join(items, ",") + "," }
	queues.yaml = func(s Scenario) string { return inBrackets(each(s.Queues, plain[int])) }
	update := row("update", kind[string]{form: textForm, what: `text in quotes such as "id=.id"`, parse: mapping, format: plain[string], free: true}, func(s *Scenario) *string { return &s.Update }, Field{
		Group: "External workers",
		Flag:  "update", Verbs: builds, Columns: column("update"),
		Usage: "how external workers publish updates, a `MAPPING` such as 'id=.id,status=.state,completed=done|ok,failed=error' " +
			"(also tenant, error, running, and channel=job:{id} or key=result:{id} for where; default: the documented format)",
	})
	update.whole = (*scenarioReader).readUpdate
	return []Field{
		row("dialect", choices("dialect", dialectWords()...), func(s *Scenario) *string { return &s.Dialect }, Field{
			Group: "External workers",
			Flag:  "dialect", Formerly: "elements", Verbs: builds, Columns: column("elements"),
			Usage: "library of the workers, a `KIND`: plain, sidekiq, celery, bullmq, asynq or rq (external consumers only; default plain)",
		}),
		row("job_name", texts(), func(s *Scenario) *string { return &s.JobName }, Field{
			Group: "External workers",
			Flag:  "job-name", Formerly: "job-class", Verbs: builds, Columns: column("job_class"),
			Usage: "`NAME` of the jobs: Sidekiq's class, e.g. HardJob, Celery's task or RQ's function, e.g. tasks.work, the name of BullMQ's jobs, or asynq's type of task",
		}),
		row("job_args", kind[string]{form: textForm, what: `text in quotes such as '[42, "a"]'`, parse: jobArgs, format: plain[string], free: true}, func(s *Scenario) *string { return &s.JobArgs }, Field{
			Group: "External workers",
			Flag:  "job-args", Verbs: builds, Columns: column("job_args"),
			Usage: "`JSON` array with the arguments of Celery's tasks, Sidekiq's and RQ's jobs, e.g. '[42, \"a\"]', or object with the data of BullMQ's jobs and asynq's tasks; a payload is the last of them (default: none)",
		}),
		update,
		row("design", choices("design", jobqueue.Designs()...), func(s *Scenario) *jobqueue.Design { return &s.Design }, Field{
			Group: "Queue",
			Flag:  "design", Verbs: builds, Columns: column("design"), Usage: "queue design, a `KIND`: list, list-poll, reliable-list or stream (default list)",
		}),
		row("visibility", spans(1), func(s *Scenario) *time.Duration { return &s.Visibility }, Field{
			Group: "Queue",
			Flag:  "visibility", Verbs: builds, Columns: column("visibility_ns"),
			Usage: "`TIME` without a sign of life after which another worker gets a worker's jobs, in the designs reliable-list and stream (default 5s)",
		}),
		row("poll", spans(1), func(s *Scenario) *time.Duration { return &s.Poll }, Field{
			Group: "Queue",
			Flag:  "poll", Verbs: builds, Columns: column("poll_ns"), Usage: "interval `TIME` at which the design list-poll checks an empty queue (default 10ms)",
		}),
		queues,
		row("notify", choices("notify", jobqueue.Notifies()...), func(s *Scenario) *jobqueue.Notify { return &s.Notify }, Field{
			Group: "Queue",
			Flag:  "notify", Verbs: builds, Columns: column("notify"), Usage: "notifications, a `KIND`: pubsub, sharded-pubsub or none (default pubsub)",
		}),
		row("channels", choices("channels", OneChannel, PerTenant, ByPattern), func(s *Scenario) *Channels { return &s.Channels }, Field{
			Group: "Queue",
			Flag:  "channels", Verbs: builds, Columns: column("channels"),
			Usage: "channels, a `KIND`: one, tenant (one for each tenant) or pattern (the same, subscribed to by pattern; default one)",
		}),
		row("tenants", kind[Tenants]{what: "a mapping such as {count: 100, skew: 1.1}", parse: tenants, format: Tenants.text}, func(s *Scenario) *Tenants { return &s.Tenants }, Field{
			Group: "Work",
			Flag:  "tenants", Verbs: builds, Usage: "`NUMBER` of tenants; 100:1.2 means 100 with Zipf shares of exponent 1.2 (default 1)",
		}),
		row("tenants.count", wholes(literal.Int), func(s *Scenario) *int { return &s.Tenants.Count }, Field{Columns: column("tenants"), Usage: "number of tenants"}),
		row("tenants.skew", numbers(literal.Number), func(s *Scenario) *float64 { return &s.Tenants.Skew }, Field{Columns: column("tenant_skew"), Usage: "exponent of Zipf's law; 0 means equal shares"}),
		row("prefill", wholes(literal.Whole), func(s *Scenario) *int64 { return &s.Prefill }, Field{
			Group: "Load",
			Flag:  "prefill", Verbs: runs, Columns: column("prefill"), Usage: "`NUMBER` of jobs in the queue before the load starts",
		}),
		row("hold", kind[Hold]{what: "a mapping such as {from: 5s, for: 10s}", parse: hold, format: Hold.text}, func(s *Scenario) *Hold { return &s.Hold }, Field{
			Group: "Pools",
			Flag:  "hold", Verbs: runs, Usage: "pause of all consumers, a `TIME`: 10s from the start of the load, or 5s+10s from 5s on",
		}),
		row("hold.from", spans(0), func(s *Scenario) *time.Duration { return &s.Hold.From }, Field{Columns: column("hold_from_ns"), Usage: "start of the pause, from the start of the load"}),
		row("hold.for", spans(1), func(s *Scenario) *time.Duration { return &s.Hold.For }, Field{Columns: column("hold_for_ns"), Usage: "length of the pause"}),
	}
}

// pool is the field of a number of producers or consumers, or of the word external.
func pool(key string, at func(*Scenario) (size *int, outside *bool), f Field) Field {
	f.Key, f.Flag, f.form, f.Words = key, key, externalForm, []string{external}
	f.what = "a whole number such as 8, or external"
	f.get = func(s Scenario) string {
		switch n, outside := at(&s); {
		case *outside:
			return external
		case *n != 0:
			return strconv.Itoa(*n)
		}
		return ""
	}
	f.set = func(s *Scenario, text string) error {
		n, outside, err := poolSize(text)
		if err == nil {
			size, is := at(s)
			*size, *is = n, outside
		}
		return err
	}
	f.Columns[0].Cell = func(s Scenario) string { n, _ := at(&s); return strconv.Itoa(*n) }
	return f
}

// mapping reads the form of updates, and keeps it as it was written.
func mapping(s string) (string, error) {
	m, err := updates.ParseMapping(s)
	return m.String(), err
}

func (s Scenario) payloadText() string {
	switch {
	case !s.Payloads.IsFixed():
		return s.Payloads.String()
	case s.Payload != 0:
		return fmt.Sprintf("%dB", s.Payload)
	}
	return ""
}

func (s Scenario) workText() string {
	switch {
	case !s.Work.Drawn.IsFixed():
		return s.Work.Drawn.String()
	case s.Work.Time != 0:
		return s.Work.Time.String()
	}
	return ""
}
