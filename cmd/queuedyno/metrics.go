package main

import (
	"context"
	"runtime"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/telemetry"
	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/worker"
)

// metering are the flags of a verb whose figures can be read while it runs.
type metering struct {
	p       *program
	flags   *flags.Set
	verb    string
	address string
	linger  time.Duration
}

func (m *metering) declare(p *program, f *flags.Set, verb string) {
	m.p, m.flags, m.verb = p, f, verb
	f.Group("Output")
	flags.Var(f, &m.address, "metrics", "", "serve Prometheus metrics at `ADDR`, e.g. 127.0.0.1:9464; without a host only this machine can read them", telemetry.ParseAddress)
	flags.Var(f, &m.linger, "metrics-linger", "", "after the end wait until the metrics were read once more, at most this `TIME` (default: do not wait)", literal.Duration(1))
}

// problems are those of flags that do not fit together.
func (m *metering) problems() problem.List {
	if m.linger > 0 && m.address == "" && !m.flags.Tried("metrics") {
		return problem.List{{What: m.flags.Source("metrics-linger") + " requires --metrics", Hint: "add --metrics 127.0.0.1:9464"}}
	}
	return nil
}

// meter shows the figures of a verb at work. A nil meter shows none.
type meter struct {
	of      *metering
	metrics *telemetry.Metrics
	server  *telemetry.Server // nil when nothing is served
	export  *telemetry.Export // nil when nothing is exported
	closed  bool
}

// start binds the address and begins the export. It returns nil when no one asked for
// metrics. An export that cannot begin disturbs nothing.
func (m *metering) start() (*meter, error) {
	exported := telemetry.Exported(m.p.getenv)
	if m.address == "" && !exported {
		return nil, nil
	}
	g := &meter{of: m, metrics: telemetry.New()}
	var err error
	if m.address != "" {
		if g.server, err = g.metrics.Serve(m.address); err != nil {
			return nil, problem.Failed(&problem.Hinted{What: err.Error(), Remedy: "choose another address with --metrics; port 0 is any free port"})
		}
		reach := "this machine only; --metrics 0.0.0.0:PORT for others"
		if !g.server.Local() {
			reach = "every machine that reaches this one"
		}
		m.p.console.Note("%s: metrics at http://%s/metrics (%s)", m.verb, g.server.Address(), reach)
	}
	if exported {
		if g.export, err = g.metrics.Export(m.p.getenv, build().Version); err != nil {
			m.p.console.Note("%s: %v", m.verb, err)
		}
	}
	return g, nil
}

// run has a run put its figures into the source that it returns. The final ones are for
// the caller to put there. The source is nil for a nil meter.
func (g *meter) run(s scenario.Scenario, o *engine.Options) *telemetry.Source {
	if g == nil {
		return nil
	}
	source := g.metrics.Add(s.Name, s.Measured()...)
	source.Counted(ledger.Totals{})
	interval, progress := o.Interval, o.Progress
	o.Interval = func(iv latency.Interval) { interval(iv); source.Interval(iv) }
	o.Counted = source.Counted
	o.Progress = func(p engine.Progress) {
		progress(p)
		source.Backlog(&p.Backlog)
		if s.Load.Open() {
			source.Offered(p.OfferedPerS)
		}
	}
	return source
}

// pool has a pool of workers show its figures.
func (g *meter) pool(p *worker.Pool) {
	if g == nil {
		return
	}
	const enough = 16 // locks, for any number of CPUs
	source := g.metrics.Add("worker", metric.WorkTime)
	times, taken, work := latency.NewSharded(min(enough, 2*runtime.GOMAXPROCS(0))), latency.New(), p.Work
	p.Work = func(ctx context.Context, job worker.Job) error {
		from := time.Now()
		err := work(ctx, job)
		times.Record(int64(time.Since(from)))
		return err
	}
	source.Refresh(func() {
		taken.Reset()
		times.Take(taken)
		source.Interval(latency.Interval{Stage: metric.WorkTime, Histogram: taken})
		t := p.Tally()
		source.Count(ledger.Finished, t.Completed+t.Failed+t.Unpublished)
		source.Count(ledger.Published, t.Completed+t.Failed)
		source.Count(ledger.Failed, t.Failed)
		source.Count(ledger.Abandoned, t.Dropped)
	})
}

// watch has a queue that is watched show its figures. seen takes the last look, which
// is not shown.
func (g *meter) watch(o *watch.Options) (seen func(watch.Look)) {
	if g == nil {
		return func(watch.Look) {}
	}
	source := g.metrics.Add("watch", metric.Running, metric.WorkTime)
	seen = func(l watch.Look) {
		source.Count(ledger.Notified, l.Total.Ended())
		source.Count(ledger.Failed, l.Total.Failed)
		source.Count(ledger.Unreadable, l.Total.Unreadable)
		source.Backlog(l.Backlog)
	}
	show := o.Show
	o.Show = func(l watch.Look) error {
		seen(l)
		return show(l)
	}
	o.Times = func(running, work *latency.Histogram) {
		source.Whole(metric.Running, running)
		source.Whole(metric.WorkTime, work)
	}
	seen(watch.Look{})
	return seen
}

// end waits for the last reader, and ends. It is called once everything else has been
// shown and closed.
func (g *meter) end(ctx context.Context) {
	if g == nil {
		return
	}
	if g.server != nil && g.of.linger > 0 && !g.closed {
		if !g.server.Linger(ctx, g.of.linger, func() {
			g.of.p.console.Note("%s: waiting up to %s for the metrics to be read once more (press Ctrl-C to stop)", g.of.verb, g.of.linger)
		}) {
			g.of.p.console.Note("%s: the final metrics were not read", g.of.verb)
		}
	}
	g.close()
}

// close ends without a wait. It may be called again.
func (g *meter) close() {
	if g == nil || g.closed {
		return
	}
	g.closed = true
	if g.server != nil {
		_ = g.server.Close() // the figures are in the result
	}
	if g.export != nil {
		if err := g.export.Close(); err != nil {
			g.of.p.console.Note("%s: %v", g.of.verb, err)
		}
	}
}
