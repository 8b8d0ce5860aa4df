package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/runname"
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
func (r *running) do(ctx context.Context, pl plan) error {
	ctx, signals := listen(ctx, r.p.console)
	defer signals.close()

	reserved, err := outcome.Reserve(r.p.console, "run", pl.places...)
	if err != nil {
		return err
	}
	defer outcome.Release(reserved)
	server, err := target.Start(ctx, r.redisFor(pl.redis, pl.scenarios...), pl.postgres)
	if err != nil {
		return r.notStarted(err, signals)
	}
	var endings []outcome.Outcome
	for i, s := range pl.scenarios {
		e := r.one(ctx, s, pl.places[i].How.Owner.ID, reserved[i], pl.tags, server, signals)
		endings = append(endings, e)
		// After these two the next one would not fare better.
		if e.Code == problem.CouldNotRun && e.Result == nil || signals.happened() {
			break
		}
	}
	for _, s := range pl.scenarios[len(endings):] {
		endings = append(endings, outcome.Outcome{Name: s.Name, Words: "not run"})
	}
	all := r.summary(endings)
	if err := server.Close(); err != nil {
		all = append(all, outcome.Outcome{Code: problem.CouldNotRun, Problems: []problem.Problem{problem.Of(err)}})
	}
	return outcome.Worst(all)
}

// notStarted is how a run ends that never had a Redis.
func (r *runner) notStarted(err error, signals *interrupt) error {
	switch {
	case signals.happened():
		return &problem.Failure{Code: problem.Interrupted, Problems: []problem.Problem{{What: "interrupted before the load began; nothing was written"}}}
	case errors.Is(err, redisserver.ErrUsage), errors.Is(err, postgresserver.ErrUsage):
		return problem.Usage(problem.Of(err))
	}
	return problem.Failed(err)
}

// one runs one scenario, writes its result and shows it.
func (r *running) one(ctx context.Context, s scenario.Scenario, id string, reserved *store.Reservation, tags map[string]string, server *target.Servers, signals *interrupt) outcome.Outcome {
	res, rows, err := r.load(ctx, s, id, tags, server, signals)
	defer rows.remove()
	r.p.console.Wipe()
	if res == nil {
		if signals.happened() {
			return outcome.Outcome{Name: s.Name, Code: problem.Interrupted, Words: "interrupted",
				Problems: []problem.Problem{{What: s.Name + ": interrupted before the load began; nothing was written"}}}
		}
		f := problem.Of(err)
		f.What = s.Name + ": " + f.What
		return outcome.Outcome{Name: s.Name, Code: problem.CouldNotRun, Words: "could not run", Problems: []problem.Problem{f}}
	}
	res.Warnings = append(server.Notes(), res.Warnings...)
	intervals, rowsErr := rows.finish()
	if rowsErr != nil {
		res.Warnings = append(res.Warnings, "the interval log has one interval for the whole window: "+rowsErr.Error())
	}
	e := outcome.Of(res, err, signals.happened(), r.allowInvalid)
	// Files first: the reader of standard output may be gone.
	err = reserved.Write(render.Of(res), intervals...)
	reserved.Release()
	if err != nil {
		e = e.And(outcome.Failed(s.Name, err))
	}
	e.Dir = outcome.KeptIn(reserved, err)
	if err := r.show(res); err != nil {
		e = e.And(outcome.Failed(s.Name, fmt.Errorf("write to standard output: %w", err)))
	}
	if r.p.onGitHub(r.Set, r.github) {
		if err := r.p.stepSummary(func(w io.Writer) error { return render.Of(res).Encode(w, "summary", render.Options{}) }); err != nil {
			e = e.And(outcome.Failed(s.Name, err))
		}
		r.p.annotateEnding(e)
	}
	if e.Dir != "" {
		r.p.console.Note("results in %s", contents(e.Dir))
	}
	return e
}

// startWorker starts the workers of --worker.
func (r *runner) startWorker(ctx context.Context, name string, client *jobqueue.Client, cfg jobqueue.Config) (*startedworker.Worker, error) {
	return startedworker.Start(ctx, startedworker.Options{
		Command: r.WorkerCommand(), Ready: r.Start, AllowNonEmpty: r.allowNonEmpty,
		Environ: r.p.environ, Console: r.p.console, Verb: r.name, Name: name,
	}, client, cfg)
}

// load connects and runs. The result is nil when the load never began.
func (r *runner) load(ctx context.Context, s scenario.Scenario, id string, tags map[string]string, server *target.Servers, signals *interrupt) (*result.Result, *rowFile, error) {
	rows, err := newRowFile()
	if err != nil {
		return nil, rows, err
	}
	queue, channel := ownNames(s, id)
	if s.Load.Observed {
		queue, channel = jobqueue.DefaultQueue, jobqueue.DefaultChannel
	}
	if s.Entry.Kind == scenario.EntryHTTP {
		queue, channel = jobqueue.DefaultQueue, jobqueue.DefaultChannel
	}
	cfg := r.config(s, server, cmp.Or(r.queue, queue), cmp.Or(r.channel, channel))
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
		Interval:    rows.add,
		Tags:        tags,
		Tool:        build().tool(),
		Redis:       result.Redis{Kind: string(server.Kind()), Address: server.Address()},
	}
	o.Postgres, o.PostgresKind = server.Database()
	var worker *startedworker.Worker
	if command := r.WorkerCommand(); command != "" {
		if worker, err = r.startWorker(ctx, s.Name, client, cfg); err != nil {
			return nil, rows, err
		}
		defer worker.Stop()
		defer worker.WatchExit()()
		o.Workers, o.Worker = worker, worker.Hide(console.OneLine(command))
	}
	g := progress{console: r.p.console, name: s.Name, columns: console.Width(r.p.stderr)}
	signals.load(true)
	if s.Load.Observed {
		signals.during("the result covers what was seen so far")
	}
	defer signals.load(false)
	if s.Entry.Kind == scenario.EntryHTTP {
		r.p.console.Note("run: %s: %s, %s", s.Name, loadInBrief(s.Load), entryInBrief(s, server))
	} else if s.Load.Observed {
		r.p.console.Note("run: %s: %s: queue %q and channel %q on %s", s.Name, loadInBrief(s.Load), client.Queue(), client.Channel(), server.Address())
	} else {
		r.p.console.Note("run: %s: %s, %s, %s, %s, on %s", s.Name, loadInBrief(s.Load),
			number.Plural(s.Producers, "producer"), consumersInBrief(s), number.Plural(s.Subscribers, "subscriber"), server.Address())
	}
	o.Progress = g.show
	res, err := engine.Run(ctx, s, backend, o)
	if worker != nil && res != nil {
		res.Warnings = append(worker.Warnings(res), res.Warnings...)
	}
	return res, rows, err
}

// ownNames are the queue and the channel of a run's own. Sidekiq's workers know
// their queues by the names that its lists have.
func ownNames(s scenario.Scenario, id string) (queue, channel string) {
	queue, channel = runname.Of(id)
	if s.Elements == scenario.SidekiqElements {
		queue = scenario.SidekiqList(queue)
	}
	return queue, channel
}

// entryInBrief is how jobs come in by HTTP, and where their ends are seen.
func entryInBrief(s scenario.Scenario, server *target.Servers) string {
	words := number.Plural(s.Entry.HTTP.Connections, "connection") + " to " + s.Entry.HTTP.URL
	if server.HasRedis() {
		words += ", notifications on " + server.Address()
	}
	if s.Exit.Given() {
		words += ", " + number.Plural(s.Exit.WebSocket.Clients, "WebSocket client")
	}
	return words
}

// redisFor are the options of the Redis, nil when no scenario needs one: with an API as
// the entry and WebSocket clients as the exit, a Redis is listened to only if it is named.
func (r *runner) redisFor(o redisserver.Options, all ...scenario.Scenario) *redisserver.Options {
	needed := slices.ContainsFunc(all, func(s scenario.Scenario) bool { return s.Entry.Kind != scenario.EntryHTTP })
	if !needed && len(all) > 0 && !r.redis.Exists() {
		return nil
	}
	return &o
}

// consumersInBrief is who does the work.
func consumersInBrief(s scenario.Scenario) string {
	if s.External {
		return "external consumers"
	}
	return number.Plural(s.Consumers, "consumer")
}

// config is how to connect to the server for a scenario.
func (r *runner) config(s scenario.Scenario, server *target.Servers, queue, channel string) jobqueue.Config {
	c := s.Config()
	c.Queue, c.Channel = queue, channel
	return r.redis.Config(c, server.URL())
}

// show writes the result to standard output.
func (r *running) show(res *result.Result) error {
	format := "text"
	if r.json {
		format = "json"
	}
	w := bufio.NewWriter(r.p.stdout)
	if err := render.Of(res).Encode(w, format, r.p.textOptions(r.noColor)); err != nil {
		return err
	}
	if !r.json {
		fmt.Fprintln(w)
	}
	return w.Flush()
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
	// The one for people comes first.
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case a == "report.md":
			return -1
		case b == "report.md":
			return 1
		}
		return 0
	})
	return fmt.Sprintf("%s%c (%s)", dir, filepath.Separator, strings.Join(names, ", "))
}

// summary ends a run of several scenarios with a line for each. The JSON on
// standard output is not disturbed by it.
func (r *running) summary(endings []outcome.Outcome) []outcome.Outcome {
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
		endings = append(endings, outcome.Failed("", fmt.Errorf("write summary: %w", err)))
	}
	return endings
}

// rowFile holds the rows of the interval log while a run goes on, outside of
// the memory: their number grows with the length of the run.
type rowFile struct {
	f   *os.File
	w   *bufio.Writer
	log *render.IntervalLog
	err error
}

func newRowFile() (*rowFile, error) {
	f, err := os.CreateTemp("", "queuedyno-*.hlog")
	if err != nil {
		return nil, fmt.Errorf("make a file for the interval log: %w", err)
	}
	return &rowFile{f: f, w: bufio.NewWriterSize(f, 1<<16)}, nil
}

// add writes one row. The first error is kept; it must not end the run.
func (r *rowFile) add(iv latency.Interval) {
	if r.err != nil {
		return
	}
	if r.log == nil {
		// The run's epoch, which is known with its first interval.
		r.log, r.err = render.NewIntervalLog(r.w, iv.From.Add(-iv.Start))
		if r.err != nil {
			return
		}
	}
	r.err = r.log.Add(iv)
}

// finish returns the file of the whole log. Without an interval there is no file. If
// some could not be written the error says why, and the log is made from the result.
func (r *rowFile) finish() ([]render.File, error) {
	if r.log == nil && r.err == nil {
		return nil, nil
	}
	if r.err == nil {
		r.err = r.w.Flush()
	}
	if r.err == nil {
		_, r.err = r.f.Seek(0, io.SeekStart)
	}
	if r.err != nil {
		return nil, r.err
	}
	return []render.File{render.Intervals(r.f)}, nil
}

// remove removes the file. It is safe on nil.
func (r *rowFile) remove() error {
	if r == nil {
		return nil
	}
	return errors.Join(r.f.Close(), os.Remove(r.f.Name()))
}
