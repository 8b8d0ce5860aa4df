package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// overrides are the flags that stand for a field of a scenario.
type overrides struct {
	rate         *value[pace.Rate]
	stages       *value[pace.Steps]
	replay       *value[string]
	column       *value[string]
	unit         *value[pace.Unit]
	spread       *value[bool]
	speed        *value[float64]
	arrivals     *value[pace.Arrivals]
	duration     *value[time.Duration]
	jobs         *value[int64]
	producers    *value[pool]
	consumers    *value[pool]
	subscribers  *value[int]
	inFlight     *value[int]
	maxInFlight  *value[int]
	maxBacklog   *value[int64]
	batch        *value[int]
	payload      *value[draw.Size]
	work         *value[draw.Duration]
	warmup       *value[time.Duration]
	drainTimeout *value[time.Duration]
	thresholds   *value[string]
	seed         *value[uint64]
	pipelineFlags
	workerFlags
}

func addOverrides(f *flags) overrides {
	var (
		any0 = duration(0)
		any1 = duration(1)
	)
	return overrides{
		rate: add(f, "rate", "r", "jobs per second in total, over all producers: a `RATE` like 500, 500/s, 2k/s, 30/m;\n"+
			"\"max\" sends a job whenever one of those in flight has come back (closed loop)", pace.ParseRate),
		stages: add(f, "stages", "", "rates one after the other instead of --rate: `STAGES` like 30s:500,20s:500..2k,5s:0,3x(10s:100,2s:5k);\n"+
			"TIME:RATE holds, TIME:FROM..TO ramps, TIME:..TO ramps from where the last one ended", stages),
		replay: add(f, "replay", "", "`FILE` (CSV or a log) with the times at which jobs are due, instead of --rate", anyText),
		column: add(f, "replay-column", "", "`NAME` or number of the column of --replay that holds the times (default: found)", anyText),
		unit: add(f, "replay-unit", "", "`UNIT` of numbers in --replay: s, ms, us or ns (default: by their size; small ones are seconds since the start)",
			pace.ParseUnit),
		spread:   addSwitch(f, "replay-spread", "", "spread the jobs of one time stamp of --replay evenly, e.g. over the second of whole-second stamps"),
		speed:    add(f, "replay-speed", "", "`FACTOR` by which --replay goes faster than recorded", factor),
		arrivals: add(f, "arrivals", "", "how jobs are laid out in time at a rate: a `KIND`, constant or poisson", arrivals),
		duration: add(f, "duration", "d", "length of the load, warm-up included: a `TIME` like 30s or 2m;\n"+
			"without --jobs it replaces the scenario's number of jobs too", any1),
		jobs: add(f, "jobs", "n", "how many jobs to send, warm-up included: a whole `NUMBER`;\n"+
			"without --duration it replaces the scenario's duration too", count),
		producers: add(f, "producers", "x", "`NUMBER` of producers, each with a connection of its own;\n"+
			"\"external\" pushes nothing and takes nothing: the run looks on at --queue and --channel", poolSize),
		consumers: add(f, "consumers", "y", "`NUMBER` of consumers, each with a connection of its own;\n"+
			"\"external\" leaves the work to processes that are not ours, which take from --queue", poolSize),
		workerFlags: addStartedWorker(f),
		subscribers: add(f, "subscribers", "", "`NUMBER` of subscribers, each of which receives every notification", smallCount),
		inFlight:    add(f, "in-flight", "", "`NUMBER` of jobs on their way at once with --rate max", smallCount),
		maxInFlight: add(f, "max-in-flight", "", "most jobs on their way at once at a rate, a `NUMBER`; reaching it makes the run invalid (default 1000000)", smallCount),
		maxBacklog:  add(f, "max-backlog", "", "end the run when more than this `NUMBER` of jobs wait in the queue (default: no limit)", count),
		batch:       add(f, "batch", "", "`NUMBER` of jobs in one push and in one pop", smallCount),
		payload: add(f, "payload", "s", "`SIZE` of what a job carries beside its id, in bytes: 0, 100, 1KB (1,000) or 1KiB (1,024);\n"+
			"0 sends the id alone; 100..2KB is any size between, 90%:100,10%:64KiB are several with their shares", draw.ParseSize),
		work: add(f, "work", "", "`TIME` that a consumer works on a job: 5ms, or drawn from 2ms..8ms, exp(5ms),\n"+
			"lognormal(p50=5ms,p99=40ms) or file(samples.txt)", draw.ParseDuration),
		warmup:       add(f, "warmup", "", "`TIME` at the beginning of the load that is left out of the figures", any0),
		drainTimeout: add(f, "drain-timeout", "", "`TIME` to wait at the end for jobs on their way", any1),
		thresholds: addMany(f, "threshold", "", "limit on a metric, an `EXPR` like 'end_to_end.p99 < 50ms' or 'lost == 0'; may be repeated;\n"+
			"replaces the scenario's limits on that metric and keeps its others", readThreshold),
		pipelineFlags: addPipelineFlags(f),
		seed:          add(f, "seed", "", "`NUMBER` that makes everything random repeatable; 0 draws one", seed),
	}
}

// fields maps the field named in a fault of a scenario to the flag for it.
func fields(field string) string {
	switch field = strings.TrimPrefix(field, "load."); {
	case strings.HasPrefix(field, "replay."):
		return strings.Replace(field, ".", "-", 1)
	case strings.HasPrefix(field, "tenants"):
		return "tenants"
	case strings.HasPrefix(field, "hold"):
		return "hold"
	case field == "job_class":
		return "job-class"
	case field == "work.fail":
		return "fail-rate"
	case field == "work.running":
		return "running"
	case field == "in_flight":
		return "in-flight"
	case field == "max_in_flight":
		return "max-in-flight"
	case field == "max_backlog":
		return "max-backlog"
	case field == "drain_timeout":
		return "drain-timeout"
	case field == "work.time":
		return "work"
	case strings.HasPrefix(field, "thresholds"):
		return "threshold"
	default:
		return field
	}
}

// apply is the scenario as the flags want it, with the defaults filled in. The
// notes say what of the scenario had to go because it contradicts a flag.
func (o overrides) apply(s scenario.Scenario) (scenario.Scenario, []string) {
	var notes []string
	s.Thresholds = slices.Clone(s.Thresholds)
	if o.producers.get().external && !s.Load.Observed {
		s = observed(s)
		notes = append(notes, fmt.Sprintf("%s: its load, its pools, its work and its thresholds are left out: the producers are external, and the run looks on", s.Name))
	}
	notes = append(notes, o.shape(&s)...)
	if o.rate.given() {
		closed := s.Load.Closed()
		s.Load.Rate = o.rate.get()
		// What belongs to the other kind of load goes with it.
		if !closed && s.Load.Closed() && !o.arrivals.given() {
			if s.Load.Arrivals == pace.Poisson {
				notes = append(notes, fmt.Sprintf("%s: poisson arrivals have no meaning at --rate max and are left out", s.Name))
			}
			s.Load.Arrivals = ""
		}
		if !closed && s.Load.Closed() {
			s.Load.MaxInFlight = 0
		}
		if closed && !s.Load.Closed() && !o.inFlight.given() {
			if s.Load.InFlight != 0 {
				notes = append(notes, fmt.Sprintf("%s: in_flight has no meaning at a rate and is left out", s.Name))
			}
			s.Load.InFlight = 0
		}
	}
	// A bound that is given alone is the only one.
	if o.duration.given() || o.jobs.given() {
		s.Load.Duration, s.Load.Jobs = o.duration.get(), o.jobs.get()
	}
	s.Load.Arrivals = o.arrivals.or(s.Load.Arrivals)
	s.Load.InFlight = o.inFlight.or(s.Load.InFlight)
	s.Load.MaxInFlight = o.maxInFlight.or(s.Load.MaxInFlight)
	s.Load.MaxBacklog = o.maxBacklog.or(s.Load.MaxBacklog)
	if o.producers.given() {
		p := o.producers.get()
		s.Producers, s.Load.Observed = p.size, p.external || s.Load.Observed
	}
	if p, given := o.workedBy(); given {
		if p.external && !s.External {
			if s.Work.Time > 0 || s.Hold.For != 0 {
				notes = append(notes, fmt.Sprintf("%s: what consumers do is up to them when they are external; the scenario's work is left out", s.Name))
			}
			s.Work, s.Hold = scenario.Work{}, scenario.Hold{}
		}
		if !p.external && s.Update != "" && !o.update.given() {
			notes = append(notes, fmt.Sprintf("%s: queuedyno's own consumers publish the documented form; the scenario's update is left out", s.Name))
			s.Update = ""
		}
		s.External, s.Consumers = p.external, p.size
	}
	s.Subscribers = o.subscribers.or(s.Subscribers)
	s.Batch = o.batch.or(s.Batch)
	if o.payload.given() {
		s.SetPayload(o.payload.get())
	}
	if o.work.given() {
		s.Work.SetTime(o.work.get())
	}
	s.Warmup = o.warmup.or(s.Warmup)
	s.DrainTimeout = o.drainTimeout.or(s.DrainTimeout)
	s.Seed = o.seed.or(s.Seed)
	o.pipelineFlags.apply(&s)
	s.Thresholds = mergeThresholds(s.Thresholds, o.thresholds.all)
	return s.WithDefaults(), notes
}

// observed is what is left of a scenario when its load is to be somebody else's:
// how the pipeline is built, and for how long it is looked at.
func observed(s scenario.Scenario) scenario.Scenario {
	return scenario.Scenario{
		Name: s.Name, Description: s.Description,
		Load:   scenario.Load{Observed: true, Duration: s.Load.Duration},
		Warmup: s.Warmup, Update: s.Update, Design: s.Design, Queues: s.Queues, Notify: s.Notify, Channels: s.Channels, Tenants: s.Tenants,
	}
}

// shape puts stages or a recorded load in the place of the scenario's own, or a
// rate in the place of those.
func (o overrides) shape(s *scenario.Scenario) (notes []string) {
	was := s.Load
	if o.rate.given() && was.Varies() {
		notes = append(notes, fmt.Sprintf("%s: --rate replaces the scenario's stages", s.Name))
		s.Load.Steps, s.Load.Replay = nil, scenario.Replay{}
	}
	if !o.stages.given() && !o.replay.given() {
		if s.Load.Replay.File != "" {
			o.reading(&s.Load.Replay)
		}
		return notes
	}
	if was.Closed() {
		s.Load.InFlight, s.Load.Think = 0, 0
	}
	s.Load.Steps = o.stages.get()
	s.Load.Replay = scenario.Replay{File: o.replay.get()}
	o.reading(&s.Load.Replay)
	if o.replay.get() == "" {
		s.Load.Replay = scenario.Replay{}
	} else if !o.arrivals.given() {
		s.Load.Arrivals = ""
	}
	if !o.rate.given() {
		s.Load.Rate = pace.Rate{}
	}
	// They say themselves how long they take.
	if s.Load.Duration, s.Load.Jobs = 0, 0; s.Warmup > 0 && !o.warmup.given() {
		notes = append(notes, fmt.Sprintf("%s: its warm-up of %s is left out, for it is that of another load", s.Name, s.Warmup))
		s.Warmup = 0
	}
	return notes
}

// reading says how a recorded load is read, where flags say it.
func (o overrides) reading(r *scenario.Replay) {
	r.Column, r.Unit = o.column.or(r.Column), o.unit.or(r.Unit)
	r.Speed, r.Spread = o.speed.or(r.Speed), o.spread.or(r.Spread)
}

// stages reads a load of several rates.
func stages(s string) (pace.Steps, error) {
	steps, err := pace.ParseSteps(s)
	if err == nil && len(steps) == 0 {
		err = errors.New("there are none; write them like 30s:500,1m:2000")
	}
	return steps, err
}

// factor reads a number greater than zero.
func factor(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(v > 0) || v > 1e6 {
		return 0, fmt.Errorf("%q is not a factor greater than 0, such as 2 or 0.5", s)
	}
	return v, nil
}

// mergeThresholds puts the limits of the command line in the place of the
// scenario's on the same metrics, and keeps the scenario's others: a stricter
// or a looser p99 should not take "lost == 0" away.
func mergeThresholds(file, given []string) []string {
	type subject struct {
		metric string
		over   time.Duration
	}
	limited := map[subject]bool{}
	for _, expr := range given {
		if t, err := threshold.Parse(expr); err == nil {
			limited[subject{t.Metric, t.Over}] = true
		}
	}
	kept := slices.DeleteFunc(slices.Clone(file), func(expr string) bool {
		t, err := threshold.Parse(expr)
		return err == nil && limited[subject{t.Metric, t.Over}]
	})
	return append(kept, given...)
}

// check says what is wrong with a scenario after apply, in terms of the flags.
func (o overrides) check(f *flags, s scenario.Scenario) []fault {
	var faults []fault
	for _, one := range s.Validate() {
		field, hint := one.Field+": ", ""
		blamed := fields(one.Field)
		if blamed == "warmup" && !o.warmup.given() {
			// The warm-up is the file's; it was a flag that made the load too
			// short for it.
			for _, flag := range []string{"duration", "jobs", "rate"} {
				if f.given[flag] != "" {
					blamed, hint = flag, "give a longer load, or a shorter --warmup (--warmup 0s for none)"
					break
				}
			}
		} else if f.given[blamed] != "" {
			field = ""
		}
		what := fmt.Sprintf("scenario %q: %s%s", s.Name, field, one.Message)
		if f.given[blamed] != "" {
			what = f.source(blamed) + ": " + what
		}
		faults = append(faults, fault{what, hint})
	}
	return faults
}
