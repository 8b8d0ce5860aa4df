package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/meeting"
	"github.com/queuedyno/queuedyno/internal/merge"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/shard"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// sharding is which shard of a load a run sends, and where it meets the others.
type sharding struct {
	shard   pace.Shard // zero without --shard
	from    string     // the variable that holds its number, empty when it was written
	fleet   string
	timeout time.Duration
}

// meetTimeout is how long a shard waits for the others where nothing else is said.
const meetTimeout = time.Minute

func (s *sharding) declare(p *program, f *flags.Set) {
	s.timeout = meetTimeout
	f.Group("Shards")
	flags.Var(f, &s.shard, "shard", "", "send only shard `I/N` of the load, 0 <= I < N; auto or auto/N takes the number from the engine that started the copies", func(text string) (pace.Shard, error) {
		one, from, err := shard.Parse(text, p.getenv)
		s.from = from
		return one, err
	})
	flags.Var(f, &s.fleet, "fleet", "", "`NAME` under which the shards meet in the Redis under test (default: the scenario's)", fleetName)
	flags.Var(f, &s.timeout, "meet-timeout", "", "how `LONG` a shard waits for the others before it gives up (default 1m)", literal.Duration(1))
}

// fleetName reads the name of a fleet.
func fleetName(s string) (string, error) {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r))
	}) {
		return "", fmt.Errorf("%q must consist of letters, digits, '.', '-' and '_'", s)
	}
	return s, nil
}

// on reports whether one shard is to be sent.
func (s *sharding) on() bool { return !s.shard.Whole() }

// of is the scenario of the shard. A scenario without a seed gets one that all shards
// work out alike.
func (s *sharding) of(one scenario.Scenario) (scenario.Scenario, problem.List) {
	if !s.on() {
		return one, nil
	}
	var err error
	if one.Seed == 0 {
		one.Seed, err = shard.Seed(one)
	}
	one.Shard = s.shard
	var problems problem.List
	problems.AddAll(fmt.Sprintf("scenario %q: ", one.Name), problem.All(errors.Join(err, shard.Check(one)))...)
	return one, problems
}

// prefix is what the name of a result directory begins with.
func (s *sharding) prefix(one scenario.Scenario) string {
	if !s.on() {
		return one.Name
	}
	return fmt.Sprintf("%s-shard-%d", one.Name, s.shard.Index)
}

// shardProblems says what keeps the run from sending one shard of a load.
func (r *running) shardProblems(all []scenario.Scenario) (problems problem.List) {
	if !r.sharding.on() {
		return r.Refuse("requires --shard", "", "fleet", "meet-timeout")
	}
	if !r.redis.Exists() {
		problems.Add(r.Source("shard")+": the shards meet in the Redis under test, and one that is started for this run is not that of the others",
			"name it with --redis redis://HOST:PORT, or in REDIS_URL")
	}
	for _, s := range all {
		if r.queue != "" && s.Prefill > 0 && !r.allowNonEmpty {
			problems.Add(fmt.Sprintf("scenario %q: the shards share %q, where each would find the jobs that another one prefilled", s.Name, r.queue),
				"add --allow-non-empty, or remove the prefill")
		}
		if r.queue != "" && !s.External && !s.Load.Observed {
			problems.Add(fmt.Sprintf("scenario %q: the consumers of each shard would take the jobs of the others from %q", s.Name, r.queue),
				"remove --queue: each shard makes its own queue; or add --consumers external")
		}
	}
	return problems
}

// gathering is the meeting of a shard during one run. It is nil for a run of the whole load.
type gathering struct {
	meeting *meeting.Meeting
	ctx     context.Context
}

// meet makes the run start together with the other shards.
func (r *runner) meet(ctx context.Context, s scenario.Scenario, server *target.Servers, signals *interrupt.Signals, o *engine.Options) (*gathering, error) {
	if s.Shard.Whole() {
		return nil, nil
	}
	configuration, err := shard.Configuration(s)
	if err != nil {
		return nil, err
	}
	c := r.config(s, server, "", "")
	m, err := meeting.Open(ctx, redisconn.Config{URL: c.URL, CACert: c.CACert, Cert: c.Cert, Key: c.Key, SkipVerify: c.SkipVerify}, meeting.Options{
		Name: cmp.Or(r.sharding.fleet, s.Name), Shard: s.Shard, Configuration: configuration, Timeout: r.sharding.timeout, Run: o.ID,
	})
	if err != nil {
		return nil, err
	}
	if s.Shard.Index > 0 {
		o.Server = fault.Elsewhere{} // the first shard breaks it
	}
	o.Shards = m.Runs
	o.Start = func(ctx context.Context) (time.Time, error) {
		from := ""
		if r.sharding.from != "" {
			from = " (" + r.sharding.from + ")"
		}
		r.p.console.Note("run: %s: shard %s%s is ready and waits up to %s for the others", s.Name, s.Shard, from, r.sharding.timeout)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		done := make(chan struct{})
		defer close(done)
		go func() {
			select {
			case <-signals.Stop:
				cancel()
			case <-done:
			}
		}()
		return m.Wait(ctx)
	}
	return &gathering{m, ctx}, nil
}

// describe compares the clocks again, and adds to the result how they stood.
func (g *gathering) describe(res *result.Result) {
	if g == nil || res == nil || res.Run.Shard == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.ctx), 5*time.Second)
	defer cancel()
	if err := g.meeting.CompareAgain(ctx); err != nil {
		res.Warnings = append(res.Warnings, "the clock was not compared with that of the server after the load: "+err.Error())
	}
	g.meeting.Describe(res.Run.Shard)
}

func (g *gathering) close() {
	if g != nil {
		g.meeting.Close()
	}
}

const mergeHelp = `Make one result out of the results of the shards of a load, which "queuedyno run
--shard I/N" wrote. A RESULT is a result directory, a directory of result directories,
a file with any number of results in JSON one after another, as logs bring them, or - for
standard input.

Counts and histograms add; quantiles are those of the merged histograms; nothing is
averaged. The thresholds of the scenario are decided on the merged result, which no shard
can do. The merged result is as valid as the worst shard, and invalid when a shard is
missing: merge it again with the missing ones. Results of another start, of another
configuration, and a shard that comes twice are refused.`

func (p *program) mergeVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "merge RESULT...",
		Short: "Make one result out of the shards of a load, check the thresholds",
		Long:  mergeHelp,
		Example: "  queuedyno merge results/steady-shard-*\n" +
			"  kubectl logs -l job-name=load --tail=-1 | queuedyno merge -",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return problem.Exit(problem.BadUsage, "no result is named", "add the results of the shards: queuedyno merge results/NAME-shard-*")
		},
	}
	f := p.flagsOf(cmd)
	m := &merging{p: p, flags: f, out: outcome.Declare(f)}
	m.declare(p, f)
	cmd.RunE = p.verb(func(_ context.Context, results []string) error { return m.run(results) })
	return cmd
}

// merging is the verb merge at work.
type merging struct {
	p     *program
	flags *flags.Set
	out   *outcome.Directory
	showing
}

func (m *merging) run(results []string) error {
	problems := slices.Clone(m.flags.Problems)
	var sources []merge.Source
	for _, name := range results {
		found, err := m.sources(name)
		problems.Err(err)
		sources = append(sources, found...)
	}
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	var all merge.Merger
	if err := all.AddAll(sources, store.ParseRun); err != nil {
		return problem.Usage(problem.All(err)...)
	}
	res, err := all.Result()
	if err != nil {
		return err
	}
	m.p.console.Note("merge: %s of %d", number.Plural(int64(len(res.Fleet.Shards)), "shard"), res.Fleet.Of)
	place := m.out.Place("merge", res.Run.Scenario, res.Run.Scenario+"-merged", time.Now())
	if err := place.Check(); err != nil {
		return problem.Usage(problem.Of(err))
	}
	reserved, err := outcome.Reserve(m.p.console, "merge", place)
	if err != nil {
		return err
	}
	defer outcome.Release(reserved)
	return outcome.Worst(outcome.Outcomes{m.p.merged(res, false, reserved[0], m.showing)})
}

// sources are where the results of that name are read from.
func (m *merging) sources(name string) ([]merge.Source, error) {
	if name == "-" {
		return []merge.Source{{Name: "standard input", Open: func() (io.ReadCloser, error) { return io.NopCloser(m.p.stdin), nil }}}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("merge %q: %w", name, pathCause(err))
	}
	if !info.IsDir() {
		return []merge.Source{fileSource(name)}, nil
	}
	record := render.Run.File()
	if _, err := os.Stat(filepath.Join(name, record)); err == nil {
		return []merge.Source{fileSource(filepath.Join(name, record))}, nil
	}
	var inner []string
	entries, err := os.ReadDir(name)
	for _, e := range entries {
		file := filepath.Join(name, e.Name(), record)
		if _, err := os.Stat(file); err == nil {
			inner = append(inner, file)
		}
	}
	if err == nil && len(inner) == 0 {
		err = &problem.Hinted{
			What:   fmt.Sprintf("merge %q: it is a directory without a %s, and no directory in it has one", name, record),
			Remedy: "give the result directories that queuedyno run --shard wrote",
		}
	}
	var all []merge.Source
	for _, file := range inner {
		all = append(all, fileSource(file))
	}
	return all, err
}

func fileSource(name string) merge.Source {
	return merge.Source{Name: name, Open: func() (io.ReadCloser, error) {
		f, err := os.Open(name)
		return f, pathCause(err)
	}}
}

// pathCause is the error of package os without the operation and the path.
func pathCause(err error) error {
	if path := new(os.PathError); errors.As(err, &path) {
		return path.Err
	}
	return err
}
