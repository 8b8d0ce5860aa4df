// Package override changes scenarios by flags. The flags come from the table of the
// fields of a scenario; [Flags.Apply] puts what they say in the place of what the
// scenario says, and drops what would contradict it.
package override

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Flags are the flags of a verb that override a field of a scenario, and those that
// start workers.
type Flags struct {
	*flags.Set
	table []scenario.Field
	texts map[string]*[]string // what the flags say, by flag
	Worker
}

// Declare declares the flags of the fields that the verb has, under the headings
// that the table gives them, and further ones by their names. A letter that the verb has
// given to another flag before is not that of a field.
func Declare(set *flags.Set, verb string, more ...string) Flags {
	o := Flags{Set: set, texts: map[string]*[]string{}}
	for _, f := range scenario.Fields() {
		if !f.For(verb) && (f.Flag == "" || !slices.Contains(more, f.Flag)) {
			continue
		}
		set.Group(f.Group)
		text, short := new([]string), f.Short
		if set.HasShort(short) {
			short = ""
		}
		o.table, o.texts[f.Flag] = append(o.table, f), text
		read := func(text string) (string, error) {
			var scratch scenario.Scenario
			return text, f.Set(&scratch, text)
		}
		if f.Switch {
			flags.Toggle(set, text, f.Flag, short, f.Usage, read)
		} else if f.Many {
			flags.List(set, text, f.Flag, separator(f), f.Usage, read)
		} else {
			flags.Var(set, text, f.Flag, short, f.Usage, func(text string) ([]string, error) {
				text, err := read(text)
				return []string{text}, err
			})
		}
		if f.Path {
			set.Completes(flags.Files, f.Flag)
		}
		if f.Formerly != "" {
			set.Formerly(f.Formerly, f.Flag)
		}
	}
	return o
}

// separator is what stands between the values of a flag that may be repeated.
func separator(f scenario.Field) string { return cmp.Or(f.Separator, ",") }

// Names are the flags, in the order of the table.
func (o Flags) Names() (names []string) {
	for _, f := range o.table {
		names = append(names, f.Flag)
	}
	return names
}

// Asked is a scenario with what the flags say and nothing else.
func (o Flags) Asked() (s scenario.Scenario) {
	o.set(&s)
	return s
}

// set sets the fields of the flags that were given.
func (o Flags) set(s *scenario.Scenario) {
	for _, f := range o.table {
		if o.Given(f.Flag) {
			_ = f.Set(s, strings.Join(*o.texts[f.Flag], separator(f))) // the flags have read it
		}
	}
}

// Apply is the scenario as the flags want it, with the defaults filled in. The
// notes say what of the scenario had to go because it contradicts a flag.
func (o Flags) Apply(s scenario.Scenario) (scenario.Scenario, []string) {
	asked := o.Asked()
	var notes []string
	note := func(format string, args ...any) {
		notes = append(notes, s.Name+": "+fmt.Sprintf(format, args...))
	}
	if len(s.Faults) > 0 && !slices.Contains(o.Names(), "fault") {
		note("ignoring its faults, which only run carries out")
		s.Faults = nil
	}
	s.Thresholds = slices.Clone(s.Thresholds)
	if asked.Load.Observed && !s.Load.Observed {
		s = observed(s) // without faults
		note("ignoring its load, pools, work and thresholds: the producers are external, so the run only observes")
	}
	o.shape(&s, asked, note)
	if o.Given("rate") {
		closed := s.Load.Closed()
		s.Load.Rate = asked.Load.Rate
		// What belongs to the other kind of load goes with it.
		switch {
		case !closed && s.Load.Closed():
			if s.Load.Arrivals == pace.Poisson && !o.Given("arrivals") {
				note("ignoring its poisson arrivals, which do not apply at --rate max")
			}
			s.Load.Arrivals, s.Load.MaxInFlight = "", 0
		case closed && !s.Load.Closed():
			if s.Load.InFlight != 0 && !o.Given("in-flight") {
				note("ignoring its in_flight, which does not apply at a rate")
			}
			s.Load.InFlight = 0
		}
	}
	// A bound that is given alone is the only one.
	if o.Given("duration") || o.Given("jobs") {
		s.Load.Duration, s.Load.Jobs = 0, 0
	}
	if external, given := o.workedBy(asked); given {
		if external && !s.External {
			if s.Work.Time > 0 || s.Hold.For != 0 {
				note("ignoring its work: external consumers decide what they do")
			}
			s.Work, s.Hold = scenario.Work{}, scenario.Hold{}
		}
		if !external && s.Update != "" && !o.Given("update") {
			note("ignoring its update: built-in consumers publish the documented form")
			s.Update = ""
		}
	}
	if o.Given("dialect") && asked.Dialect != s.Dialect {
		s.JobName, s.JobArgs = "", ""
	}
	if o.Given("design") && asked.Design != s.Design {
		s.Visibility, s.Poll = 0, 0
	}
	looksOn, limits := s.Load.Observed, s.Thresholds
	o.set(&s)
	s.Load.Observed = s.Load.Observed || looksOn
	if o.WorkerCommand() != "" {
		s.External, s.Consumers = true, 0
	}
	if s.Load.Replay.File == "" {
		s.Load.Replay = scenario.Replay{} // how to read it does not apply
	}
	s.Thresholds = mergeThresholds(limits, asked.Thresholds)
	s = s.WithDefaults()
	for _, dropped := range s.DropUnmeasured(asked.Thresholds) {
		note("%s", dropped)
	}
	return s, notes
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
func (o Flags) shape(s *scenario.Scenario, asked scenario.Scenario, note func(string, ...any)) {
	was := s.Load
	if o.Given("rate") && was.Varies() {
		note("--rate replaces the scenario's steps")
		s.Load.Steps, s.Load.Replay = nil, scenario.Replay{}
	}
	if !o.Given("steps") && !o.Given("replay") {
		return
	}
	if was.Closed() {
		s.Load.InFlight, s.Load.Think = 0, 0
	}
	s.Load.Steps, s.Load.Replay = asked.Load.Steps, scenario.Replay{File: asked.Load.Replay.File}
	if o.Given("replay") {
		s.Load.Arrivals = ""
	}
	s.Load.Rate = pace.Rate{}
	// They say themselves how long they take.
	if s.Load.Duration, s.Load.Jobs = 0, 0; s.Warmup > 0 && !o.Given("warmup") {
		note("ignoring its warm-up of %s, which belongs to another load", s.Warmup)
		s.Warmup = 0
	}
}

// ReplayProblems refuses flags for reading a recorded load if there is no such load.
func (o Flags) ReplayProblems(replays bool) (problems problem.List) {
	for _, field := range o.table {
		if strings.HasPrefix(field.Key, "load.replay.") && o.Written(field.Flag) && !replays {
			problems.Add("--"+field.Flag+": there is no recorded load", "add --replay FILE")
		}
	}
	return problems
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

// Check says what is wrong with a scenario after apply, in terms of the flags.
func (o Flags) Check(s scenario.Scenario) problem.List {
	var problems problem.List
	for _, one := range s.Validate() {
		field, hint := one.Field+": ", ""
		blamed := one.Flag()
		if blamed == "warmup" && !o.Given("warmup") {
			// The warm-up is the file's; it was a flag that made the load too
			// short for it.
			for _, flag := range []string{"duration", "jobs", "rate"} {
				if o.Tried(flag) {
					blamed, hint = flag, "use a longer load, or a shorter --warmup (0s for none)"
					break
				}
			}
		} else if o.Tried(blamed) {
			field = ""
		}
		what := fmt.Sprintf("scenario %q: %s%s", s.Name, field, one.Message)
		if o.Tried(blamed) {
			what = o.Source(blamed) + ": " + what
		}
		problems.Add(what, hint)
	}
	return problems
}
