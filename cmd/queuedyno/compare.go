package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/internal/workergroup"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

const compareHelp = `Decide whether a candidate is worse than a baseline.

Runs both in pairs, in random order. Each run gets a fresh server and a fresh process;
the two runs of a pair get the same arrivals. It stops as soon as the pairs decide:
  pass          the candidate is shown not to be worse by more than the margins
  fail          the candidate is shown to be worse by more than a margin
  inconclusive  this host and this many pairs cannot decide; it says what would
If nothing changed, hardly any comparison fails; noise makes it inconclusive.

The flags --base-… and --candidate-… set what differs; all other flags apply to both.
Each side is a run of a scenario, or a command that prints Go benchmark lines or a
result.json. Thresholds of the scenario are not checked. "queuedyno calibrate" measures
the noise of this host and finds the margins it can decide.

With two results as arguments it compares those: each side is a result directory,
several separated by commas, or a directory that holds them. Results of different hosts
or hours give no verdict.

Exit codes: 0 pass, 3 fail, 4 inconclusive or invalid, 130 interrupted.`

const compareExample = `  queuedyno compare steady --candidate-redis-args '--appendonly yes'
  queuedyno compare steady --base-image redis:7-alpine --candidate-image redis:8-alpine -u docker
  queuedyno compare steady --base-worker 'node old.js' --candidate-worker 'node new.js'
  queuedyno compare steady --candidate-args '--consumers 16' --metric queue.p50:5%
  queuedyno compare --base-cmd './old.test -test.bench .' --candidate-cmd './new.test -test.bench .'
  queuedyno compare results/monday results/tuesday`

func (p *program) compareVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "compare [SCENARIO | BASE CANDIDATE]",
		Short:   "Decide whether a candidate is worse than a baseline",
		Long:    compareHelp,
		Example: compareExample,
		Args:    cobra.MaximumNArgs(2),
	}
	c := declareCompare(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(c.do)
	cmd.ValidArgsFunction = p.scenarioNames(&c.file)
	complete(cmd, "metric", words(compare.Names()...))
	complete(cmd, "inconclusive", words("pass", "fail"))
	return cmd
}

// comparing is the verb compare or calibrate at work.
type comparing struct {
	p    *program
	verb string
	override.Flags
	redis           *target.Redis
	postgres        *target.Postgres
	out             *outcome.Directory
	file            string
	base, candidate sideFlags
	metrics         []paired.Metric
	pairs           int
	idle            time.Duration
	inconclusive    string
	calibration     string
	json, github    bool
	live            live.Address
	page            *livePage // nil without --live
}

func declareCompare(p *program, f *flags.Set) *comparing {
	c := &comparing{p: p, verb: "compare"}
	declareFile(f, &c.file)
	f.Group("Baseline")
	c.base.declare(f, compare.Base)
	f.Group("Candidate")
	c.candidate.declare(f, compare.Candidate)
	f.Group("Gates")
	flags.List(f, &c.metrics, "metric", ",", "deciding `METRIC` and its margin, e.g. end_to_end.p50:10% (repeatable; default p50, p90, achieved rate and the cost of a job, see docs/gates.md)", compare.ParseMetric)
	flags.Var(f, &c.inconclusive, "inconclusive", "", "`VERDICT` an inconclusive comparison counts as: pass or fail (default neither: exit code 4)", flags.OneOf("pass", "fail"))
	f.Text(&c.calibration, "calibration", "", "`FILE` written by queuedyno calibrate on this host: margins for metrics without one")
	f.Completes(flags.Files, "calibration")
	c.declareShared(f)
	declareLive(f, &c.live)
	return c
}

// declareShared declares the flags that compare and calibrate share.
func (c *comparing) declareShared(f *flags.Set) {
	c.pairs, c.idle = 20, 500*time.Millisecond
	f.Group("Measuring")
	flags.Var(f, &c.pairs, "pairs", "", "maximum `NUMBER` of pairs; the comparison may end after 8, 12, 16 … (default 20)", literal.Int)
	flags.Var(f, &c.idle, "idle", "", "`TIME` to check before each run that the host is idle (default 500ms; 0s turns it off)", literal.Duration(0))
	c.Flags = override.Declare(f, "compare")
	c.DeclareWorker()
	c.redis, c.postgres = target.Declare(f, c.p.getenv), target.DeclarePostgres(f, c.p.getenv)
	c.out = outcome.Declare(f)
	f.Switch(&c.json, "json", "", "write the record to standard output as JSON instead of the table")
	c.p.declareQuiet(f)
	declareGitHub(f, &c.github)
}

// comparePlan is what a comparison is going to do, checked as far as that goes.
type comparePlan struct {
	record  *compare.Record
	sides   map[compare.Side]contender
	metrics []paired.Metric // nil when commands will tell
	place   outcome.Place
}

// plan reads and checks everything, and returns all problems, not just the first.
func (c *comparing) plan(names []string) (comparePlan, error) {
	problems := slices.Clone(c.Problems)
	pl := comparePlan{sides: map[compare.Side]contender{}}
	for _, one := range []struct {
		side  compare.Side
		flags sideFlags
	}{{compare.Base, c.base}, {compare.Candidate, c.candidate}} {
		a, more := c.contender(one.side, one.flags, names)
		for _, f := range more { // what is wrong with both is said once
			if !slices.Contains(problems, f) {
				problems = append(problems, f)
			}
		}
		pl.sides[one.side] = a
	}
	base, candidate := pl.sides[compare.Base], pl.sides[compare.Candidate]
	if (base.command == "") != (candidate.command == "") {
		problems.Add("--base-cmd and --candidate-cmd go together, and only one is given", "add a command for the other side")
	}
	problems = append(problems, c.workersDiffer(base, candidate)...)
	r := &compare.Record{
		Schema: compare.Schema, Kind: "compare", Tool: build().tool(),
		Base:      compare.Arm{Label: "baseline", Settings: base.settings()},
		Candidate: compare.Arm{Label: "candidate", Settings: candidate.settings()},
		MostPairs: c.pairs, Seed: c.Asked().Seed,
	}
	if r.Seed == 0 {
		r.Seed = rand.Uint64()>>11 | 1 // a whole number in JSON everywhere
	}
	pl.record = r
	r.Host = hoststat.ThisHost()
	metrics, more := c.chosen(r, measurableBy(base, candidate))
	problems = append(problems, more...)
	if base.command == "" {
		pl.metrics = metrics
	}
	if least := compare.LeastPairs(metrics); base.command == "" && r.MostPairs < least {
		problems.Add(fmt.Sprintf("%s: with %s the metrics that decide cannot fail", c.Source("pairs"), number.Plural(r.MostPairs, "pair")),
			fmt.Sprintf("give at least --pairs %d, or fewer metrics", least))
	} else if r.MostPairs < paired.LeastPairs {
		problems.Add(fmt.Sprintf("%s: %s can decide nothing", c.Source("pairs"), number.Plural(r.MostPairs, "pair")), fmt.Sprintf("give at least --pairs %d", paired.LeastPairs))
	}
	r.Name = base.scenario.Name
	if base.command != "" {
		r.Name = "commands"
	}
	pl.place = c.out.Place(c.verb, r.Name, r.Name+"-"+c.verb, time.Now())
	if err := pl.place.Check(); err != nil {
		problems = append(problems, problem.Of(err))
	} else {
		problems = append(problems, pl.place.Room(c.p.console, c.verb, outcome.RoomForRecord, outcome.RoomForRecord+outcome.RoomForFiles)...)
	}
	if len(r.Differences()) == 0 && c.verb == "compare" && base.command == "" {
		r.Warnings = append(r.Warnings, "the two sides are equal; to measure the noise of this host, use queuedyno calibrate")
	}
	if a, b := r.Base.Settings["load"], r.Candidate.Settings["load"]; a != b {
		r.Warnings = append(r.Warnings, "the two sides have different loads, so a difference in latency says nothing about the system")
	}
	return pl, problem.Usage(problems...)
}

// workersDiffer refuses to compare external workers with built-in consumers: that
// would be two systems, and not two states of one.
func (c *comparing) workersDiffer(base, candidate contender) problem.List {
	if base.command != "" || candidate.command != "" {
		return c.Refuse("does not apply with --base-cmd and --candidate-cmd", "start the workers in the commands", "worker")
	}
	if (base.worker == "") == (candidate.worker == "") {
		return nil
	}
	with := "base-worker"
	if base.worker == "" {
		with = "candidate-worker"
	}
	return problem.List{{
		What: "--" + with + ": workers are started for one side, and the other side uses built-in consumers",
		Hint: "use --base-worker and --candidate-worker, or --worker for both",
	}}
}

// measurable is what the runs of both sides can measure.
type measurable struct {
	workers bool // those that were started
	redis   bool // one is known
	stages  []metric.Stage
}

// measurableBy is what the runs of both scenarios will measure.
func measurableBy(base, candidate contender) measurable {
	m := measurable{workers: base.worker != "" && candidate.worker != "", redis: true}
	for _, stage := range base.scenario.Measured() {
		if slices.Contains(candidate.scenario.Measured(), stage) {
			m.stages = append(m.stages, stage)
		}
	}
	for _, one := range []contender{base, candidate} {
		if one.scenario.Entry.Kind == scenario.EntryHTTP && !one.named {
			m.redis = false
		}
	}
	return m
}

// measuredBy is what all runs measured.
func measuredBy(all []*result.Result) measurable {
	m := measurable{workers: true, redis: true}
	for _, r := range all {
		m.workers, m.redis = m.workers && r.Run.Worker != "", m.redis && (r.Redis.Address != "" || r.Scenario.Entry.Kind != scenario.EntryHTTP)
	}
	for _, stage := range metric.Stages() {
		if !slices.ContainsFunc(all, func(r *result.Result) bool { return r.Stages[stage] == nil }) {
			m.stages = append(m.stages, stage)
		}
	}
	return m
}

// defaults are the metrics that are compared if none are named. What cannot be measured
// cannot decide.
func (m measurable) defaults() []paired.Metric {
	all := compare.Defaults()
	if m.workers {
		all = slices.DeleteFunc(compare.WorkerDefaults(), func(m paired.Metric) bool {
			return m.Name == "worker_cpu_per_job" && !workergroup.Metered
		})
	}
	return compare.Measurable(all, m.stages, m.redis)
}

// chosen are the metrics that are compared and their margins.
func (c *comparing) chosen(r *compare.Record, measured measurable) (metrics []paired.Metric, problems problem.List) {
	var known *compare.Calibration
	if c.calibration != "" && c.verb == "compare" {
		var err error
		if known, err = store.LoadAs[*compare.Calibration](c.calibration); err != nil {
			return nil, problem.List{problem.Of(err)}
		}
		r.Calibrated = c.calibration
		if why := known.Foreign(r); len(why) > 0 {
			r.Warnings = append(r.Warnings, "the calibration does not belong to this comparison: "+strings.Join(why, "; "))
		}
	}
	if c.base.cmd != "" || c.candidate.cmd != "" {
		return nil, nil // their names are known when they are printed
	}
	metrics, wrong := compare.Resolve(c.metrics, measured.defaults(), known)
	for _, w := range wrong {
		problems.Add("--metric: "+w, "")
	}
	for _, m := range c.metrics {
		noise, ok := compare.Noise{}, false
		if known != nil {
			noise, ok = known.Metrics[m.Name]
		}
		if least := paired.Detectable(noise.Spread, r.MostPairs); ok && m.Margin > 0 && m.Margin < least && !c.out.Force {
			problems.Add(fmt.Sprintf("--metric: a margin of %s for %s is less than this host can decide in %s, which is %s by the calibration",
				number.Percent(m.Margin), m.Name, number.Plural(r.MostPairs, "pair"), number.Percent(least)),
				"raise the margin or --pairs; --force tries it anyway")
		}
	}
	return metrics, problems
}
