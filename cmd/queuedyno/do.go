package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/announced"
	"github.com/queuedyno/queuedyno/internal/checkpoint"
	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/rowfile"
	"github.com/queuedyno/queuedyno/internal/rowlength"
	"github.com/queuedyno/queuedyno/internal/startedworker"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// do carries out a plan: one server, and on it one scenario after another.
func (r *running) do(ctx context.Context, names []string) error {
	pl, err := r.plan(names)
	if err != nil {
		return err
	}
	ctx, signals := interrupt.Listen(ctx, r.p.console)
	defer signals.Close()
	if r.page, err = r.p.openLive(ctx, r.live, "run"); err != nil {
		return err
	}
	defer r.page.close()
	if r.p.getenv(secondsVariable) != "" {
		r.relay = live.NewWriter(r.p.stdout)
	}
	if r.meter, err = r.metering.start(); err != nil {
		return err
	}
	defer r.meter.close()
	reserved, err := outcome.Reserve(r.p.console, "run", pl.places...)
	if err != nil {
		return err
	}
	defer outcome.Release(reserved)
	server, err := target.Start(ctx, r.redisFor(pl.redis, pl.scenarios...), pl.postgres)
	if err != nil {
		return r.notStarted(err, signals)
	}
	// Which kind of Redis it is may be known only now.
	var refused problem.List
	for _, s := range pl.scenarios {
		refused = append(refused, r.refusals(s, server.Place(r.allowFaults))...)
	}
	if len(refused) > 0 {
		if err := server.Close(); err != nil {
			refused = append(refused, problem.Of(err))
		}
		return problem.Usage(refused...)
	}
	var endings outcome.Outcomes
	for i, s := range pl.scenarios {
		e := r.one(ctx, s, pl.places[i].How.Owner.ID, reserved[i], pl.tags, server, signals)
		endings = append(endings, e)
		// After these two the next one would not fare better.
		if e.Code == problem.CouldNotRun && e.Result == nil || signals.Happened() {
			break
		}
	}
	for _, s := range pl.scenarios[len(endings):] {
		endings = append(endings, outcome.Outcome{Name: s.Name, Words: "not run"})
	}
	all := r.summary(endings)
	all.Err(r.onePage(pl.page, endings))
	all.Err(server.Close())
	r.meter.end(ctx)
	return outcome.Worst(all)
}

// notStarted is how a run ends that never had a Redis.
func (r *runner) notStarted(err error, signals *interrupt.Signals) error {
	switch {
	case signals.Happened():
		return problem.Exit(problem.Interrupted, "interrupted before the load began; nothing was written", "")
	case errors.Is(err, redisserver.ErrUsage), errors.Is(err, postgresserver.ErrUsage):
		return problem.Usage(problem.Of(err))
	}
	return problem.Failed(err)
}

// one runs one scenario, writes its result and shows it.
func (r *running) one(ctx context.Context, s scenario.Scenario, id string, reserved *store.Reservation, tags map[string]string, server *target.Servers, signals *interrupt.Signals) outcome.Outcome {
	r.saved = r.saving(s.Name, reserved)
	res, rows, err := r.load(ctx, s, id, tags, server, signals)
	r.saved.Close()
	defer rows.Remove()
	r.p.console.Wipe()
	if res == nil {
		if signals.Happened() {
			return outcome.Outcome{Name: s.Name, Code: problem.Interrupted, Words: "interrupted",
				Problems: problem.List{{What: s.Name + ": interrupted before the load began; nothing was written"}}}
		}
		f := problem.Of(err)
		r.page.failed(id, s.Name, f.What)
		f.What = s.Name + ": " + f.What
		if full := new(engine.NotEmptyError); errors.As(err, &full) {
			f.Hint += ", or use --allow-non-empty"
		}
		return outcome.Outcome{Name: s.Name, Code: problem.CouldNotRun, Words: "could not run", Problems: problem.List{f}}
	}
	res.Warnings = append(server.Notes(), res.Warnings...)
	intervals, rowsErr := rows.Finish()
	if rowsErr != nil {
		res.Warnings = append(res.Warnings, "the interval log has one interval for the whole window: "+rowsErr.Error())
	}
	e := outcome.Of(res, err, signals.Happened(), r.allowInvalid)
	// Files first: the reader of standard output may be gone.
	err = reserved.Write(render.Of(res), intervals...)
	e, e.Dir = e.AndErr(err), outcome.Kept(reserved, err)
	// With the log in that directory the page has a heat map, as the report there.
	r.page.show(id, render.Of(res).WithIntervals(func() (io.ReadCloser, error) { return os.Open(filepath.Join(e.Dir, render.IntervalsFile)) }))
	e = e.AndErr(r.show(res))
	if r.p.step().Wanted(r.Given("github"), r.github) {
		e = e.AndErr(r.p.step().Summary(func(w io.Writer) error { return render.Of(res).Encode(w, "summary", render.Options{}) }))
		r.p.step().Annotate(e)
	}
	r.p.noteResults("", e.Dir)
	return e
}

// saving writes the result so far into its directory while the run goes on. It is nil when
// no one wants that.
func (r *running) saving(name string, reserved *store.Reservation) *checkpoint.Writer {
	if r.saveEvery == 0 {
		return nil
	}
	return checkpoint.New(
		func(res *result.Result) error { return reserved.Checkpoint(render.Of(res)) },
		func(err error) { r.p.console.Note("run: %s: checkpoint: %v; the run goes on", name, err) })
}

// startWorker starts the workers of --worker.
func (r *runner) startWorker(ctx context.Context, s scenario.Scenario, client *jobqueue.Client, cfg jobqueue.Config) (*startedworker.Worker, error) {
	return startedworker.Start(ctx, startedworker.Options{
		Command: r.WorkerCommand(), Processes: r.Processes, Ready: r.Start, AllowNonEmpty: r.allowNonEmpty,
		Environ: r.p.environ, Console: r.p.console, Verb: r.name, Name: s.Name,
		Queue: library.Facts(s).Name(client.Queue()),
	}, client, cfg)
}

// load connects and runs. The result is nil when the load never began.
func (r *runner) load(ctx context.Context, s scenario.Scenario, id string, tags map[string]string, server *target.Servers, signals *interrupt.Signals) (*result.Result, *rowfile.File, error) {
	rows, err := rowfile.New(rowlength.Of(s, 0))
	if err != nil {
		return nil, rows, err
	}
	queue, channel := ownNames(s, id)
	if s.Load.Observed || s.Entry.Kind == scenario.EntryHTTP {
		queue, channel = jobqueue.DefaultQueue, jobqueue.DefaultChannel
	}
	cfg := r.config(s, server, cmp.Or(r.queue, queue), cmp.Or(r.channel, channel))
	network := target.NewNetwork(s.Faults)
	if network != nil {
		cfg.Route = network.Route
		defer network.Close()
	}
	var client *jobqueue.Client
	var backend jobqueue.Backend // nil without a Redis
	if server.HasRedis() {
		if client, err = jobqueue.Connect(ctx, cfg); err != nil {
			return nil, rows, err
		}
		defer client.Close()
		backend = client
	}
	o := engine.Options{
		ID:            id,
		AllowNonEmpty: r.allowNonEmpty, Shared: r.queue != "",
		Stop:        signals.Stop,
		ServerEnded: server.Ended(),
		Interval:    rows.Add,
		Tags:        tags,
		Tool:        build().tool(),
		Redis:       result.Redis{Kind: string(server.Kind()), Address: server.Address()},
	}
	if r.saved != nil {
		o.Checkpoint, o.CheckpointEvery = r.saved.Take, r.saveEvery
	}
	o.Postgres, o.PostgresKind = server.Database()
	o.Database = server.BreakableDatabase()
	if client != nil {
		if o.Server, err = server.Breakable(ctx, client, s.Faults); err != nil {
			return nil, rows, err
		}
	}
	shards, err := r.meet(ctx, s, server, signals, &o)
	if err != nil {
		return nil, rows, err
	}
	defer shards.close()
	if network != nil {
		o.Network = network
	}
	var worker *startedworker.Worker
	if command := r.WorkerCommand(); command != "" {
		if worker, err = r.startWorker(ctx, s, client, cfg); err != nil {
			return nil, rows, err
		}
		defer worker.Stop()
		defer worker.WatchExit()()
		o.Workers, o.Worker = worker, worker.Hide(console.OneLine(command))
	}
	g := progress{console: r.p.console, name: s.Name}
	view := r.p.display(s.Name, r.noColor)
	signals.Load(true)
	if s.Load.Observed {
		signals.During("the result covers what was seen so far")
	}
	defer signals.Load(false)
	if s.Entry.Kind == scenario.EntryHTTP {
		r.p.console.Note("run: %s: %s, %s", s.Name, loadInBrief(s.Load), entryInBrief(s, server))
	} else if s.Load.Observed {
		r.p.console.Note("run: %s: %s: %s on %s", s.Name, loadInBrief(s.Load), watchedNames(s, client), server.Address())
	} else {
		r.p.console.Note("run: %s: %s, %s, %s, %s, on %s", s.Name, loadInBrief(s.Load),
			number.Plural(s.Producers, "producer"), consumersInBrief(s), number.Plural(s.Subscribers, "subscriber"), server.Address())
	}
	o.Progress, o.Snapshot = g.show, r.page.snapshots(id)
	o.Notice = func(text, hint string) { r.p.console.Warn(fmt.Sprintf("run: %s: %s", s.Name, text), hint) }
	if r.relay != nil {
		o.Snapshot = both(o.Snapshot, relayed(r.relay))
	}
	if view != nil { // a terminal
		o.Progress, o.Snapshot = nil, both(o.Snapshot, view.show)
	}
	figures := r.meter.run(s, &o)
	res, err := engine.Run(ctx, s, backend, o)
	shards.describe(res)
	if figures != nil && res != nil {
		figures.Ended(res)
	}
	if worker != nil && res != nil {
		res.Warnings = append(worker.Warnings(res), res.Warnings...)
	}
	return res, rows, err
}

// redisFor are the options of the Redis, nil when no scenario needs one: with an API as
// the entry and WebSocket clients as the exit, a Redis is listened to only if it is named.
func (r *runner) redisFor(o redisserver.Options, all ...scenario.Scenario) *redisserver.Options {
	needed := slices.ContainsFunc(all, func(s scenario.Scenario) bool { return s.Entry.Kind != scenario.EntryHTTP })
	if !needed && len(all) > 0 && !r.redis.Exists() {
		return nil
	}
	if !r.redis.Exists() {
		o = reportsKeys(o, all)
	}
	return &o
}

// reportsKeys are the options of a Redis of ours that reports keys, where workers set some.
func reportsKeys(o redisserver.Options, all []scenario.Scenario) redisserver.Options {
	if slices.ContainsFunc(all, library.SetsKeys) {
		o.Args = append([]string{"--notify-keyspace-events", announced.Setting}, o.Args...)
	}
	return o
}

// config is how to connect to the server for a scenario.
func (r *runner) config(s scenario.Scenario, server *target.Servers, queue, channel string) jobqueue.Config {
	c := s.Config()
	c.Queue, c.Channel = library.Facts(s).Key(queue), channel
	return r.redis.Config(c, server.URL())
}

// show writes the result to standard output.
func (r *running) show(res *result.Result) error {
	if r.relay != nil {
		return nil // standard output is for its seconds
	}
	if r.jsonLog {
		// In one piece, since others write there, too.
		var b bytes.Buffer
		if err := render.Of(res).Encode(&b, "json", render.Options{}); err != nil {
			return err
		}
		_, err := r.p.console.Write(b.Bytes())
		return outputError(err)
	}
	return r.p.showResult(res, r.showing)
}

// showing are the flags of a verb that shows the result of runs.
type showing struct{ json, noColor, allowInvalid bool }

func (s *showing) declare(p *program, f *flags.Set) {
	f.Switch(&s.json, "json", "", "write result.json to standard output instead of the table")
	f.Switch(&s.noColor, "no-color", "", "no color on a terminal (like NO_COLOR)")
	p.declareQuiet(f)
	f.Group("Gates")
	f.Switch(&s.allowInvalid, "allow-invalid", "", "exit 0 instead of 4 if the result is invalid; its thresholds still do not pass")
}

// showResult writes a result to standard output, as JSON or as a table.
func (p *program) showResult(res *result.Result, s showing) error {
	if s.json {
		return p.print(render.Of(res), true, render.Options{})
	}
	err := p.print(render.Of(res), false, p.textOptions(s.noColor))
	if err == nil {
		_, err = fmt.Fprintln(p.stdout)
	}
	return outputError(err)
}

// print writes a document to standard output, as JSON or as text.
func (p *program) print(d render.Document, json bool, o render.Options) error {
	format := "text"
	if json {
		format = "json"
	}
	return outputError(d.Encode(p.stdout, format, o))
}

// outputError says that it was standard output that failed, unless err does; nil stays nil.
func outputError(err error) error {
	if err == nil || errors.Is(err, errOutput) {
		return err
	}
	return fmt.Errorf("%w: %w", errOutput, err)
}

// merged keeps and shows a result that was made of those of shards.
func (p *program) merged(res *result.Result, interrupted bool, reserved *store.Reservation, s showing) outcome.Outcome {
	e := outcome.Of(res, nil, interrupted, s.allowInvalid)
	err := reserved.Write(render.Of(res))
	e, e.Dir = e.AndErr(err), outcome.Kept(reserved, err)
	e = e.AndErr(p.showResult(res, s))
	p.noteResults("", e.Dir)
	return e
}

// noteResults says where results are; an empty directory holds none.
func (p *program) noteResults(prefix, dir string) {
	if dir != "" {
		p.console.Note("%sresults in %s", prefix, contents(dir))
	}
}

// contents names a result directory and what is in it.
func contents(dir string) string {
	var names []string
	entries, err := os.ReadDir(dir)
	if err == nil {
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	if i := slices.Index(names, "report.md"); i >= 0 { // the one for people comes first
		names = slices.Insert(slices.Delete(names, i, i+1), 0, "report.md")
	}
	return fmt.Sprintf("%s%c (%s)", dir, filepath.Separator, strings.Join(names, ", "))
}

// summary ends a run of several scenarios with a line for each. The JSON on
// standard output is not disturbed by it.
func (r *running) summary(endings outcome.Outcomes) outcome.Outcomes {
	if len(endings) < 2 {
		return endings
	}
	var w io.Writer = r.p.stdout
	if r.json {
		if r.p.console.Quiet {
			return endings
		}
		w = r.p.stderr
	}
	if err := console.WriteTable(w, outcome.SummaryTable(endings)); err != nil {
		endings.Err(fmt.Errorf("write summary: %w", err))
	}
	return endings
}
