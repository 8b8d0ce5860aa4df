package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// do carries out a plan: one server, and on it one scenario after another.
func (r *running) do(ctx context.Context, pl plan) error {
	ctx, signals := listen(ctx, r.p.console)
	defer signals.close()

	reserved, err := r.reserve("run", pl.places...)
	if err != nil {
		return err
	}
	defer release(reserved)
	server, err := redisserver.Start(ctx, pl.redis)
	if err != nil {
		return r.notStarted(err, signals)
	}
	var endings []ending
	for i, s := range pl.scenarios {
		e := r.one(ctx, s, pl.places[i].o.Owner.ID, reserved[i], pl.tags, server, signals)
		endings = append(endings, e)
		// After these two the next one would not fare better.
		if e.code == exitFailed && e.result == nil || signals.happened() {
			break
		}
	}
	for _, s := range pl.scenarios[len(endings):] {
		endings = append(endings, ending{name: s.Name, words: "not run"})
	}
	all := r.summary(endings)
	if err := server.Close(); err != nil {
		all = append(all, ending{code: exitFailed, faults: []fault{faultOf(err)}})
	}
	return worst(all)
}

// notStarted is how a run ends that never had a Redis.
func (r *running) notStarted(err error, signals *interrupt) error {
	switch {
	case signals.happened():
		return &failure{exitInterrupted, []fault{{what: "interrupted before the load began; nothing was written"}}}
	case errors.Is(err, redisserver.ErrUsage):
		return usageErr(faultOf(err))
	}
	return failed(err)
}

// one runs one scenario, writes its result and shows it.
func (r *running) one(ctx context.Context, s scenario.Scenario, id string, reserved *store.Reservation, tags map[string]string, server *redisserver.Server, signals *interrupt) ending {
	res, rows, err := r.load(ctx, s, id, tags, server, signals)
	defer rows.remove()
	r.p.console.wipe()
	if res == nil {
		if signals.happened() {
			return ending{name: s.Name, code: exitInterrupted, words: "interrupted",
				faults: []fault{{what: s.Name + ": interrupted before the load began; nothing was written"}}}
		}
		f := faultOf(err)
		f.what = s.Name + ": " + f.what
		return ending{name: s.Name, code: exitFailed, words: "could not run", faults: []fault{f}}
	}
	if note := server.Note(); note != "" {
		res.Warnings = append([]string{note}, res.Warnings...)
	}
	intervals, rowsErr := rows.finish()
	if rowsErr != nil {
		res.Warnings = append(res.Warnings, "the interval log holds the window as one interval: "+rowsErr.Error())
	}
	e := endingOf(res, err, signals.happened(), r.allowInvalid.get())
	// The files first: whoever reads standard output may be gone.
	err = reserved.Write(render.Of(res), intervals...)
	reserved.Release()
	if err != nil {
		e = e.but(failedEnding(s.Name, err))
	}
	e.dir = keptIn(reserved, err)
	if err := r.show(res); err != nil {
		e = e.but(failedEnding(s.Name, fmt.Errorf("write to standard output: %w", err)))
	}
	if r.p.onGitHub(r.github) {
		if err := r.p.stepSummary(func(w io.Writer) error { return render.Of(res).Encode(w, "summary", render.Options{}) }); err != nil {
			e = e.but(failedEnding(s.Name, err))
		}
		r.p.annotateEnding(e)
	}
	if e.dir != "" {
		r.p.console.note("results in %s", contents(e.dir))
	}
	return e
}

// load connects and runs. The result is nil when the load never began.
func (r *running) load(ctx context.Context, s scenario.Scenario, id string, tags map[string]string, server *redisserver.Server, signals *interrupt) (*result.Result, *rowFile, error) {
	rows, err := newRowFile()
	if err != nil {
		return nil, rows, err
	}
	queue, channel := ownNames(s, id)
	if s.Load.Observed {
		queue, channel = jobqueue.DefaultQueue, jobqueue.DefaultChannel
	}
	cfg := r.config(s, server, r.queue.or(queue), r.channel.or(channel))
	client, err := jobqueue.Connect(ctx, cfg)
	if err != nil {
		return nil, rows, err
	}
	defer client.Close()
	o := engine.Options{
		ID:            id,
		AllowNonEmpty: r.allowNonEmpty.get(), Shared: r.queue.given(),
		Stop:        signals.Stop,
		ServerEnded: server.Ended(),
		Interval:    rows.add,
		Tags:        tags,
		Tool:        build().tool(),
		Redis:       result.Redis{Kind: string(server.Kind()), Address: server.Address()},
	}
	var worker *startedWorker
	if command := r.workerCommand(); command != "" {
		if worker, err = r.startWorker(ctx, s.Name, client, cfg); err != nil {
			return nil, rows, err
		}
		defer worker.Stop()
		defer worker.mourn()()
		o.Workers, o.Worker = worker, worker.hide(oneLine(command))
	}
	g := progress{console: r.p.console, name: s.Name, columns: width(r.p.stderr)}
	signals.load(true)
	if s.Load.Observed {
		signals.during("the result holds what was seen until now")
	}
	defer signals.load(false)
	if s.Load.Observed {
		r.p.console.note("run: %s: %s: queue %q and channel %q on %s", s.Name, loadInBrief(s.Load), client.Queue(), client.Channel(), server.Address())
	} else {
		r.p.console.note("run: %s: %s, %s, %s, %s, on %s", s.Name, loadInBrief(s.Load),
			plural(s.Producers, "producer"), consumersInBrief(s), plural(s.Subscribers, "subscriber"), server.Address())
	}
	o.Progress = g.show
	res, err := engine.Run(ctx, s, client, o)
	if worker != nil && res != nil {
		res.Warnings = append(worker.warnings(res), res.Warnings...)
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

// consumersInBrief is who does the work.
func consumersInBrief(s scenario.Scenario) string {
	if s.External {
		return "external consumers"
	}
	return plural(s.Consumers, "consumer")
}

// config is how to connect to the server for a scenario.
func (r *running) config(s scenario.Scenario, server *redisserver.Server, queue, channel string) jobqueue.Config {
	c := s.Config()
	c.URL = server.URL()
	c.CACert, c.Cert, c.Key = r.tlsFile(r.cacert, server), r.tlsFile(r.cert, server), r.tlsFile(r.key, server)
	c.SkipVerify = r.tlsSkipVerify.get() && strings.HasPrefix(server.URL(), "rediss")
	c.Queue, c.Channel = queue, channel
	return c
}

// tlsFile is a file for TLS where the server speaks TLS; a variable may stay
// set while another one is used.
func (r *running) tlsFile(file *value[string], server *redisserver.Server) string {
	if !strings.HasPrefix(server.URL(), "rediss") {
		return ""
	}
	return file.get()
}

// show writes the result to standard output.
func (r *running) show(res *result.Result) error {
	format := "text"
	if r.json.get() {
		format = "json"
	}
	w := bufio.NewWriter(r.p.stdout)
	if err := render.Of(res).Encode(w, format, r.p.textOptions(r.noColor.get())); err != nil {
		return err
	}
	if !r.json.get() {
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
func (r *running) summary(endings []ending) []ending {
	if len(endings) < 2 {
		return endings
	}
	var w io.Writer = r.p.stdout
	if r.json.get() {
		if r.quiet.get() {
			return endings
		}
		w = r.p.stderr
	}
	if err := writeTable(w, summaryTable(endings)); err != nil {
		endings = append(endings, failedEnding("", fmt.Errorf("write summary: %w", err)))
	}
	return endings
}
