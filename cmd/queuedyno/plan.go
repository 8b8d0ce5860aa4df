package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

const planHelp = `Work out how many workers a load needs so that jobs do not wait too long. Uses queueing
theory (Erlang C, Allen-Cunneen), shows the result for one worker fewer and one more,
and the backlog that an outage causes.

--from takes the service time, its variation and the round trips from a measured run.
--check runs the plan on a real Redis, with workers of exactly that service time, and
compares the prediction with the measurement.

Exit codes: 0 there is a plan (and it fits, with --check), 4 no number of workers
suffices or the check does not fit, 130 interrupted.`

const planExample = `  queuedyno plan --rate 2000/s --service 8ms --slo 'queue.p99 < 20ms'
  queuedyno plan --rate 2k/s --from results/steady-20260102-150405Z --check
  queuedyno plan --rate 500/s --service 20ms --service-cv 2 --stall 1s --stall-every 10m`

func (p *program) planVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "plan",
		Short:   "Work out how many workers a load needs",
		Long:    planHelp,
		Example: planExample,
		Args:    noArgs,
	}
	v := declarePlan(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(func(ctx context.Context, _ []string) error { return v.plan(ctx) })
	complete(cmd, "rate", words("100/s", "1k/s", "10k/s"))
	complete(cmd, "slo", words("queue.p50", "queue.p90", "queue.p95", "queue.p99", "queue.p99.9"))
	return cmd
}

// planning is the verb plan at work.
type planning struct {
	runner
	perSecond                          pace.Rate
	service, stall, stallEvery, outage time.Duration
	serviceCV, arrivalCV               float64
	slo                                []string
	from                               string
	check                              bool
	stored                             int // the payload of the run of --from, in bytes
}

func declarePlan(p *program, f *flags.Set) *planning {
	v := &planning{runner: runner{p: p, name: "plan"}, serviceCV: 1, arrivalCV: 1, stallEvery: time.Hour, outage: time.Minute}
	f.Group("Load")
	flags.Var(f, &v.perSecond, "rate", "r", "arriving jobs per second, a `RATE` such as 500/s or 2k/s (default with --from: the rate of that run)", openRate)
	flags.Var(f, &v.arrivalCV, "arrival-cv", "", "coefficient of variation of the time between arrivals, a `NUMBER`: 0 is constant, 1 is random (default 1)", variation)
	f.Group("Work")
	flags.Var(f, &v.service, "service", "", "mean `TIME` a job occupies a worker, including round trips to Redis", literal.Duration(1))
	flags.Var(f, &v.serviceCV, "service-cv", "", "coefficient of variation of the service time, a `NUMBER`: 0 is constant, 1 is exponential (default 1)", variation)
	f.Text(&v.from, "from", "", "take the service time and its variation from the result in `DIR`")
	f.Completes(flags.Dirs, "from")
	flags.Var(f, &v.stall, "stall", "", "`TIME` for which everything stops now and then (default none)", literal.Duration(1))
	flags.Var(f, &v.stallEvery, "stall-every", "", "`TIME` from one stall to the next (default 1h)", literal.Duration(1))
	flags.Var(f, &v.outage, "outage", "", "`TIME` without any worker, to show the backlog for (default 1m)", literal.Duration(1))
	f.Group("Gates")
	flags.List(f, &v.slo, "slo", ",", "limit on the wait, an `EXPR` (repeatable, all must hold; default 'queue.p99 < 20ms')", sloText)
	f.Group("Measuring")
	f.Switch(&v.check, "check", "", "run the plan against a real Redis and compare the prediction with the measurement")
	v.Flags = override.Declare(f, "plan")
	v.redis = target.Declare(f, p.getenv)
	f.Describe("duration", "length of the check, a `TIME`; the first 2s, or a quarter if that is less, are the warm-up (default 20s)")
	f.Describe("payload", "`SIZE` of a job's payload in bytes, as with run")
	f.Group("Output")
	f.Switch(&v.json, "json", "", "write the plan as JSON")
	p.declareQuiet(f)
	return v
}

// openRate reads a rate that is one: a plan has no closed loop.
func openRate(s string) (pace.Rate, error) {
	r, err := pace.ParseRate(s)
	if err == nil && r.IsZero() {
		err = errors.New(`"max" is not a rate to plan for; write it like 500/s or 2k/s`)
	}
	return r, err
}

// variation reads a coefficient of variation.
func variation(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(v >= 0 && v <= 100) {
		return 0, fmt.Errorf("%q is not a number from 0 to 100", s)
	}
	return v, nil
}

func (v *planning) plan(ctx context.Context) error {
	s, err := v.read()
	if err != nil {
		return err
	}
	payload := v.bytes()
	if err := s.Staff(payload); err != nil {
		return problem.Usage(problem.Of(err))
	}
	var endings outcome.Outcomes
	if s.Workers == 0 {
		endings.Exit(problem.Invalid, "no number of workers meets this: the stalls alone delay more jobs than the quantile allows", "allow a lower quantile, or rarer stalls")
	} else if v.check {
		endings = v.verify(ctx, s)
	}
	endings.Err(v.p.print(render.Of(s), v.json, render.Options{}))
	return outcome.Worst(endings)
}

// read reads and checks the flags and the run of --from.
func (v *planning) read() (*study.Staffing, error) {
	problems := slices.Clone(v.Problems)
	s := &study.Staffing{
		Schema: study.Schema, Kind: string(render.Staffing),
		Rate: v.perSecond.Float(), Service: v.service,
		ServiceCV: v.serviceCV, ArrivalCV: v.arrivalCV,
		From: "as given", Notes: []string{}, SLO: v.slo,
		Stall: v.stall, Outage: study.Outage{Length: v.outage},
	}
	if len(s.SLO) == 0 && !v.Tried("slo") {
		s.SLO = []string{"queue.p99 < 20ms"}
	}
	if s.Stall > 0 {
		s.StallEvery = v.stallEvery
	} else if v.Written("stall-every") {
		problems.Add("--stall-every requires --stall", "add --stall TIME, the length of a stall")
	}
	if v.from != "" {
		problems = append(problems, v.measured(s)...)
	} else {
		if !v.Tried("service") {
			problems.Add("the service time is missing", "add --service TIME, or --from DIR with a measured run")
		}
		if !v.Tried("rate") {
			problems.Add("the rate is missing", "add --rate RATE")
		}
	}
	if s.Rate*s.Service.Seconds() > 500_000 {
		problems.Add(fmt.Sprintf("more than half a million workers would be busy at %s jobs/s of %s each", number.Count(console.Round(s.Rate)), s.Service), "")
	}
	if v.check {
		if s.ArrivalCV != 0 && s.ArrivalCV != 1 {
			problems.Add(fmt.Sprintf("%s: --check can only make arrivals of 0 or 1, not %v", v.Source("arrival-cv"), s.ArrivalCV), "remove --check")
		}
		problems = append(problems, v.redis.Problems()...)
	} else {
		problems = append(problems, v.Refuse("requires --check", "add --check", append(target.Names(), "duration", "seed")...)...)
	}
	return s, problem.Usage(problems...)
}

// bytes is what a job carries: as was said, or as in the run of --from.
func (v *planning) bytes() int {
	if v.Given("payload") {
		return v.Asked().Payload
	}
	return v.stored
}

// measured takes the service time from a stored run.
func (v *planning) measured(s *study.Staffing) problem.List {
	if twice := v.Refuse("and --from both set the service time", "remove one of them", "service", "service-cv"); len(twice) > 0 {
		return twice
	}
	r, err := store.LoadAs[*result.Result](v.from)
	if err == nil && r.Validity.Verdict == result.Invalid {
		err = fmt.Errorf("the run in %q is invalid and cannot be used for a plan", v.from)
	}
	if err == nil {
		err = s.Measured(r)
	}
	if err != nil {
		return problem.List{problem.Of(err)}
	}
	v.stored = r.Scenario.Payload
	return nil
}

// verify runs the plan.
func (v *planning) verify(ctx context.Context, s *study.Staffing) (endings outcome.Outcomes) {
	options, err := v.redis.Options(func(line string) { v.p.console.Note("plan: %s", line) })
	if err != nil {
		return outcome.Outcomes{{Code: problem.BadUsage, Problems: problem.List{problem.Of(err)}}}
	}
	sc := s.Scenario(v.bytes(), v.Asked().Seed, cmp.Or(v.Asked().Load.Duration, 20*time.Second))
	if problems := v.Check(sc); len(problems) > 0 {
		return outcome.Outcomes{{Code: problem.BadUsage, Problems: problems}}
	}
	ctx, signals := interrupt.Listen(ctx, v.p.console)
	defer signals.Close()
	server, err := target.Start(ctx, &options, nil)
	if err != nil {
		if signals.Happened() {
			endings.Exit(problem.Interrupted, "interrupted before the check began", "")
		} else {
			endings.Err(err)
		}
		return endings
	}
	r, rows, err := v.load(ctx, sc, flight.NewID(), nil, server, signals)
	defer rows.Remove()
	v.p.console.Wipe()
	switch {
	case signals.Happened():
		endings.Exit(problem.Interrupted, "the check was interrupted", "")
	case err != nil:
		endings.Err(fmt.Errorf("the check: %w", err))
	default:
		if err := s.Verify(r); err != nil {
			endings.Err(err)
		} else if !s.Check.Fits {
			endings.Exit(problem.Invalid, "the check: "+s.Check.Verdict, "")
		}
	}
	endings.Err(server.Close())
	return endings
}
