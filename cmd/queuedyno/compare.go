package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/workergroup"
)

const compareHelp = `Say whether a candidate is worse than a baseline, without crying wolf.

Both are run by turns in pairs, in an order that is drawn, each run with a fresh
server, a fresh process and the arrivals of its pair, until the pairs decide:
  pass          shown not to be worse by more than the margins
  fail          shown to be worse by more than a margin
  inconclusive  this host and so many pairs cannot tell; it says what would
Where nothing changed hardly any comparison fails; noise makes it inconclusive.

What differs is said with the flags --base-… and --candidate-…; all others hold
for both. The arms are runs of a scenario, or commands that print Go benchmark
lines or a result.json. Thresholds of the scenario are not checked. "calibrate"
measures the noise of this host and finds the margins that it can decide.

With two arguments that are results it compares what is stored: each side is a
result directory, several with commas between, or a directory that holds them.
Results of different hosts or hours give no verdict.

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
		Short:   "Say whether a candidate is worse than a baseline",
		Long:    compareHelp,
		Example: compareExample,
		Args:    cobra.MaximumNArgs(2),
	}
	c := addCompareFlags(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(func(cmd *cobra.Command, args []string) error {
		p.console.quiet = c.quiet.get()
		if len(args) == 2 {
			return c.stored(args[0], args[1])
		}
		if err := c.alone(args); err != nil {
			return err
		}
		pl, err := c.plan(args)
		if err != nil {
			return err
		}
		return c.do(cmd.Context(), pl)
	})
	cmd.ValidArgsFunction = p.scenarioNames
	complete(cmd, "metric", words(compare.Names()...))
	complete(cmd, "inconclusive", words("pass", "fail"))
	return cmd
}

// comparing is the verb compare at work, and calibrate. What it has in common
// with run is run's.
type comparing struct {
	running
	verb            string
	base, candidate armFlags
	metrics         *value[paired.Metric]
	pairs           *value[int]
	idle            *value[time.Duration]
	inconclusive    *value[string]
	calibration     *value[string]
	recordJSON      *value[bool]
}

func addCompareFlags(p *program, f *flags) *comparing {
	c := &comparing{
		verb:      "compare",
		base:      addArmFlags(f, compare.Base),
		candidate: addArmFlags(f, compare.Candidate),
	}
	c.metrics = addMany(f, "metric", "", "`METRIC` that decides and its margin, like end_to_end.p50:10%; may be repeated\n"+
		"(default p50, p90, achieved rate, and what a job costs; see docs/gates.md)", compare.ParseMetric)
	c.addShared(p, f)
	c.inconclusive = add(f, "inconclusive", "", "`VERDICT` that inconclusive counts as for the exit code: pass or fail (default neither: exit code 4)", oneOf("pass", "fail"))
	c.calibration = add(f, "calibration", "", "`FILE` that queuedyno calibrate wrote on this host: margins for the metrics that have none", anyText)
	return c
}

// addShared declares what compare and calibrate have in common.
func (c *comparing) addShared(p *program, f *flags) {
	c.pairs = add(f, "pairs", "", "most `NUMBER` of pairs; it may end after 8, 12, 16 … of them (default 20)", literal.Int)
	c.idle = add(f, "idle", "", "`TIME` to look before each run whether the host is quiet (default 1s; 0s does not look)", literal.Duration(0))
	c.running = running{p: p, does: c.verb, runFlags: addSome(f, "compare", "file", "redis", "redis-args", "image", "cacert", "cert", "key", "tls-skip-verify",
		"worker", "worker-start", "out", "name", "force", "quiet", "github")}
	c.recordJSON = addSwitch(f, "json", "", "write the record to standard output as JSON instead of the table")
}

// comparePlan is what a comparison is going to do, checked as far as that goes.
type comparePlan struct {
	record  *compare.Record
	arms    map[compare.Side]arm
	metrics []paired.Metric // nil when commands will tell
	place   place
}

// plan reads and checks everything, and returns all faults, not just the first.
func (c *comparing) plan(names []string) (comparePlan, error) {
	faults := slices.Clone(c.faults)
	pl := comparePlan{arms: map[compare.Side]arm{}}
	for _, one := range []struct {
		side  compare.Side
		flags armFlags
	}{{compare.Base, c.base}, {compare.Candidate, c.candidate}} {
		a, more := c.arm(one.side, one.flags, names)
		for _, f := range more { // what is wrong with both is said once
			if !slices.Contains(faults, f) {
				faults = append(faults, f)
			}
		}
		pl.arms[one.side] = a
	}
	base, candidate := pl.arms[compare.Base], pl.arms[compare.Candidate]
	if (base.command == "") != (candidate.command == "") {
		faults = append(faults, fault{"--base-cmd and --candidate-cmd go together, and only one is given", "give a command for the other side too"})
	}
	faults = append(faults, c.workersDiffer(base, candidate)...)
	r := &compare.Record{
		Schema: compare.Schema, Kind: "compare", Tool: build().tool(),
		Base:      compare.Arm{Label: "baseline", Settings: base.settings()},
		Candidate: compare.Arm{Label: "candidate", Settings: candidate.settings()},
		MostPairs: c.pairs.or(20), Seed: c.asked().Seed,
	}
	if r.Seed == 0 {
		r.Seed = rand.Uint64()>>11 | 1 // a whole number in JSON everywhere
	}
	pl.record = r
	r.Host = engine.ThisHost()
	metrics, more := c.chosen(r, base.worker != "" && candidate.worker != "")
	faults = append(faults, more...)
	if base.command == "" {
		pl.metrics = metrics
	}
	if least := compare.LeastPairs(metrics); base.command == "" && r.MostPairs < least {
		faults = append(faults, fault{
			fmt.Sprintf("%s: with %s the metrics that decide cannot fail", c.source("pairs"), plural(r.MostPairs, "pair")),
			fmt.Sprintf("give at least --pairs %d, or fewer metrics", least),
		})
	} else if r.MostPairs < paired.LeastPairs {
		faults = append(faults, fault{fmt.Sprintf("%s: %s can decide nothing", c.source("pairs"), plural(r.MostPairs, "pair")), fmt.Sprintf("give at least --pairs %d", paired.LeastPairs)})
	}
	r.Name = base.scenario.Name
	if base.command != "" {
		r.Name = "commands"
	}
	pl.place = c.place(c.verb, r.Name, r.Name+"-"+c.verb, time.Now())
	if err := pl.place.check(); err != nil {
		faults = append(faults, faultOf(err))
	} else {
		faults = append(faults, c.room(c.verb, pl.place, roomForRecord, roomForRecord+roomForFiles)...)
	}
	if len(r.Differences()) == 0 && c.verb == "compare" && base.command == "" {
		r.Warnings = append(r.Warnings, "nothing differs between the two sides; to measure the noise of this host there is queuedyno calibrate")
	}
	if a, b := r.Base.Settings["load"], r.Candidate.Settings["load"]; a != b {
		r.Warnings = append(r.Warnings, "the two sides have different loads: that latency differs then says nothing of the system")
	}
	return pl, usageErr(faults...)
}

// workersDiffer refuses to compare workers of the user's with consumers of ours:
// that would be two systems, and not two states of one.
func (c *comparing) workersDiffer(base, candidate arm) []fault {
	if base.command != "" || candidate.command != "" {
		if c.worker.written() {
			return []fault{{"--worker has no meaning beside --base-cmd and --candidate-cmd", "have the commands start the workers"}}
		}
		return nil
	}
	if (base.worker == "") == (candidate.worker == "") {
		return nil
	}
	with := c.base.worker.name
	if base.worker == "" {
		with = c.candidate.worker.name
	}
	return []fault{{
		"--" + with + ": workers are started for one side, and the other is worked on by consumers of queuedyno's own",
		"give --base-worker and --candidate-worker, or --worker for both",
	}}
}

// defaults are the metrics that are compared when none are named, for runs with
// workers that were started or for others. What this system cannot measure cannot
// decide.
func defaults(workers bool) []paired.Metric {
	if !workers {
		return compare.Defaults()
	}
	return slices.DeleteFunc(compare.WorkerDefaults(), func(m paired.Metric) bool {
		return m.Name == "worker_cpu_per_job" && !workergroup.Metered
	})
}

// chosen are the metrics that are compared and their margins.
func (c *comparing) chosen(r *compare.Record, workers bool) (metrics []paired.Metric, faults []fault) {
	var known *compare.Calibration
	if c.calibration != nil && c.calibration.given() && c.verb == "compare" {
		var err error
		if known, err = store.LoadAs[*compare.Calibration](c.calibration.get()); err != nil {
			return nil, []fault{faultOf(err)}
		}
		r.Calibrated = c.calibration.get()
		if why := known.Foreign(r); len(why) > 0 {
			r.Warnings = append(r.Warnings, "the calibration is not one for this comparison: "+strings.Join(why, "; "))
		}
	}
	var asked []paired.Metric
	if c.metrics != nil {
		asked = c.metrics.all
	}
	if c.base.cmd.given() || c.candidate.cmd.given() {
		return nil, nil // their names are known when they are printed
	}
	metrics, wrong := compare.Resolve(asked, defaults(workers), known)
	for _, w := range wrong {
		faults = append(faults, fault{what: "--metric: " + w})
	}
	for _, m := range asked {
		noise, ok := compare.Noise{}, false
		if known != nil {
			noise, ok = known.Metrics[m.Name]
		}
		if least := paired.Detectable(noise.Spread, r.MostPairs); ok && m.Margin > 0 && m.Margin < least && !c.force.get() {
			faults = append(faults, fault{
				fmt.Sprintf("--metric: a margin of %s for %s is less than this host can decide in %s, which is %s by the calibration",
					number.Percent(m.Margin), m.Name, plural(r.MostPairs, "pair"), number.Percent(least)),
				"raise the margin or --pairs; --force tries it all the same",
			})
		}
	}
	return metrics, faults
}
