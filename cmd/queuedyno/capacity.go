package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

const capacityHelp = `Find the highest total rate that a scenario sustains under an SLO.

The search makes one trial after another, each a run of its own on an empty
queue, judges it (SLO kept, nothing lost, backlog not growing, drained in time,
and the load generator in order), and confirms the answer with longer trials.
With --worker your own workers do the jobs: they are started once, and again
after a trial that left jobs behind.
Rate, duration, warm-up, hold, prefill and thresholds of the scenario are not used.

Every trial is a line on standard error, the answer goes to standard output and,
with every trial, to a directory under --out. --vary searches once for each value
of a field, or each combination of two, and shows how the scenario scales. Ctrl-C gives the answer so far;
--resume goes on from it.

Exit codes: 0 an answer was found (also that no rate holds the SLO), 4 it is not
confirmed or limited by the load generator, 130 interrupted.`

const capacityExample = `  queuedyno capacity steady
  queuedyno capacity steady --slo 'end_to_end.p99 < 20ms' --budget 10m --curve
  queuedyno capacity steady --worker 'node worker.js'
  queuedyno capacity steady --vary consumers=1,2,4,8,16,32
  queuedyno capacity --resume results/steady-capacity-20260102-150405Z`

// defaultSLO is what a system has to hold when nobody says otherwise.
func defaultSLO() []string { return []string{"end_to_end.p99 < 50ms", "lost == 0"} }

func (p *program) capacityVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "capacity [SCENARIO]",
		Short:   "Find the highest rate that holds an SLO",
		Long:    capacityHelp,
		Example: capacityExample,
		Args:    cobra.MaximumNArgs(1),
	}
	c := addCapacityFlags(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(func(cmd *cobra.Command, names []string) error {
		p.console.quiet = c.quiet.get()
		pl, err := c.plan(names)
		if err != nil {
			return err
		}
		return c.do(cmd.Context(), pl)
	})
	cmd.ValidArgsFunction = p.scenarioNames
	complete(cmd, "vary", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names := study.Fields()
		for i := range names {
			names[i] += "="
		}
		return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
	complete(cmd, "slo", words(metricNames()...))
	return cmd
}

// searching is the verb capacity at work. What it has in common with run is
// run's.
type searching struct {
	running
	slo                    *value[threshold.Threshold]
	budget, trial, confirm *value[time.Duration]
	resume                 *value[string]
	curve, answerJSON      *value[bool]
	repeats                *value[int]
	vary                   *value[study.Dimension]
}

func addCapacityFlags(p *program, f *flags) *searching {
	c := &searching{
		slo:     addMany(f, "slo", "", "limit that a sustainable rate has to hold, an `EXPR` like 'end_to_end.p99 < 50ms'; may be repeated\n(default 'end_to_end.p99 < 50ms' and 'lost == 0')", slo),
		budget:  add(f, "budget", "", "`TIME` that the search may take, the curve not counted (default 5m, or 2m for each search of --vary)", literal.Duration(1)),
		trial:   add(f, "trial", "", "`TIME` that is measured in one step of the search (default 5s, or 20 times the longest latency that the SLO allows;\nless with --vary and a short --budget)", literal.Duration(time.Second/2)),
		confirm: add(f, "confirm", "", "`TIME` that is measured in a confirming trial (default 30s, or an eighth of the budget of a search if that is less)", literal.Duration(time.Second/2)),
		resume:  add(f, "resume", "", "go on with the search that is stored in `DIR`, with its scenario and SLO", anyText),
		curve:   addSwitch(f, "curve", "", "then measure latency at shares of the capacity, in random order"),
		vary:    addMany(f, "vary", "", "search at each of the `NAME=VALUES`, like consumers=1,2,4; NAME is one of\n"+strings.Join(study.Fields(), ", ")+"; given twice, at all combinations", study.ParseDimension),
		repeats: add(f, "repeats", "", "`NUMBER` of trials at each point of the curve (default 3)", literal.Int),
	}
	c.vary.spaced = true // its values have commas of their own
	c.running = running{p: p, does: "capacity", runFlags: addSome(f, "capacity", "file", "redis", "redis-args", "image", "cacert", "cert", "key", "tls-skip-verify",
		"worker", "worker-start", "out", "name", "force", "tag", "quiet")}
	c.answerJSON = addSwitch(f, "json", "", "write capacity.json to standard output instead of the answer in words")
	return c
}

// searchPlan is what a search is going to do, checked as far as that goes.
type searchPlan struct {
	record *study.Record
	place  place
	redis  redisserver.Options
	tags   map[string]string
}

// plan reads and checks everything, and returns all faults, not just the first.
func (c *searching) plan(names []string) (searchPlan, error) {
	faults := slices.Clone(c.faults)
	pl := searchPlan{tags: map[string]string{}}
	if c.resume.given() {
		faults = append(faults, c.resumed(&pl, names)...)
	} else {
		faults = append(faults, c.fresh(&pl, names)...)
	}
	if c.onCommandLine("repeats") && !c.curve.get() {
		faults = append(faults, fault{"--repeats goes with --curve only", "add --curve"})
	}
	var err error
	if pl.redis, err = c.server(); err != nil {
		faults = append(faults, faultOf(err))
	}
	pl.redis.Log = func(line string) { c.p.console.note("capacity: %s", line) }
	faults = append(faults, c.certificates()...)
	for _, t := range c.tags.all {
		pl.tags[t.key] = t.value
	}
	return pl, usageErr(faults...)
}

// fresh plans a search from its beginning.
func (c *searching) fresh(pl *searchPlan, names []string) (faults []fault) {
	src, err := c.p.findScenarios(c.file.get())
	if err != nil {
		return asFailure(c.p.badScenarios(src, err)).faults
	}
	picked, unknown := src.pick(names)
	faults = append(faults, unknown...)
	if len(picked) == 0 {
		return faults
	}
	s := picked[0]
	if s.Load.Observed || c.asked().Load.Observed {
		return append(faults, fault{
			fmt.Sprintf("scenario %q: its producers are external, and a search offers loads of its own", s.Name),
			"name a scenario with producers of its own",
		})
	}
	// What the search varies is not the scenario's to say, and must not be what
	// is wrong with it.
	arrivals := s.Load.Arrivals
	s.Load = scenario.Load{Rate: pace.PerSecond(1), Arrivals: arrivals}
	s.Warmup, s.DrainTimeout, s.Thresholds = 0, 0, nil
	s.Hold, s.Prefill = scenario.Hold{}, 0
	s, _ = c.apply(s)
	faults = append(faults, c.workerFaults(s)...)
	faults = append(faults, c.check(c.flags, s)...)
	slo := c.slo.all
	if len(slo) == 0 {
		for _, text := range defaultSLO() {
			if t, err := threshold.Parse(text); err == nil {
				slo = append(slo, t)
			}
		}
	}
	r := &study.Record{Schema: study.Schema, Kind: "capacity", Scenario: s}
	searches := 1
	if c.vary.given() {
		faults = append(faults, c.varied(r, c.vary.all)...)
		searches = max(1, len(r.Cells))
		c.shares(r, slo, searches)
	} else {
		r.Budget, r.Trial = c.budget.or(defaultBudget), c.trial.or(study.TrialLength(slo))
		r.Confirm = c.confirm.or(max(r.Trial, min(30*time.Second, r.Budget/8)))
	}
	if r.Trial < study.TrialLength(slo)/2 {
		r.Warnings = append(r.Warnings, shortTrials(r.Trial, slo))
	}
	if share := r.Budget / time.Duration(searches); share < 2*r.Trial {
		what, remedy := "", "raise --budget, or lower --trial"
		if searches > 1 {
			what = fmt.Sprintf("%s for %d searches, and ", r.Budget, searches)
			remedy += ", or give fewer values"
		}
		faults = append(faults, fault{
			fmt.Sprintf("%s: %s%s is too short for two trials of %s", c.source("budget"), what, short(share), r.Trial),
			remedy,
		})
	}
	if r.Confirm < r.Trial {
		faults = append(faults, fault{fmt.Sprintf("%s: %s is less than the %s of a step of the search", c.source("confirm"), r.Confirm, r.Trial), "raise it, or lower --trial"})
	}
	for _, t := range study.WithLoss(slo) {
		r.SLO = append(r.SLO, t.String())
	}
	pl.record, pl.place = r, c.place("capacity", s.Name, s.Name+"-capacity", time.Now())
	if err := pl.place.check(); err != nil {
		faults = append(faults, faultOf(err))
	} else {
		faults = append(faults, c.room("capacity", pl.place, roomForRecord, roomForRecord+roomForFiles)...)
	}
	c.p.console.note("capacity: using %s", src.where)
	return faults
}

// shortTrials warns of trials that are shorter than they should be.
func shortTrials(trial time.Duration, slo []threshold.Threshold) string {
	return fmt.Sprintf("trials of %s are short for this SLO: a backlog may grow all the time and not reach its limit; %s would be better", trial, study.TrialLength(slo))
}

// resumed plans to go on with a stored search. What it searched is not to be
// changed then: the old trials would be about something else.
func (c *searching) resumed(pl *searchPlan, names []string) (faults []fault) {
	dir := filepath.Clean(c.resume.get())
	r, err := store.LoadAs[*study.Record](dir)
	if err != nil {
		return []fault{faultOf(err)}
	}
	if filepath.Base(dir) == "capacity.json" {
		dir = filepath.Dir(dir)
	}
	if len(names) > 0 {
		faults = append(faults, fault{"--resume goes on with the stored scenario, and another one is named", "leave the name out"})
	}
	taken := []string{"slo", "vary", "trial", "confirm", "file", "out", "name", "force"}
	for _, f := range c.table {
		if f.For("capacity") {
			taken = append(taken, f.Flag)
		}
	}
	for _, flag := range taken { // the workers are started again: --worker is not among them
		if c.onCommandLine(flag) {
			faults = append(faults, fault{fmt.Sprintf("--%s has no place beside --resume, which goes on with what is stored", flag), "remove it, or start a new search"})
		}
	}
	for _, f := range r.Scenario.Validate() {
		faults = append(faults, fault{what: fmt.Sprintf("%s: %s", dir, f)})
	}
	for _, text := range r.SLO {
		if _, err := threshold.Parse(text); err != nil {
			faults = append(faults, fault{what: fmt.Sprintf("%s: %v", dir, err)})
		}
	}
	faults = append(faults, c.resumedWorkerFaults(dir, r.Scenario, r.Worker)...)
	if r.Trial <= 0 || r.Confirm < r.Trial {
		faults = append(faults, fault{what: dir + ": the lengths of its trials make no sense"})
	}
	r.Budget = c.budget.or(defaultBudget)
	if n := len(study.Pending(r.Cells)); n > 0 {
		r.Budget = c.budget.or(eachBudget * time.Duration(n))
	}
	if len(r.Vary) > 0 && c.onCommandLine("curve") {
		faults = append(faults, fault{"--curve has no place where values are varied", "measure the curve of one value by a search of its own"})
	}
	for _, cell := range r.Cells {
		for _, f := range study.At(r.Scenario, r.Vary, cell.Values).Validate() {
			faults = append(faults, fault{what: fmt.Sprintf("%s: at %s: %s", dir, study.Name(r.Vary, cell.Values), f)})
		}
	}
	pl.record, pl.place = r, c.place("capacity", r.Scenario.Name, "", time.Now())
	pl.place.dir, pl.place.o.Generated, pl.place.o.Update = dir, false, true
	if err := pl.place.check(); err != nil {
		faults = append(faults, faultOf(err))
	}
	return faults
}

// do carries out the plan on one server.
func (c *searching) do(ctx context.Context, pl searchPlan) error {
	ctx, signals := listen(ctx, c.p.console)
	defer signals.close()
	reserved, err := c.reserve("capacity", pl.place)
	if err != nil {
		return err
	}
	defer release(reserved)
	server, err := redisserver.Start(ctx, pl.redis)
	if err != nil {
		return c.notStarted(err, signals)
	}
	s := &search{c: c, r: pl.record, server: server, signals: signals, tags: pl.tags, reserved: reserved[0]}
	found := s.run(ctx)
	s.worker.end()
	if note := server.Note(); note != "" && !slices.Contains(s.r.Warnings, note) {
		s.r.Warnings = append(s.r.Warnings, note)
	}
	endings := []ending{s.ending(found)}
	if trialsMade(s.r) {
		err := s.store()
		s.reserved.Release()
		if err != nil {
			endings = append(endings, failedEnding("", err))
		}
		if dir := keptIn(s.reserved, err); dir != "" {
			c.p.console.note("capacity: results in %s", contents(dir))
		}
		format := "text"
		if c.answerJSON.get() {
			format = "json"
		}
		if err := render.Of(s.r).Encode(c.p.stdout, format, render.Options{}); err != nil {
			endings = append(endings, failedEnding("", fmt.Errorf("write to standard output: %w", err)))
		}
	}
	if err := server.Close(); err != nil {
		endings = append(endings, failedEnding("", err))
	}
	return worst(endings)
}

// perSecond is a rate for the lines of progress.
func perSecond(v float64) string {
	if v < 100 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " jobs/s"
	}
	return thousands(int64(math.Round(v))) + " jobs/s"
}
