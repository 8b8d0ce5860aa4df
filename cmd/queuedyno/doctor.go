package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/doctor"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

const doctorHelp = `Find what would spoil a measurement before it is made: on this host, in the Redis that
"queuedyno run" would use, and in the scenarios. Each finding says what it means and what
to do about it.

It observes the host and sends PINGs for two seconds. It tries how many jobs/s this host
can send, for at most a second and on a Redis that it starts for this: an existing Redis
gets no load. There it checks the permissions of a run, and writes and removes one key.

Where the scenarios have a Postgres, an API or WebSocket clients, it connects to these and
closes the connections again; it requests no job. In Postgres it tries the statements of a
run on the table and undoes them, or creates a table and drops it.

Scenarios come from --file, otherwise from ./scenarios.yaml; without either it checks the
first bundled one.

Exit codes: 0 a measurement would be valid (there may be findings), 1 could not run, 2
mistake on the command line or in the file, 4 a measurement would be invalid, undecided
or not possible, 130 interrupted.`

// observing is for how long the doctor observes the host.
const observing = 2 * time.Second

// doctoring is the verb doctor at work.
type doctoring struct {
	p     *program
	flags *flags.Set
	file  string
	redis *target.Redis
	store *target.Postgres
	json  bool
}

func (p *program) doctorVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "doctor [SCENARIO...]",
		Short:   "Find what would spoil a measurement on this host",
		Long:    doctorHelp,
		Example: "  queuedyno doctor\n  queuedyno doctor -u redis://localhost:6379 -f ci/scenarios.yaml\n  queuedyno doctor steady --json",
		Args:    cobra.ArbitraryArgs,
	}
	f := p.flagsOf(cmd)
	d := &doctoring{p: p, flags: f}
	declareFile(f, &d.file)
	d.redis = target.Declare(f, p.getenv)
	d.store = target.DeclarePostgres(f, p.getenv)
	f.Group("Output")
	f.Switch(&d.json, "json", "", "print facts and checks as JSON")
	cmd.RunE = p.verb(d.do)
	cmd.ValidArgsFunction = p.scenarioNames(&d.file)
	return cmd
}

func (d *doctoring) do(ctx context.Context, names []string) error {
	problems := append(d.flags.Problems, d.redis.Problems()...)
	src, err := d.p.findScenarios(d.file)
	if err != nil {
		return problem.Usage(append(problems, d.p.badScenarios(src, err)...)...)
	}
	picked := src.scenarios
	if len(names) > 0 || src.bundled {
		var wrong problem.List
		picked, wrong = src.pick(names)
		problems = append(problems, wrong...)
	}
	for i := range picked {
		if err := picked[i].Open(); err != nil {
			problems = append(problems, problem.Of(err))
		}
	}
	options, err := d.redis.Options(func(line string) { d.p.console.Note("%s", line) })
	if err != nil {
		problems = append(problems, problem.Of(err))
	}
	stored, wrong := d.store.For(func(line string) { d.p.console.Note("%s", line) }, picked...)
	problems = append(problems, wrong...)
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	ctx, signals := interrupt.Listen(ctx, d.p.console)
	defer signals.Close()
	facts, err := d.facts(ctx, picked, options, stored)
	switch {
	case signals.Happened():
		return &problem.Failure{Code: problem.Interrupted, Problems: problem.List{{What: "interrupted"}}}
	case errors.Is(err, redisserver.ErrUsage), errors.Is(err, postgresserver.ErrUsage):
		return problem.Usage(problem.Of(err))
	case err != nil:
		return problem.Failed(err)
	}
	report := doctor.Judge(facts)
	if err := d.show(report); err != nil {
		return problem.Failed(fmt.Errorf("write to standard output: %w", err))
	}
	if report.Verdict == doctor.Invalid {
		return &problem.Failure{Code: problem.Invalid, Problems: problem.List{{What: "a measurement would not be valid: " + firstInvalid(report)}}}
	}
	return nil
}

// facts collects everything that is judged.
func (d *doctoring) facts(ctx context.Context, scenarios []scenario.Scenario, options redisserver.Options, stored *postgresserver.Options) (f doctor.Facts, err error) {
	if !d.redis.Exists() {
		options = reportsKeys(options, scenarios)
	}
	redis := &options
	if !d.redis.Exists() && !doctor.NeedsRedis(scenarios) {
		redis = nil
	}
	server, err := target.Start(ctx, redis, nil)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	var client *jobqueue.Client
	var refused error
	if server.HasRedis() {
		if client, refused = d.connect(ctx, server.URL(), scenario.Scenario{}); client != nil {
			defer client.Close()
		}
	}
	if f, err = doctor.Measure(ctx, client, scenarios, observing); err != nil {
		return f, err
	}
	if f.Redis == nil && server.HasRedis() {
		f.Redis = &doctor.Redis{Unusable: []error{refused}}
	}
	if f.Redis != nil {
		f.Redis.Redis.Kind, f.Redis.Address = string(server.Kind()), server.Address()
		f.Redis.Remarks = server.Notes()
	}
	var db doctor.Database
	if stored != nil {
		var database *target.Servers
		if database, db.Err = target.Start(ctx, nil, stored); errors.Is(db.Err, postgresserver.ErrUsage) {
			return f, db.Err
		}
		if db.Err == nil {
			db.URL, _ = database.Database()
			db.Remarks = database.Notes()
			defer func() { err = errors.Join(err, database.Close()) }()
		}
	}
	f.Ends = doctor.Reach(ctx, scenarios, db)
	if s, ok := doctor.Busiest(scenarios); ok {
		f.Sending = d.send(ctx, s, server)
	}
	return f, nil
}

// connect connects to a Redis under the names of a run.
func (d *doctoring) connect(ctx context.Context, url string, s scenario.Scenario) (*jobqueue.Client, error) {
	cfg := s.Config()
	cfg.Queue, cfg.Channel = runname.Of(flight.NewID())
	return jobqueue.Connect(ctx, d.redis.Config(cfg, url))
}

// send tries how much this host can send, on the Redis that was started, or else on one
// for this alone. It returns nil where that cannot be found out.
func (d *doctoring) send(ctx context.Context, s scenario.Scenario, server *target.Servers) *doctor.Sending {
	url := server.URL()
	if kind := server.Kind(); !server.HasRedis() || kind == redisserver.URL || kind == redisserver.Embedded {
		private, err := redisserver.Start(ctx, redisserver.Options{Source: string(redisserver.Process), Getenv: d.p.getenv})
		if err != nil {
			return nil
		}
		defer private.Close()
		url = private.URL()
	}
	client, err := d.connect(ctx, url, scenario.Scenario{})
	if err != nil {
		return nil
	}
	defer client.Close()
	sent, err := doctor.Send(ctx, s, client)
	if err != nil && ctx.Err() == nil {
		d.p.console.Note("doctor: %v", err)
	}
	return sent
}

func (d *doctoring) show(r doctor.Report) error {
	if d.json {
		return console.WriteJSON(d.p.stdout, r)
	}
	columns := 100
	if console.IsTerminal(d.p.stdout) {
		columns = min(console.Width(d.p.stdout), 120)
	}
	return r.WriteText(d.p.stdout, columns)
}

// firstInvalid names the first finding that makes a measurement invalid, and how many more
// there are.
func firstInvalid(r doctor.Report) string {
	first, more := "", 0
	for _, c := range r.Found() {
		switch {
		case c.Level != doctor.Invalid:
		case first == "":
			first = c.Name
		default:
			more++
		}
	}
	if more > 0 {
		first += " and " + number.Plural(more, "more finding")
	}
	return first
}
