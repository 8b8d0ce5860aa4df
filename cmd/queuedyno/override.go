package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// overrides are the flags that stand for a field of a scenario.
type overrides struct {
	// table are the fields, and texts what the flags of those say, by flag.
	table []scenario.Field
	texts map[string]*value[string]
	workerFlags
}

// addOverrides declares the flags of the table, and next to who works on the jobs
// those that start somebody to do so.
func addOverrides(f *flags) overrides {
	o := overrides{table: scenario.Fields(), texts: map[string]*value[string]{}}
	for _, field := range o.table {
		if field.Flag != "" {
			o.texts[field.Flag] = addField(f, field)
		}
		if field.Key == "consumers" {
			o.workerFlags = addStartedWorker(f)
		}
	}
	return o
}

// addField declares the flag of a field. Its value is the text, which was read to
// see whether it can be.
func addField(f *flags, field scenario.Field) *value[string] {
	v := add(f, field.Flag, field.Short, field.Usage, func(text string) (string, error) {
		var scratch scenario.Scenario
		return text, field.Set(&scratch, text)
	})
	v.many = field.Many
	if field.Switch {
		v.kind = "bool"
		f.set.Lookup(field.Flag).NoOptDefVal = "true"
	}
	return v
}

// says reports whether a flag says something that could be read.
func (o overrides) says(flag string) bool { return o.texts[flag].given() }

// asked is a scenario with what the flags say and nothing else.
func (o overrides) asked() (s scenario.Scenario) {
	o.set(&s)
	return s
}

// set sets the fields of the flags that were given.
func (o overrides) set(s *scenario.Scenario) {
	for _, f := range o.table {
		if f.Flag != "" && o.says(f.Flag) {
			_ = f.Set(s, strings.Join(o.texts[f.Flag].all, ",")) // the flags have read it
		}
	}
}

// apply is the scenario as the flags want it, with the defaults filled in. The
// notes say what of the scenario had to go because it contradicts a flag.
func (o overrides) apply(s scenario.Scenario) (scenario.Scenario, []string) {
	asked := o.asked()
	var notes []string
	note := func(format string, args ...any) {
		notes = append(notes, s.Name+": "+fmt.Sprintf(format, args...))
	}
	s.Thresholds = slices.Clone(s.Thresholds)
	if asked.Load.Observed && !s.Load.Observed {
		s = observed(s)
		note("its load, its pools, its work and its thresholds are left out: the producers are external, and the run looks on")
	}
	o.shape(&s, asked, note)
	if o.says("rate") {
		closed := s.Load.Closed()
		s.Load.Rate = asked.Load.Rate
		// What belongs to the other kind of load goes with it.
		switch {
		case !closed && s.Load.Closed():
			if s.Load.Arrivals == pace.Poisson && !o.says("arrivals") {
				note("poisson arrivals have no meaning at --rate max and are left out")
			}
			s.Load.Arrivals, s.Load.MaxInFlight = "", 0
		case closed && !s.Load.Closed():
			if s.Load.InFlight != 0 && !o.says("in-flight") {
				note("in_flight has no meaning at a rate and is left out")
			}
			s.Load.InFlight = 0
		}
	}
	// A bound that is given alone is the only one.
	if o.says("duration") || o.says("jobs") {
		s.Load.Duration, s.Load.Jobs = 0, 0
	}
	if external, given := o.workedBy(asked); given {
		if external && !s.External {
			if s.Work.Time > 0 || s.Hold.For != 0 {
				note("what consumers do is up to them when they are external; the scenario's work is left out")
			}
			s.Work, s.Hold = scenario.Work{}, scenario.Hold{}
		}
		if !external && s.Update != "" && !o.says("update") {
			note("queuedyno's own consumers publish the documented form; the scenario's update is left out")
			s.Update = ""
		}
	}
	if o.says("elements") && asked.Elements != s.Elements {
		s.JobClass = ""
	}
	if o.says("design") && asked.Design != s.Design {
		s.Visibility, s.Poll = 0, 0
	}
	looksOn, limits := s.Load.Observed, s.Thresholds
	o.set(&s)
	s.Load.Observed = s.Load.Observed || looksOn
	if o.workerCommand() != "" {
		s.External, s.Consumers = true, 0
	}
	if s.Load.Replay.File == "" {
		s.Load.Replay = scenario.Replay{} // how to read it has no meaning then
	}
	s.Thresholds = mergeThresholds(limits, asked.Thresholds)
	return s.WithDefaults(), notes
}

// observed is what is left of a scenario when its load is external: how the
// pipeline is built, and for how long it is observed.
func observed(s scenario.Scenario) scenario.Scenario {
	return scenario.Scenario{
		Name: s.Name, Description: s.Description,
		Load:   scenario.Load{Observed: true, Duration: s.Load.Duration},
		Warmup: s.Warmup, Update: s.Update, Design: s.Design, Queues: s.Queues, Notify: s.Notify, Channels: s.Channels, Tenants: s.Tenants,
	}
}

// shape makes room for steps or a recorded load in the place of the scenario's own
// load, or for a rate in the place of those.
func (o overrides) shape(s *scenario.Scenario, asked scenario.Scenario, note func(string, ...any)) {
	was := s.Load
	if o.says("rate") && was.Varies() {
		note("--rate replaces the scenario's steps")
		s.Load.Steps, s.Load.Replay = nil, scenario.Replay{}
	}
	if !o.says("steps") && !o.says("replay") {
		return
	}
	if was.Closed() {
		s.Load.InFlight, s.Load.Think = 0, 0
	}
	s.Load.Steps, s.Load.Replay = asked.Load.Steps, scenario.Replay{File: asked.Load.Replay.File}
	if o.says("replay") {
		s.Load.Arrivals = ""
	}
	s.Load.Rate = pace.Rate{}
	// They say themselves how long they take.
	if s.Load.Duration, s.Load.Jobs = 0, 0; s.Warmup > 0 && !o.says("warmup") {
		note("its warm-up of %s is left out, for it is that of another load", s.Warmup)
		s.Warmup = 0
	}
}

// replayFaults refuses flags that say how a recorded load is read where there is none.
func (o overrides) replayFaults(f *flags, replays bool) (faults []fault) {
	for _, field := range o.table {
		if strings.HasPrefix(field.Key, "load.replay.") && f.onCommandLine(field.Flag) && !replays {
			faults = append(faults, fault{"--" + field.Flag + ": there is no recorded load to be read", "name its file with --replay"})
		}
	}
	return faults
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
		blamed := scenario.FlagOf(one.Field)
		if blamed == "warmup" && !o.says("warmup") {
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
