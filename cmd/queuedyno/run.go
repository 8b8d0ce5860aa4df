package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/checkpoint"
	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/internal/workergroup"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

const runHelp = `Run one or more scenarios, one after another: show each result, write it to its own
directory under --out, and check the thresholds. Without a name it runs the first
scenario of the file. The results of several are also put on one page, report-TIME.html
under --out.

Scenarios come from --file, otherwise from ./scenarios.yaml, otherwise from the
bundled file. Uses REDIS_URL if set; otherwise starts a private Redis for the run
(--redis). Flags override fields of every scenario being run. --rate is the total
of all producers.

Every flag can be set in the environment: --drain-timeout is
QUEUEDYNO_DRAIN_TIMEOUT (lists are separated by commas). Precedence: flag,
environment, file, default.

Results go to standard output, progress and errors to standard error. Ctrl-C stops
sending, drains and reports; a second Ctrl-C stops at once. "queuedyno --help"
lists the exit codes.`

const runExample = `  queuedyno run
  queuedyno run steady -u redis://localhost:6379 -r 5k/s -d 30s -y 32
  queuedyno run steady -r max -n 200000 --warmup 0s
  queuedyno run steady --worker 'node worker.js' -r 500
  queuedyno run steady --threshold 'end_to_end.p99 < 20ms' --json > result.json`

func (p *program) runVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "run [SCENARIO...]",
		Short:   "Run scenarios, show and store the results, check the thresholds",
		Long:    runHelp,
		Example: runExample,
		Args:    cobra.ArbitraryArgs,
	}
	r := declareRun(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(r.do)
	cmd.ValidArgsFunction = p.scenarioNames(&r.file)
	return cmd
}

// runner is what it takes to run one scenario: the flags that change it, a Redis, and
// the names of its queue and channel.
type runner struct {
	p    *program
	name string // of the verb
	override.Flags
	redis          *target.Redis
	postgres       *target.Postgres
	queue, channel string
	allowNonEmpty  bool
	showing
	sharding sharding  // zero but for run
	meter    *meter    // nil when no one asked for metrics
	page     *livePage // nil without --live
	// saved writes the result so far, every saveEvery; nil when no one wants that.
	saved     *checkpoint.Writer
	saveEvery time.Duration
	// relay takes the seconds of runs that another process shows, nil for others.
	relay *live.Writer
}

// note prints a remark of the verb.
func (r *runner) note(line string) { r.p.console.Note("%s: %s", r.name, line) }

// servers are the Redis for those scenarios and the Postgres, nil when none of them stores
// its jobs, and what is wrong with the flags for both.
func (r *runner) servers(all ...scenario.Scenario) (redis redisserver.Options, postgres *postgresserver.Options, problems problem.List) {
	redis, err := r.redis.Options(r.note)
	problems.Err(err)
	problems = append(problems, r.redis.Problems()...)
	if len(all) == 0 { // no scenario could be read
		return redis, nil, problems
	}
	postgres, wrong := r.postgres.For(r.note, all...)
	return redis, postgres, append(problems, wrong...)
}

// running is the verb run at work.
type running struct {
	runner
	metering    metering
	file        string
	out         *outcome.Directory
	tags        []tag
	jsonLog     bool
	github      bool
	live        live.Address
	allowFaults bool
}

func declareRun(p *program, f *flags.Set) *running {
	r := &running{runner: runner{p: p, name: "run"}}
	declareFile(f, &r.file)
	r.Flags = override.Declare(f, "run")
	f.Group("Faults")
	f.Switch(&r.allowFaults, "allow-faults", "", "allow faults on a Redis or a Postgres that exists; they affect all of its clients")
	r.DeclareWorker()
	r.DeclareProcesses()
	r.declareNames(f, "run")
	f.Switch(&r.allowNonEmpty, "allow-non-empty", "", "start even if other jobs wait in the queue")
	r.redis, r.postgres = target.Declare(f, p.getenv), target.DeclarePostgres(f, p.getenv)
	r.sharding.declare(p, f)
	r.out = outcome.Declare(f)
	r.saveEvery = checkpoint.Every
	flags.Var(f, &r.saveEvery, "checkpoint", "", "write the result so far into its directory every `TIME`; 0s writes none (default 1m)", literal.Duration(0))
	flags.List(f, &r.tags, "tag", ",", "label `KEY=VALUE` for the result (repeatable)", parseTag)
	f.Switch(&r.json, "json", "", "write result.json to standard output instead of the table")
	f.Switch(&r.jsonLog, "json-log", "", "write result.json to standard error instead of the table to standard output: for the log of a container, which mixes the two")
	f.Switch(&r.noColor, "no-color", "", "no color on a terminal (like NO_COLOR)")
	declareLive(f, &r.live)
	p.declareQuiet(f)
	r.metering.declare(p, f, "run")
	f.Group("Gates")
	f.Switch(&r.allowInvalid, "allow-invalid", "", "exit 0 instead of 4 if the run is invalid; its thresholds still do not pass")
	declareGitHub(f, &r.github)
	return r
}

func declareFile(f *flags.Set, to *string) {
	f.Group("Scenario")
	f.Text(to, "file", "f", "scenario `FILE`, - for standard input (default ./scenarios.yaml, otherwise the bundled file)")
	f.Completes(flags.Files, "file")
}

func declareGitHub(f *flags.Set, to *bool) {
	f.Switch(to, "github", "", "write a GitHub step summary and annotations (default: if GITHUB_ACTIONS is true; --github=false turns it off)")
}

func (p *program) declareQuiet(f *flags.Set) {
	f.Switch(&p.console.Quiet, "quiet", "q", "no progress and no notes on standard error, only errors")
}

// tag is a label of a run.
type tag struct{ key, value string }

func parseTag(s string) (tag, error) {
	k, v, ok := strings.Cut(s, "=")
	k, v = strings.TrimSpace(k), strings.TrimSpace(v)
	if !ok || k == "" {
		return tag{}, fmt.Errorf("%q is not of the form key=value", s)
	}
	return tag{k, v}, nil
}

func tagMap(tags []tag) map[string]string {
	all := map[string]string{}
	for _, t := range tags {
		all[t.key] = t.value
	}
	return all
}

// plan is what a run is going to do, with everything checked that can be
// checked before anything is started.
type plan struct {
	scenarios []scenario.Scenario
	// places are the result directories, one for each scenario. page is the file for the
	// results of several scenarios.
	places   []outcome.Place
	page     string
	redis    redisserver.Options
	postgres *postgresserver.Options // nil when no scenario stores its jobs
	tags     map[string]string
}

// plan reads and checks everything. All problems are in the error it returns, not
// just the first.
func (r *running) plan(names []string) (plan, error) {
	problems := append(slices.Clone(r.Problems), r.metering.problems()...)
	var pl plan
	replays := false // whether there is a recorded load, also one that cannot be read

	src, picked, wrong := r.p.pick(r.file, names)
	problems = append(problems, wrong...)
	if len(src.scenarios) == 0 {
		names = nil // they cannot be checked
	}
	for _, s := range picked {
		s, notes := r.Apply(s)
		replays = replays || s.Load.Replay.File != ""
		if err := s.Open(); err != nil {
			problems.Err(fmt.Errorf("scenario %q: %w", s.Name, err))
			continue
		}
		s = s.WithDefaults() // a recorded load is as long as its file
		problems = append(problems, r.Check(s)...)
		s, wrong := r.sharding.of(s)
		problems = append(problems, wrong...)
		if src.comes(s.Name) {
			// Their limits are for the load that they come with.
			notes = append(notes, prefixed(s.Name, s.ScaleThresholds(r.Asked().Thresholds))...)
		}
		pl.scenarios = append(pl.scenarios, s)
		if source := s.Load.Replay.Source; source != "" {
			notes = append(notes, fmt.Sprintf("%s: recorded load: %s, %s", s.Name, number.Plural(len(s.Load.Replay.Times.Times), "job"), source))
		}
		notes = append(notes, prefixed(s.Name, s.Load.Replay.Cautions())...)
		for _, doubt := range s.Unanswerable() {
			notes = append(notes, s.Name+": threshold "+doubt)
		}
		for _, n := range notes {
			r.note(n)
		}
	}
	if r.out.Name != "" && len(names) > 1 {
		problems.Add(r.Source("name")+": several scenarios cannot share one result directory",
			"remove it: each directory is named after its scenario and the time")
	}
	pl.redis, pl.postgres, wrong = r.servers(pl.scenarios...)
	problems = append(problems, wrong...)
	problems = append(problems, r.nameProblems(pl.scenarios)...)
	problems = append(problems, r.WorkerProblems(pl.scenarios)...)
	problems = append(problems, r.shardProblems(pl.scenarios)...)
	problems = append(problems, r.faultProblems(&pl)...)
	problems = append(problems, r.ReplayProblems(replays)...)
	pl.tags = tagMap(r.tags)

	now := time.Now()
	for _, s := range pl.scenarios {
		where := r.out.Place("run", s.Name, r.sharding.prefix(s), now)
		problems.Err(where.Check())
		pl.places = append(pl.places, where)
	}
	pl.page = r.out.Page(now)
	if len(problems) == 0 && len(pl.places) > 0 {
		record, all := outcome.RoomForRuns(pl.scenarios)
		problems = append(problems, pl.places[0].Room(r.p.console, "run", record, all)...)
	}
	if err := problem.Usage(problems...); err != nil {
		return plan{}, err
	}
	r.p.console.Note("run: using %s", src.where)
	return pl, nil
}

// faultProblems refuses faults that cannot be carried out. A Redis that is started for
// faults is of the kind that they need, unless another one was asked for.
func (r *running) faultProblems(pl *plan) (problems problem.List) {
	place := r.redis.Place(r.allowFaults)
	if place.Kind == "" {
		var all []scenario.Fault
		for _, s := range pl.scenarios {
			all = append(all, s.Faults...)
		}
		if kind := fault.Private(all); kind != "" {
			pl.redis.Source, place = kind, target.PlaceOf(kind)
		}
	}
	place.Postgres = r.postgres.Kind()
	for _, s := range pl.scenarios {
		problems = append(problems, r.refusals(s, place)...)
		if place.Postgres == "" && fault.NeedsPostgres(s.Faults) && pl.postgres != nil {
			pl.postgres.Source = string(postgresserver.Process)
		}
	}
	return problems
}

// refusals are the faults of a scenario that cannot be carried out at a place.
func (r *running) refusals(s scenario.Scenario, place fault.Place) (problems problem.List) {
	switch command := r.WorkerCommand(); {
	case command != "" && workergroup.Pausable:
		place.Workers, place.Count = fault.StartedWorkers, r.Processes
	case command != "":
		place.Workers, place.Count = fault.UnpausedWorkers, r.Processes
	case s.External:
		place.Workers = fault.ExternalWorkers
	}
	for _, one := range fault.Refuse(s.Faults, place) {
		problems.Add(fmt.Sprintf("scenario %q: %s", s.Name, one.What), one.Hint)
	}
	return problems
}

// prefixed is each note with the scenario that it is about.
func prefixed(name string, notes []string) []string {
	for i := range notes {
		notes[i] = name + ": " + notes[i]
	}
	return notes
}
