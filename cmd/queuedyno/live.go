package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// declareLive declares --live, which needs no value.
func declareLive(f *flags.Set, to *live.Address) {
	flags.Optional(f, to, "live", "serve a page that shows it while it goes on, at `ADDR`: HOST:PORT, or PORT for this host only (default: this host only, a free port)",
		live.Loopback, live.ParseAddress)
}

// withAddress are the arguments, with an address behind --live as its value: a flag
// whose value is optional takes only what is behind an equals sign.
func withAddress(args []string) []string {
	out := append([]string{}, args...)
	for i := 0; i+1 < len(out) && out[i] != "--"; i++ {
		if out[i] == "--live" && live.IsAddress(out[i+1]) {
			out[i] += "=" + out[i+1]
			out = slices.Delete(out, i+1, i+2)
		}
	}
	return out
}

// livePage is the live page of a verb. All methods work on nil, which is a verb without
// --live, and do nothing.
type livePage struct {
	hub    *live.Hub
	server *live.Server
}

// openLive serves the page of a verb, before anything else is started, and says where.
func (p *program) openLive(ctx context.Context, a live.Address, verb string) (*livePage, error) {
	if !a.Given() {
		return nil, nil
	}
	l := &livePage{hub: live.NewHub("queuedyno " + verb)}
	if verb == "run" { // the other verbs show documents of several kinds
		l.hub.Figures = render.Run.Figures()
	}
	var err error
	if l.server, err = live.Listen(ctx, a, l.hub); err != nil {
		return nil, problem.Failed(err)
	}
	words := "live page at " + l.server.URL()
	if reach := l.server.Reach(); reach != "" {
		words += "; " + reach
	}
	p.console.Note("%s: %s", verb, words)
	return l, nil
}

// close gives the viewers what is missing, and ends the server.
func (l *livePage) close() {
	if l != nil {
		l.server.Close()
	}
}

// show shows a document that does not change any more.
func (l *livePage) show(key string, d render.Document) {
	if l != nil {
		l.hub.Show(key, d.Webpage, nil)
	}
}

// going shows the document of a record that changes: how far it is now.
func (l *livePage) going(key string, d render.Document, p render.Progress) {
	if l == nil {
		return
	}
	page, err := d.Running(p)
	l.hub.Show(key, func() (webpage.Document, error) { return page, err }, nil)
}

// failed shows that something ended without a result.
func (l *livePage) failed(key, title, why string) {
	if l != nil {
		page := webpage.Document{Title: title, Verdict: result.Invalid, Answer: why}
		l.hub.Show(key, func() (webpage.Document, error) { return page, nil }, nil)
	}
}

func (l *livePage) remove(key string) {
	if l != nil {
		l.hub.Remove(key)
	}
}

// snapshots shows the runs of which it is given the snapshots, one after another, as the
// document of that key. It is nil without a page.
func (l *livePage) snapshots(key string) func(engine.Snapshot) {
	if l == nil {
		return nil
	}
	show := l.seconds(key)
	return func(s engine.Snapshot) {
		show(live.Second{ID: s.ID, State: stateOf(s.Progress), Rows: s.Rows}, s.Result)
	}
}

// seconds shows the runs of which it is given the seconds, one after another, as the
// document of that key. Its second argument makes what is known of the run; it is called
// at once or never.
func (l *livePage) seconds(key string) func(live.Second, func() *result.Result) {
	rows := live.Timeline{Max: render.LiveRows}
	var known *result.Result
	id := ""
	return func(s live.Second, facts func() *result.Result) {
		another := s.ID != id
		if another {
			rows, known = live.Timeline{Max: render.LiveRows}, facts()
		} else if l.hub.Watched() {
			known = facts()
		}
		id = s.ID
		l.add(key, *known, &rows, s.Rows, s.State, another)
	}
}

// add adds rows to the timeline of a run, and shows what is known of the run with them. Of
// another run than before, the viewers need all.
func (l *livePage) add(key string, known result.Result, rows *live.Timeline, more []result.Second, state string, another bool) {
	added, onlyAdded := rows.Add(more)
	known.Timeline = rows.Rows()
	with := func(added []result.Second) live.Make {
		return func() (webpage.Document, error) {
			return render.Of(&known).Running(render.Progress{State: state, Added: added})
		}
	}
	if onlyAdded && !another {
		l.hub.Show(key, with(nil), with(append([]result.Second{}, added...)))
	} else {
		l.hub.Show(key, with(nil), nil)
	}
}

// sideTitle names the run of a side in a pair.
func sideTitle(label string, pair int) string { return fmt.Sprintf("%s, pair %d", label, pair) }

// secondsVariable is set for a run whose standard output is read by a comparison with a
// live page: it writes its seconds there, and no report.
const secondsVariable = "QUEUEDYNO_SECONDS"

// relayed writes the seconds of a run for the process that shows them. Who does not read
// them any more does not end the run.
func relayed(w *live.Writer) func(engine.Snapshot) {
	return func(s engine.Snapshot) {
		_ = w.Write(live.Second{ID: s.ID, State: stateOf(s.Progress), Rows: s.Rows, Facts: s.Result()})
	}
}

// stateOf is how a run goes on, in a sentence.
func stateOf(p engine.Progress) string {
	words := howFar(p)
	if left, known := timeLeft(p); known {
		words += ", about " + left.String() + " left"
	}
	return words + "; " + strings.Join(figures(p), ", ") + "."
}

// looks shows what is seen of a queue, as the page of a load that is observed: each
// look, and at the end what was seen in all.
func (l *livePage) looks(queue, address string) (show, end func(watch.Look)) {
	if l == nil {
		return func(watch.Look) {}, func(watch.Look) {}
	}
	rows := live.Timeline{Max: render.LiveRows}
	show = func(k watch.Look) {
		state := strings.Join(append(rates(k), "backlog "+backlog(k)), ", ")
		if t := times(k.RunningRecent); t != "" {
			state += "; running (" + recently(k) + ") " + t
		}
		state = strings.Join(append([]string{"for " + seconds(k.ElapsedS) + ": " + state}, oddities(k)...), "; ") + "."
		l.add("watch", *seenBy(k, queue, address), &rows, []result.Second{rowOf(k)}, state, false)
	}
	end = func(k watch.Look) {
		r := seenBy(k, queue, address)
		r.Timeline = rows.Rows()
		l.hub.Show("watch", func() (webpage.Document, error) {
			page, err := render.Of(r).Running(render.Progress{State: totals(k) + "."})
			page.Verdict = ""
			return page, err
		}, nil)
	}
	return show, end
}

// rowOf is a look as a row of a timeline.
func rowOf(k watch.Look) result.Second {
	stage := func(t watch.Times) *result.SecondStage {
		return &result.SecondStage{Count: t.Count, P50NS: t.P50NS, P90NS: t.P90NS, P99NS: t.P99NS, MaxNS: t.MaxNS}
	}
	return result.Second{
		ElapsedS: k.ElapsedS, LengthS: k.SpanS, Notified: k.Span.Completed + k.Span.Failed, QueueLen: k.Backlog,
		Stages: map[result.Stage]*result.SecondStage{metric.Running: stage(k.RunningRecent), metric.WorkTime: stage(k.WorkRecent)},
	}
}

// seenBy is what was seen by a look, without its rows.
func seenBy(k watch.Look, queue, address string) *result.Result {
	return &result.Result{
		Run: result.Info{Scenario: "Queue " + queue}, Scenario: scenario.Scenario{Load: scenario.Load{Observed: true}},
		Redis: result.Redis{Address: address}, Observed: &result.Observation{Updates: k.Total},
	}
}

// both are two receivers of snapshots, of which each may be nil, as one.
func both(a, b func(engine.Snapshot)) func(engine.Snapshot) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(s engine.Snapshot) {
		a(s)
		b(s)
	}
}
