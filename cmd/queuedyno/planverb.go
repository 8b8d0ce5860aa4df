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

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

const planHelp = `Say how many workers a load needs so that jobs do not wait too long, from the
formulas of queueing theory (Erlang C, Allen and Cunneen), with one worker less
and one more beside it, and what an outage would pile up.

--from takes the service time, its variation and the round trips from a measured
run. --check runs the plan against a real Redis, with workers that take the
service time every time, and sets the prediction beside the measurement.

Exit codes: 0 there is a plan (and it fits, with --check), 4 no number of workers
suffices, or the check does not fit, 130 interrupted.`

const planExample = `  queuedyno plan --rate 2000/s --service 8ms --slo 'queue.p99 < 20ms'
  queuedyno plan --rate 2k/s --from results/steady-20260102-150405Z --check
  queuedyno plan --rate 500/s --service 20ms --service-cv 2 --stall 1s --stall-every 10m`

func (p *program) planVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "plan",
		Short:   "Say how many workers a load needs",
		Long:    planHelp,
		Example: planExample,
		Args:    noArgs,
	}
	v := addPlanFlags(p, p.flagsOf(cmd))
	cmd.RunE = p.verb(func(cmd *cobra.Command, _ []string) error {
		p.console.quiet = v.quiet.get()
		return v.plan(cmd.Context())
	})
	complete(cmd, "rate", words("100/s", "1k/s", "10k/s"))
	complete(cmd, "slo", words("queue.p50", "queue.p90", "queue.p95", "queue.p99", "queue.p99.9"))
	return cmd
}

// planning is the verb plan at work. The Redis of its check is found as run
// finds it.
type planning struct {
	running
	perSecond                          *value[pace.Rate]
	service, stall, stallEvery, outage *value[time.Duration]
	serviceCV, arrivalCV               *value[float64]
	slo, from                          *value[string] // of slo there may be several
	check, answerJSON                  *value[bool]
	stored                             int // the payload of the run of --from, in bytes
}

func addPlanFlags(p *program, f *flags) *planning {
	v := &planning{
		perSecond:  add(f, "rate", "r", "jobs per second that come, a `RATE` like 500/s or 2k/s (default with --from: that run's)", openRate),
		service:    add(f, "service", "", "mean `TIME` for which a job occupies a worker, round trips to Redis included", literal.Duration(1)),
		serviceCV:  add(f, "service-cv", "", "coefficient of variation of the service time, a `NUMBER`: 0 constant, 1 exponential (default 1)", variation),
		arrivalCV:  add(f, "arrival-cv", "", "coefficient of variation of the time between arrivals, a `NUMBER`: 0 constant, 1 at random (default 1)", variation),
		slo:        addMany(f, "slo", "", "limit on the wait, an `EXPR`; may be repeated, and all of them hold (default 'queue.p99 < 20ms')", sloText),
		stall:      add(f, "stall", "", "`TIME` for which everything stands still now and then (default none)", literal.Duration(1)),
		stallEvery: add(f, "stall-every", "", "`TIME` from one such stall to the next (default 1h)", literal.Duration(1)),
		outage:     add(f, "outage", "", "`TIME` without any worker to show the backlog for (default 1m)", literal.Duration(1)),
		from:       add(f, "from", "", "take the service time and its variation from the result in `DIR`", anyText),
		check:      addSwitch(f, "check", "", "run the plan against a real Redis and set the prediction beside the measurement"),
	}
	v.running = running{p: p, runFlags: addSome(f, "plan", "redis", "redis-args", "image", "cacert", "cert", "key", "tls-skip-verify", "quiet")}
	f.set.Lookup("duration").Usage = "length of the check, a `TIME`, warm-up included: 2s of it, or a quarter where that is less (default 20s)"
	f.set.Lookup("payload").Usage = "`SIZE` of what a job carries besides its id, in bytes, as with run"
	v.answerJSON = addSwitch(f, "json", "", "write the plan as JSON")
	return v
}

// openRate reads a rate that is one: a plan has no closed loop.
func openRate(s string) (pace.Rate, error) {
	r, err := pace.ParseRate(s)
	if err == nil && r.IsZero() {
		err = errors.New(`"max" is no rate to plan for; write it like 500/s or 2k/s`)
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
		return usageErr(faultOf(err))
	}
	var endings []ending
	if s.Workers == 0 {
		endings = append(endings, ending{code: exitInvalid, faults: []fault{{
			"no number of workers meets this: the stalls alone delay more jobs than the quantile allows",
			"allow a lower quantile, or rarer stalls",
		}}})
	} else if v.check.get() {
		endings = append(endings, v.verify(ctx, s)...)
	}
	format := "text"
	if v.answerJSON.get() {
		format = "json"
	}
	err = render.Of(s).Encode(v.p.stdout, format, render.Options{})
	if err != nil {
		endings = append(endings, failedEnding("", fmt.Errorf("write to standard output: %w", err)))
	}
	return worst(endings)
}

// read reads and checks the flags and the run of --from.
func (v *planning) read() (*study.Staffing, error) {
	faults := slices.Clone(v.faults)
	s := &study.Staffing{
		Schema: study.Schema, Kind: string(render.Staffing),
		Rate: v.perSecond.get().Float(), Service: v.service.get(),
		ServiceCV: v.serviceCV.or(1), ArrivalCV: v.arrivalCV.or(1),
		From: "as given", Notes: []string{}, SLO: v.slo.all,
		Stall: v.stall.get(), Outage: study.Outage{Length: v.outage.or(time.Minute)},
	}
	if len(s.SLO) == 0 && v.flags.given["slo"] == "" {
		s.SLO = []string{"queue.p99 < 20ms"}
	}
	if s.Stall > 0 {
		s.StallEvery = v.stallEvery.or(time.Hour)
	} else if v.onCommandLine("stall-every") {
		faults = append(faults, fault{"--stall-every goes with --stall only", "say with --stall how long a stall lasts"})
	}
	if v.from.given() {
		faults = append(faults, v.measured(s)...)
	} else {
		if v.flags.given["service"] == "" {
			faults = append(faults, fault{"it is not said how long a job occupies a worker", "give --service, or --from with a measured run"})
		}
		if v.flags.given["rate"] == "" {
			faults = append(faults, fault{"it is not said how many jobs come", "give --rate"})
		}
	}
	if s.Rate*s.Service.Seconds() > 500_000 {
		faults = append(faults, fault{what: fmt.Sprintf("more than half a million workers would be busy at %s jobs/s of %s each", thousands(round(s.Rate)), s.Service)})
	}
	if v.check.get() {
		if s.ArrivalCV != 0 && s.ArrivalCV != 1 {
			faults = append(faults, fault{fmt.Sprintf("%s: a load with %v cannot be made, only with 0 and 1, so --check cannot check it", v.source("arrival-cv"), s.ArrivalCV), "leave --check out"})
		}
		faults = append(faults, v.certificates()...)
	} else {
		for _, flag := range []string{"redis", "redis-args", "image", "cacert", "cert", "key", "tls-skip-verify", "duration", "seed"} {
			if v.onCommandLine(flag) {
				faults = append(faults, fault{fmt.Sprintf("--%s goes with --check only", flag), "add --check"})
			}
		}
	}
	return s, usageErr(faults...)
}

// bytes is what a job carries: as was said, or as in the run of --from.
func (v *planning) bytes() int {
	if v.says("payload") {
		return v.asked().Payload
	}
	return v.stored
}

// measured takes the service time from a stored run.
func (v *planning) measured(s *study.Staffing) []fault {
	for _, flag := range []string{"service", "service-cv"} {
		if v.onCommandLine(flag) {
			return []fault{{fmt.Sprintf("--%s and --from both say how long jobs take", flag), "leave one of them out"}}
		}
	}
	r, err := store.LoadAs[*result.Result](v.from.get())
	if err == nil && r.Validity.Verdict == result.Invalid {
		err = fmt.Errorf("the run in %q is invalid, so nothing is planned from it", v.from.get())
	}
	if err == nil {
		err = s.Measured(r)
	}
	if err != nil {
		return []fault{faultOf(err)}
	}
	v.stored = r.Scenario.Payload
	return nil
}

// verify runs the plan.
func (v *planning) verify(ctx context.Context, s *study.Staffing) []ending {
	options, err := v.server()
	if err != nil {
		return []ending{{code: exitUsage, faults: []fault{faultOf(err)}}}
	}
	options.Log = func(line string) { v.p.console.note("plan: %s", line) }
	sc := s.Scenario(v.bytes(), v.asked().Seed, cmp.Or(v.asked().Load.Duration, 20*time.Second))
	if faults := v.overrides.check(v.flags, sc); len(faults) > 0 {
		return []ending{{code: exitUsage, faults: faults}}
	}
	ctx, signals := listen(ctx, v.p.console)
	defer signals.close()
	server, err := redisserver.Start(ctx, options)
	if err != nil {
		if signals.happened() {
			return []ending{{code: exitInterrupted, faults: []fault{{what: "interrupted before the check began"}}}}
		}
		return []ending{failedEnding("", err)}
	}
	r, rows, err := v.load(ctx, sc, flight.NewID(), nil, server, signals)
	defer rows.remove()
	v.p.console.wipe()
	var endings []ending
	switch {
	case signals.happened():
		endings = append(endings, ending{code: exitInterrupted, faults: []fault{{what: "the check was interrupted"}}})
	case err != nil:
		endings = append(endings, failedEnding("", fmt.Errorf("the check: %w", err)))
	default:
		if err := s.Verify(r); err != nil {
			endings = append(endings, failedEnding("", err))
		} else if !s.Check.Fits {
			endings = append(endings, ending{code: exitInvalid, faults: []fault{{what: "the check: " + s.Check.Verdict}}})
		}
	}
	if err := server.Close(); err != nil {
		endings = append(endings, failedEnding("", err))
	}
	return endings
}
