package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/jobqueue"
)

const watchHelp = `Watch a queue and its updates without a load: updates per second by status, the
backlog, its trend and when it will be empty, and how long jobs take from RUNNING to
COMPLETED or FAILED if both are published.

With --dialect it hears what a library announces itself.

It subscribes, asks for the length once a second, and takes no jobs. Redis counts it
among the receivers of each update. A terminal shows a display that is redrawn every
second; otherwise each second is a line. Times cover the jobs that ended in the last ten
seconds; the last line covers all jobs. Quantiles with too few samples are omitted.

It watches for --for, or until Ctrl-C, which is exit code 130. Exit code 1: it could not
subscribe, or could not write its output.`

const watchExample = `  queuedyno watch -u redis://localhost:6379
  queuedyno watch --queue mails --channel mail_updates --for 1m --json
  queuedyno watch --dialect bullmq --queue bull:mails`

// watching is the verb watch at work.
type watching struct {
	existing
	metering metering
	meter    *meter
	length   time.Duration
	json     bool
	live     live.Address
	page     *livePage // nil without --live

	quoted string       // the message that was shown as not understood
	drawn  atomic.Int32 // lines that stand on the terminal
}

func (p *program) watchVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "watch",
		Short:   "Watch a queue and its updates, without a load",
		Long:    watchHelp,
		Example: watchExample,
		Args:    noArgs,
	}
	f := p.flagsOf(cmd)
	w := &watching{}
	w.addQueue(f, p, "to watch")
	w.addChannel(f, "to hear updates on")
	w.addRedis(f, "dialect", "update", "design")
	f.Group("Output")
	flags.Var(f, &w.length, "for", "", "`TIME` to watch (default: until Ctrl-C)", literal.Duration(1))
	f.Switch(&w.json, "json", "", "print a line of JSON each second")
	declareLive(f, &w.live)
	w.metering.declare(p, f, "watch")
	w.complete(cmd)
	cmd.RunE = p.verb(func(ctx context.Context, _ []string) error { return w.do(ctx) })
	return cmd
}

func (w *watching) do(ctx context.Context) error {
	if err := problem.Usage(slices.Concat(w.Problems, w.check(), w.dialectProblems(), w.metering.problems())...); err != nil {
		return err
	}
	ctx, signals := interrupt.Listen(ctx, w.p.console)
	defer signals.Close()
	var err error
	if w.page, err = w.p.openLive(ctx, w.live, "watch"); err != nil {
		return err
	}
	defer w.page.close()
	if w.meter, err = w.metering.start(); err != nil {
		return err
	}
	defer w.meter.close()
	client, err := w.connect(ctx)
	if err == nil {
		defer client.Close()
		// A key of another type is found out here.
		if _, err = client.Len(ctx); redisconn.Withheld(err) {
			w.p.console.Note("watch: %v: only the updates are shown", err)
			err = nil
		}
	}
	if err != nil && !signals.Happened() {
		return problem.Failed(err)
	}
	if err == nil {
		err = w.watchFor(ctx, client)
		w.meter.end(ctx)
	}
	switch {
	case signals.Happened() && !errors.Is(err, errOutput):
		return &problem.Failure{Code: problem.Interrupted, Problems: problem.List{{What: "interrupted"}}}
	case err != nil:
		return problem.Failed(err)
	}
	return nil
}

// watchFor watches for the time of --for.
func (w *watching) watchFor(ctx context.Context, client *jobqueue.Client) error {
	if d := w.length; d > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return w.watch(ctx, client)
}

// facts are those of the library whose workers are watched.
func (w *watching) facts() dialect.Facts { return library.Facts(w.Asked()) }

// errOutput marks the errors of standard output: with them nothing else counts.
var errOutput = errors.New("write to standard output")

// watch watches until ctx ends and prints each look, and the last one as what was
// seen in all.
func (w *watching) watch(ctx context.Context, client *jobqueue.Client) error {
	form, err := library.Mapping(w.Asked())
	if err != nil {
		return err
	}
	source, err := library.Over(w.Asked(), client, "")
	if err != nil {
		return err
	}
	w.p.console.Note("watch: %s at %s", watchedNames(w.Asked(), client), w.address)
	show, end := w.page.looks(client.Queue(), w.address)
	o := watch.Options{Show: func(l watch.Look) error {
		show(l)
		return w.show(l)
	}, Outage: w.outage, Update: form, Survey: func(ctx context.Context) *watch.Around { return w.survey(ctx, client) }}
	seen := w.meter.watch(&o)
	last, err := watch.Run(ctx, source, o)
	w.quote(last)
	end(last)
	if err == nil {
		seen(last)
	}
	switch {
	case err != nil:
		return err
	case w.json:
		return w.show(last)
	}
	return w.print(totals(last) + "\n")
}

func (w *watching) print(text string) error {
	if _, err := io.WriteString(w.p.stdout, text); err != nil {
		return fmt.Errorf("%w: %w", errOutput, err)
	}
	return nil
}

// survey asks what there is besides the queue, and says what is missing.
func (w *watching) survey(ctx context.Context, client *jobqueue.Client) *watch.Around {
	facts := w.facts()
	s := watch.Survey{
		Key: client.Queue(), Stream: w.Asked().Design == jobqueue.Stream, Cluster: client.Clustered(),
		Before: facts.KeyBefore, After: facts.KeyAfter, Names: facts.NamePrefix,
	}
	if announcedBy(w.Asked()) == "" {
		s.Channel = client.Channel()
	}
	a := s.Look(ctx, client)
	if a == nil {
		return nil
	}
	if a.Missing {
		empty := "the queue is empty (Redis keeps no empty list), or it has another name"
		if s.Stream {
			empty = "nothing was added to the stream yet, or it has another name"
		}
		w.p.console.Warn(fmt.Sprintf("watch: there is no key %q: %s", s.Key, empty), otherQueues(a))
	}
	if a.Listeners != nil && *a.Listeners == 0 {
		w.p.console.Warn(fmt.Sprintf("watch: no other client subscribes to channel %q", s.Channel), "--channel names the channel that your workers publish on")
	}
	return a
}

// otherQueues says which queues there are besides one that is missing, as far as that is
// known.
func otherQueues(a *watch.Around) string {
	switch {
	case len(a.Queues) > 0:
		return fmt.Sprintf("queues with jobs here: %s; --queue names one", strings.Join(a.Queues, ", "))
	case a.Searched:
		return "no queue here has jobs: is it this Redis, and this database?"
	}
	return ""
}

// outage says that the updates cannot be heard, and that they can be again.
func (w *watching) outage(err error) {
	w.drawn.Store(0)
	if err != nil {
		w.p.console.Note("watch: %v; waiting for it", err)
	} else {
		w.p.console.Note("watch: redis answers again; updates published in between may have been missed")
	}
}

// quote shows the first message that was not understood, once, and again when one that
// cannot be read comes after one of another status.
func (w *watching) quote(l watch.Look) {
	if odd := l.NotUnderstood; odd != nil && odd.String() != w.quoted {
		w.quoted = odd.String()
		w.p.console.Note("watch: the first message that was not understood: %s; %s", odd, observe.Hint(odd))
	}
}

// show prints one look.
func (w *watching) show(l watch.Look) error {
	var out strings.Builder
	switch {
	case w.json:
		w.quote(l)
		_ = json.NewEncoder(&out).Encode(l) // plain data into memory
	case console.IsTerminal(w.p.stdout) && w.p.getenv("TERM") != "dumb":
		lines := picture(l)
		if n := w.drawn.Load(); n > 0 {
			fmt.Fprintf(&out, "\x1b[%dA", n)
		}
		columns := console.Width(w.p.stdout) - 1
		for _, line := range lines {
			out.WriteString("\r\x1b[K" + console.Fit(line, columns) + "\n")
		}
		w.drawn.Store(int32(len(lines)))
	default:
		w.quote(l)
		out.WriteString(lookLine(l) + "\n")
	}
	return w.print(out.String())
}

// lookLine is a look in one line.
func lookLine(l watch.Look) string {
	parts := append([]string{seconds(l.ElapsedS)}, rates(l)...)
	parts = append(parts, "backlog "+backlog(l))
	if t := times(l.RunningRecent); t != "" {
		parts = append(parts, "running ("+recently(l)+") "+t)
	} else if t := times(l.WorkRecent); t != "" {
		parts = append(parts, "work ("+recently(l)+") "+t)
	}
	return strings.Join(append(parts, oddities(l)...), "  ")
}

// recently is the time that the recent times of a look are of.
func recently(l watch.Look) string { return "last " + seconds(l.RecentS) }

// picture is a look in the lines that are drawn on a terminal, always as many.
func picture(l watch.Look) []string {
	heard := fmt.Sprintf("%s: %s, %s in all", recently(l), number.Plural(l.RunningRecent.Count, "job"), number.Count(l.Running.Count))
	if l.Alone > 0 {
		heard += fmt.Sprintf(", %s without RUNNING", number.Count(l.Alone))
	}
	return []string{
		"for      " + seconds(l.ElapsedS),
		"updates  " + strings.Join(rates(l), "  "),
		"backlog  " + backlog(l),
		"running  " + orNone(times(l.RunningRecent)) + "  (" + heard + ")",
		"work     " + orNone(times(l.WorkRecent)) + "  (" + recently(l) + ")",
		"other    " + orNone(strings.Join(oddities(l), "  ")),
	}
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// rates are the updates of each status per second.
func rates(l watch.Look) []string {
	perS := func(n int64, what string) string {
		if l.SpanS <= 0 {
			return "0 " + what + "/s"
		}
		return number.Count(console.Round(float64(n)/l.SpanS)) + " " + what + "/s"
	}
	return []string{perS(l.Span.Running, "RUNNING"), perS(l.Span.Completed, "COMPLETED"), perS(l.Span.Failed, "FAILED")}
}

// backlog is the length of the queue, where it goes, and when it gets there.
func backlog(l watch.Look) string {
	switch {
	case l.Backlog == nil:
		return "not known"
	case l.TrendPerS == nil:
		return number.Count(*l.Backlog)
	}
	slope := console.Round(*l.TrendPerS)
	var says []string
	if slope > 0 {
		says = append(says, fmt.Sprintf("+%s/s", number.Count(slope)))
	} else if slope < 0 {
		says = append(says, number.Count(slope)+"/s")
	}
	if l.DrainS != nil && *l.Backlog > 0 {
		// Rounded up: what is left is not gone in no time.
		says = append(says, "empty in "+seconds(math.Ceil(*l.DrainS)))
	}
	if len(says) == 0 {
		return number.Count(*l.Backlog)
	}
	return fmt.Sprintf("%s (%s)", number.Count(*l.Backlog), strings.Join(says, ", "))
}

// times are the quantiles that there are.
func times(t watch.Times) string {
	var parts []string
	for _, q := range []struct {
		name string
		ns   *int64
	}{{"p50", t.P50NS}, {"p90", t.P90NS}, {"p99", t.P99NS}, {"max", t.MaxNS}} {
		if q.ns != nil {
			parts = append(parts, q.name+" "+console.Short(time.Duration(*q.ns)))
		}
	}
	return strings.Join(parts, " ")
}

// oddities are what should not be.
func oddities(l watch.Look) []string {
	var parts []string
	for _, odd := range []struct {
		n    int64
		what string
	}{
		{l.Total.Unreadable, "unreadable"}, {l.Total.Other, "of another status"},
		{l.Forgotten, "not paired"},
	} {
		if odd.n > 0 {
			parts = append(parts, number.Count(odd.n)+" "+odd.what)
		}
	}
	if l.Gaps > 0 {
		parts = append(parts, number.Plural(l.Gaps, "gap"))
	}
	return parts
}

// totals is what was seen in all.
func totals(l watch.Look) string {
	parts := []string{fmt.Sprintf("%s in %s: %s RUNNING, %s COMPLETED, %s FAILED", number.Plural(l.Total.Messages(), "update"), seconds(l.ElapsedS),
		number.Count(l.Total.Running), number.Count(l.Total.Completed), number.Count(l.Total.Failed))}
	if l.Backlog != nil {
		parts = append(parts, "backlog "+number.Count(*l.Backlog))
	} else {
		parts = append(parts, "backlog not known: "+l.Trouble)
	}
	if t := times(l.Running); t != "" {
		parts = append(parts, "running (all) "+t)
	}
	if t := times(l.Work); t != "" {
		parts = append(parts, "work (all) "+t)
	}
	parts = append(parts, oddities(l)...)
	if l.NotUnderstood != nil {
		parts = append(parts, "the first that was not understood: "+l.NotUnderstood.String())
	}
	return strings.Join(parts, "; ")
}

// seconds is a time in whole seconds.
func seconds(s float64) string {
	return time.Duration(console.Round(s) * int64(time.Second)).String()
}
