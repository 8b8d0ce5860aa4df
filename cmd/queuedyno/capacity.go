package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

const capacityHelp = `Find the highest total rate a scenario sustains under an SLO.

The search runs one trial after another, each on an empty queue, and judges it: the
SLO is met and would still be met after --horizon of the same load, nothing is lost,
the backlog does not grow, it drains in time, and the load generator is healthy. It
then confirms a rate with longer trials, stepping down until one holds. With
--worker your own workers do the jobs: they are started once, and again after a trial
that left jobs behind. With --consumers external they are workers that run already, and
a trial begins only when they have finished what the last one left. Rate, duration,
warm-up, hold, prefill and thresholds of the scenario are ignored.

Each trial is a line on standard error. The answer goes to standard output and, with
every trial, to a directory under --out. --vary searches once for each value of a
field, or for each combination of two fields, and shows how the scenario scales.
Ctrl-C prints the answer so far; --resume continues from there.

Exit codes: 0 found an answer (even if no rate meets the SLO), 4 the answer is not
confirmed or is limited by the load generator, 130 interrupted.`

const capacityExample = `  queuedyno capacity steady
  queuedyno capacity steady --slo 'end_to_end.p99 < 20ms' --budget 10m --curve
  queuedyno capacity steady --worker 'node worker.js'
  queuedyno capacity steady --consumers external --queue job_queue --channel job_updates -u redis://HOST
  queuedyno capacity steady --vary consumers=1,2,4,8,16,32
  queuedyno capacity --resume results/steady-capacity-20260102-150405Z`

// defaultSLO is the SLO if none is given.
func defaultSLO() []string { return []string{"end_to_end.p99 < 50ms", "lost == 0"} }

func (p *program) capacityVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "capacity [SCENARIO]",
		Short:   "Find the highest rate that meets an SLO",
		Long:    capacityHelp,
		Example: capacityExample,
		Args:    cobra.MaximumNArgs(1),
	}
	c := declareCapacity(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(c.do)
	cmd.ValidArgsFunction = p.scenarioNames(&c.file)
	names := study.Fields()
	for i := range names {
		names[i] += "="
	}
	complete(cmd, "vary", beginnings(names...))
	complete(cmd, "slo", words(metricNames()...))
	return cmd
}

// searching is the verb capacity at work.
type searching struct {
	runner
	file                   string
	out                    *outcome.Directory
	tags                   []tag
	slo                    []threshold.Threshold
	budget, trial, confirm time.Duration // zero means the default
	horizon                time.Duration
	resume                 string
	curve                  bool
	live                   live.Address
	repeats                int
	vary                   []study.Dimension
}

func declareCapacity(p *program, f *flags.Set) *searching {
	c := &searching{runner: runner{p: p, name: "capacity"}, repeats: 3}
	declareFile(f, &c.file)
	f.Group("Search")
	flags.List(f, &c.slo, "slo", ",", "SLO the rate must meet, an `EXPR` such as 'end_to_end.p99 < 50ms' (repeatable; default 'end_to_end.p99 < 50ms' and 'lost == 0')", slo)
	flags.Var(f, &c.budget, "budget", "", "`TIME` the search may take, without the curve (default 2m, for each search of --vary)", literal.Duration(1))
	flags.Var(f, &c.trial, "trial", "", "measured `TIME` of one trial (default 5s, or twice the longest latency the SLO allows; less with --vary and a short --budget); a trial too short to tell becomes longer", literal.Duration(time.Second/2))
	flags.Var(f, &c.confirm, "confirm", "", "measured `TIME` of a confirmation trial (default 30s, or a twelfth of the budget of a search if that is less)", literal.Duration(time.Second/2))
	flags.Var(f, &c.horizon, "horizon", "", "`TIME` for which a sustainable rate must meet the SLO, projected from the growth of the backlog (default 10m)", literal.Duration(time.Second))
	f.Text(&c.resume, "resume", "", "continue the search stored in `DIR`, with its scenario and SLO")
	f.Completes(flags.Dirs, "resume")
	f.Switch(&c.curve, "curve", "", "then measure latency at fractions of the capacity, in random order")
	flags.List(f, &c.vary, "vary", " ", "search at each of the `NAME=VALUES`, e.g. consumers=1,2,4; NAME is one of "+strings.Join(study.Fields(), ", ")+"; given twice, at all combinations", study.ParseDimension)
	flags.Var(f, &c.repeats, "repeats", "", "`NUMBER` of trials at each point of the curve (default 3)", literal.Int)
	c.Flags = override.Declare(f, "capacity")
	c.DeclareWorker()
	c.declareNames(f, "search")
	c.redis, c.postgres = target.Declare(f, p.getenv), target.DeclarePostgres(f, p.getenv)
	c.out = outcome.Declare(f)
	flags.List(f, &c.tags, "tag", ",", "label `KEY=VALUE` for the result (repeatable)", parseTag)
	f.Switch(&c.json, "json", "", "write capacity.json to standard output instead of the answer as text")
	declareLive(f, &c.live)
	p.declareQuiet(f)
	return c
}

// searchPlan is what a search is going to do, checked as far as that goes.
type searchPlan struct {
	record   *study.Record
	place    outcome.Place
	redis    redisserver.Options
	postgres *postgresserver.Options // nil when the scenario stores no jobs
	tags     map[string]string
}

// plan reads and checks everything, and returns all problems, not just the first.
func (c *searching) plan(names []string) (searchPlan, error) {
	problems := slices.Clone(c.Problems)
	pl := searchPlan{tags: tagMap(c.tags)}
	if c.resume != "" {
		problems = append(problems, c.resumed(&pl, names)...)
	} else {
		problems = append(problems, c.fresh(&pl, names)...)
	}
	if c.Written("repeats") && !c.curve {
		problems.Add("--repeats requires --curve", "add --curve")
	}
	var scenarios []scenario.Scenario
	if pl.record != nil {
		scenarios = append(scenarios, pl.record.Scenario)
	}
	var wrong problem.List
	pl.redis, pl.postgres, wrong = c.servers(scenarios...)
	problems = append(problems, wrong...)
	return pl, problem.Usage(problems...)
}

// fresh plans a search from its beginning.
func (c *searching) fresh(pl *searchPlan, names []string) (problems problem.List) {
	src, picked, problems := c.p.pick(c.file, names)
	if len(picked) == 0 {
		return problems
	}
	s := picked[0]
	if s.Load.Observed || c.Asked().Load.Observed {
		problems.Add(fmt.Sprintf("scenario %q: its producers are external, and a search needs its own load", s.Name), "choose a scenario whose producers are not external")
		return problems
	}
	// The search sets these itself, so they cannot be wrong in the scenario.
	arrivals := s.Load.Arrivals
	s.Load = scenario.Load{Rate: pace.PerSecond(1), Arrivals: arrivals}
	s.Warmup, s.DrainTimeout, s.Thresholds = 0, 0, nil
	s.Hold, s.Prefill = scenario.Hold{}, 0
	s, _ = c.Apply(s)
	problems = append(problems, c.workerProblems(s)...)
	problems = append(problems, c.searchNameProblems(s)...)
	problems = append(problems, c.Check(s)...)
	slo := slices.Clone(c.slo)
	if len(slo) == 0 {
		slo = limits(defaultSLO())
	}
	r := &study.Record{Schema: study.Schema, Kind: "capacity", Scenario: s, Queue: c.queue, Channel: c.channel}
	searches := 1
	if len(c.vary) > 0 {
		problems = append(problems, c.varied(r, c.vary)...)
		searches = max(1, len(r.Cells))
		c.shares(r, slo, searches)
	} else {
		r.Budget, r.Trial = cmp.Or(c.budget, defaultBudget), cmp.Or(c.trial, study.TrialLength(slo))
		r.Confirm = cmp.Or(c.confirm, capacity.ConfirmLength(r.Trial, r.Budget))
	}
	r.Horizon = cmp.Or(c.horizon, study.Horizon)
	if r.Trial < study.TrialLength(slo)/2 {
		r.Warnings = append(r.Warnings, shortTrials(r.Trial, slo))
	}
	if share := r.Budget / time.Duration(searches); share < 2*r.Trial {
		what, remedy := "", "raise --budget, or lower --trial"
		if searches > 1 {
			what = fmt.Sprintf("%s for %d searches, and ", r.Budget, searches)
			remedy += ", or use fewer values"
		}
		problems.Add(fmt.Sprintf("%s: %s%s is too short for two trials of %s", c.Source("budget"), what, console.Short(share), r.Trial),
			remedy)
	}
	if r.Confirm < r.Trial {
		problems.Add(fmt.Sprintf("%s: %s is less than a search trial (%s)", c.Source("confirm"), r.Confirm, r.Trial), "raise it, or lower --trial")
	}
	for _, t := range study.WithLoss(slo) {
		r.SLO = append(r.SLO, t.String())
	}
	pl.record, pl.place = r, c.out.Place("capacity", s.Name, s.Name+"-capacity", time.Now())
	if err := pl.place.Check(); err != nil {
		problems = append(problems, problem.Of(err))
	} else {
		problems = append(problems, pl.place.Room(c.p.console, "capacity", outcome.RoomForRecord, outcome.RoomForRecord+outcome.RoomForFiles)...)
	}
	c.p.console.Note("capacity: using %s", src.where)
	return problems
}

// shortTrials warns of trials that are shorter than they should be.
func shortTrials(trial time.Duration, slo []threshold.Threshold) string {
	return fmt.Sprintf("%s trials are too short for this SLO: they hardly tell growth of the backlog from chance; use %s", trial, study.TrialLength(slo))
}

// resumed plans to continue a stored search. Its scenario and SLO cannot be changed:
// the old trials would not belong to the new ones.
func (c *searching) resumed(pl *searchPlan, names []string) (problems problem.List) {
	dir := filepath.Clean(c.resume)
	r, err := store.LoadAs[*study.Record](dir)
	if err != nil {
		return problem.List{problem.Of(err)}
	}
	if filepath.Base(dir) == "capacity.json" {
		dir = filepath.Dir(dir)
	}
	if len(names) > 0 {
		problems.Add("--resume uses the stored scenario, and another one is named", "remove the name")
	}
	taken := []string{"slo", "vary", "trial", "confirm", "horizon", "file", "out", "name", "force", "queue", "channel"}
	taken = append(taken, c.Names()...) // the workers are started again: --worker is not among them
	problems = append(problems, c.Refuse("does not apply with --resume, which continues a stored search", "remove it, or start a new search", taken...)...)
	for _, f := range r.Scenario.Validate() {
		problems.Add(fmt.Sprintf("%s: %s", dir, f), "")
	}
	for _, text := range r.SLO {
		if _, err := threshold.Parse(text); err != nil {
			problems.Add(fmt.Sprintf("%s: %v", dir, err), "")
		}
	}
	problems = append(problems, c.resumedWorkerProblems(dir, r)...)
	c.queue, c.channel = r.Queue, r.Channel
	if r.Trial <= 0 || r.Confirm < r.Trial {
		problems.Add(dir+": the lengths of its trials are invalid", "")
	}
	r.Budget = cmp.Or(c.budget, defaultBudget)
	if n := len(study.Pending(r.Cells)); n > 0 {
		r.Budget = cmp.Or(c.budget, defaultBudget*time.Duration(n))
	}
	if len(r.Vary) > 0 && c.Written("curve") {
		problems.Add("--curve does not apply with --vary", "measure the curve of one value in a separate search")
	}
	for _, cell := range r.Cells {
		for _, f := range study.At(r.Scenario, r.Vary, cell.Values).Validate() {
			problems.Add(fmt.Sprintf("%s: at %s: %s", dir, study.Name(r.Vary, cell.Values), f), "")
		}
	}
	pl.record, pl.place = r, c.out.Place("capacity", r.Scenario.Name, "", time.Now())
	pl.place.Dir, pl.place.How.Generated, pl.place.How.Update = dir, false, true
	problems.Err(pl.place.Check())
	return problems
}

// do carries out the plan on one server.
func (c *searching) do(ctx context.Context, names []string) error {
	pl, err := c.plan(names)
	if err != nil {
		return err
	}
	ctx, signals := interrupt.Listen(ctx, c.p.console)
	defer signals.Close()
	if c.page, err = c.p.openLive(ctx, c.live, "capacity"); err != nil {
		return err
	}
	defer c.page.close()
	reserved, err := outcome.Reserve(c.p.console, "capacity", pl.place)
	if err != nil {
		return err
	}
	defer outcome.Release(reserved)
	server, err := target.Start(ctx, c.redisFor(pl.redis, pl.record.Scenario), pl.postgres)
	if err != nil {
		return c.notStarted(err, signals)
	}
	s := &search{c: c, r: pl.record, standing: standingWorkers{console: c.p.console, stop: signals.Stop}, server: server, signals: signals, tags: pl.tags, reserved: reserved[0]}
	found := s.run(ctx)
	s.worker.end()
	for _, note := range server.Notes() {
		if !slices.Contains(s.r.Warnings, note) {
			s.r.Warnings = append(s.r.Warnings, note)
		}
	}
	endings := outcome.Outcomes{s.ending(found)}
	c.page.remove("trial")
	c.page.show("search", render.Of(s.r))
	if trialsMade(s.r) {
		err := s.store()
		endings.Err(err)
		c.p.noteResults("capacity: ", outcome.Kept(s.reserved, err))
		endings.Err(c.p.print(render.Of(s.r), c.json, render.Options{}))
	}
	endings.Err(server.Close())
	return outcome.Worst(endings)
}

// perSecond is a rate for progress lines.
func perSecond(v float64) string {
	if v < 100 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " jobs/s"
	}
	return number.Count(int64(math.Round(v))) + " jobs/s"
}
