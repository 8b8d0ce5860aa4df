package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/watch"
)

const watchHelp = `Watch a queue and its updates as they are, without a load: updates per second by
status, the backlog, its trend and when it will be empty, and how long jobs take
from RUNNING to COMPLETED or FAILED where both are published.

It subscribes and asks for the length once a second, and takes no job. Redis
counts it among the receivers of each update. On a terminal the picture is drawn
anew every second; elsewhere each second is a line. A quantile that so few jobs
cannot carry is left out.

It watches for --for, or until Ctrl-C, which is exit code 130.`

const watchExample = `  queuedyno watch -u redis://localhost:6379
  queuedyno watch --queue mails --channel mail_updates --for 1m --json`

// watching is the verb watch at work.
type watching struct {
	existing
	length *value[time.Duration]
	asJSON *value[bool]

	drawn atomic.Int32 // lines that stand on the terminal
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
	w.addQueue(f, p, "whose length is watched")
	w.addChannel(f, "that updates are heard on")
	w.length = add(f, "for", "", "`TIME` to watch (default: until Ctrl-C)", duration(1))
	w.asJSON = addSwitch(f, "json", "", "print a line of JSON each second")
	w.addRedis(f, "design")
	w.complete(cmd)
	complete(cmd, "for", nothing())
	cmd.RunE = p.verb(func(cmd *cobra.Command, _ []string) error {
		p.console.quiet = w.quiet.get()
		return w.do(cmd.Context())
	})
	return cmd
}

func (w *watching) do(ctx context.Context) error {
	if err := usageErr(append(slices.Clone(w.faults), w.check()...)...); err != nil {
		return err
	}
	ctx, signals := listen(ctx, w.p.console)
	defer signals.close()
	client, err := w.connect(ctx)
	if err == nil {
		defer client.Close()
		_, err = client.Len(ctx) // a key of another type is found out here
	}
	if err != nil && !signals.happened() {
		return failed(err)
	}
	if d := w.length.get(); d > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	var last watch.Look
	if err == nil {
		w.p.console.note("watch: queue %q and channel %q at %s", client.Queue(), client.Channel(), w.address)
		last, err = watch.Run(ctx, client, watch.Options{Show: w.show, Outage: w.outage})
	}
	switch {
	case err != nil && !signals.happened():
		return failed(err)
	case err == nil && !w.asJSON.get():
		fmt.Fprintln(w.p.stdout, totals(last))
	}
	if signals.happened() {
		return &failure{code: exitInterrupted, faults: []fault{{what: "interrupted"}}}
	}
	return nil
}

// outage says that the updates cannot be heard, and that they can be again.
func (w *watching) outage(err error) {
	w.drawn.Store(0)
	if err != nil {
		w.p.console.note("watch: %v; waiting for it", err)
	} else {
		w.p.console.note("watch: redis answers again; what was published in between is missed")
	}
}

// show prints one look. There is nobody to tell when that fails.
func (w *watching) show(l watch.Look) {
	var out strings.Builder
	switch {
	case w.asJSON.get():
		_ = json.NewEncoder(&out).Encode(l) // plain data into memory
	case isTerminal(w.p.stdout) && w.p.env("TERM") != "dumb":
		lines := picture(l)
		if n := w.drawn.Load(); n > 0 {
			fmt.Fprintf(&out, "\x1b[%dA", n)
		}
		columns := width(w.p.stdout) - 1
		for _, line := range lines {
			out.WriteString("\r\x1b[K" + cutTo(line, columns) + "\n")
		}
		w.drawn.Store(int32(len(lines)))
	default:
		out.WriteString(lookLine(l) + "\n")
	}
	_, _ = io.WriteString(w.p.stdout, out.String())
}

// cutTo is a line of so many letters at most.
func cutTo(line string, columns int) string {
	if letters := []rune(line); len(letters) > columns {
		return string(letters[:max(0, columns)])
	}
	return line
}

// lookLine is a look in one line.
func lookLine(l watch.Look) string {
	parts := append([]string{seconds(l.ElapsedS)}, rates(l)...)
	parts = append(parts, "backlog "+backlog(l))
	if t := times(l.Running); t != "" {
		parts = append(parts, "running "+t)
	} else if t := times(l.Work); t != "" {
		parts = append(parts, "work "+t)
	}
	return strings.Join(append(parts, oddities(l)...), "  ")
}

// picture is a look in the lines that are drawn on a terminal, always as many.
func picture(l watch.Look) []string {
	heard := plural(int(l.Running.Count), "job")
	if l.Alone > 0 {
		heard += fmt.Sprintf(", %s without RUNNING", thousands(l.Alone))
	}
	return []string{
		"for      " + seconds(l.ElapsedS),
		"updates  " + strings.Join(rates(l), "  "),
		"backlog  " + backlog(l),
		"running  " + orNone(times(l.Running)) + "  (" + heard + ")",
		"work     " + orNone(times(l.Work)),
		"odd      " + orNone(strings.Join(oddities(l), "  ")),
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
		return thousands(round(float64(n)/l.SpanS)) + " " + what + "/s"
	}
	return []string{perS(l.Span.Running, "RUNNING"), perS(l.Span.Completed, "COMPLETED"), perS(l.Span.Failed, "FAILED")}
}

// backlog is the length of the queue, where it goes, and when it gets there.
func backlog(l watch.Look) string {
	switch {
	case l.Backlog == nil:
		return "not known"
	case l.TrendPerS == nil:
		return thousands(*l.Backlog)
	}
	text := thousands(*l.Backlog)
	switch slope := round(*l.TrendPerS); {
	case slope > 0:
		text += fmt.Sprintf(" (+%s/s)", thousands(slope))
	case slope < 0 && l.DrainS != nil && *l.Backlog > 0:
		text += fmt.Sprintf(" (%s/s, empty in %s)", thousands(slope), seconds(*l.DrainS))
	}
	return text
}

// times are the quantiles that there are.
func times(t watch.Times) string {
	var parts []string
	for _, q := range []struct {
		name string
		ns   *int64
	}{{"p50", t.P50NS}, {"p90", t.P90NS}, {"p99", t.P99NS}, {"max", t.MaxNS}} {
		if q.ns != nil {
			parts = append(parts, q.name+" "+short(time.Duration(*q.ns)))
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
			parts = append(parts, thousands(odd.n)+" "+odd.what)
		}
	}
	if l.Gaps > 0 {
		parts = append(parts, plural(int(l.Gaps), "gap"))
	}
	return parts
}

// totals is what was seen in all.
func totals(l watch.Look) string {
	parts := []string{fmt.Sprintf("%s in %s: %s RUNNING, %s COMPLETED, %s FAILED", plural(int(l.Total.Messages()), "update"), seconds(l.ElapsedS),
		thousands(l.Total.Running), thousands(l.Total.Completed), thousands(l.Total.Failed))}
	if l.Backlog != nil {
		parts = append(parts, "backlog "+thousands(*l.Backlog))
	}
	if t := times(l.Running); t != "" {
		parts = append(parts, "running "+t)
	}
	if t := times(l.Work); t != "" {
		parts = append(parts, "work "+t)
	}
	return strings.Join(append(parts, oddities(l)...), "; ")
}

// seconds is a time in whole seconds.
func seconds(s float64) string {
	return time.Duration(round(s) * int64(time.Second)).String()
}
