package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/observe"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/jobqueue"
)

const watchHelp = `Watch a queue and its updates as they are, without a load: updates per second by
status, the backlog, its trend and when it will be empty, and how long jobs take
from RUNNING to COMPLETED or FAILED where both are published.

It subscribes and asks for the length once a second, and takes no job. Redis
counts it among the receivers of each update. On a terminal the picture is drawn
anew every second; elsewhere each second is a line. Times are of the jobs that
ended in the last ten seconds; the last line has those of all. A quantile that so
few jobs cannot carry is left out.

It watches for --for, or until Ctrl-C, which is exit code 130. It is 1 where the
updates could not be heard to begin with, or the output not written.`

const watchExample = `  queuedyno watch -u redis://localhost:6379
  queuedyno watch --queue mails --channel mail_updates --for 1m --json`

// watching is the verb watch at work.
type watching struct {
	existing
	length *value[time.Duration]
	asJSON *value[bool]

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
	w.addQueue(f, p, "whose length is watched")
	w.addChannel(f, "that updates are heard on")
	w.length = add(f, "for", "", "`TIME` to watch (default: until Ctrl-C)", literal.Duration(1))
	w.asJSON = addSwitch(f, "json", "", "print a line of JSON each second")
	w.addRedis(f, "update", "design")
	w.complete(cmd)
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
		// A key of another type is found out here.
		if _, err = client.Len(ctx); redisconn.Withheld(err) {
			w.p.console.note("watch: %v: only the updates are shown", err)
			err = nil
		}
	}
	if err != nil && !signals.happened() {
		return failed(err)
	}
	if d := w.length.get(); d > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	if err == nil {
		err = w.watch(ctx, client)
	}
	switch {
	case signals.happened() && !errors.Is(err, errOutput):
		return &failure{code: exitInterrupted, faults: []fault{{what: "interrupted"}}}
	case err != nil:
		return failed(err)
	}
	return nil
}

// errOutput marks the errors of standard output: with them nothing else counts.
var errOutput = errors.New("write to standard output")

// watch watches until ctx ends and prints each look, and the last one as what was
// seen in all.
func (w *watching) watch(ctx context.Context, client *jobqueue.Client) error {
	w.p.console.note("watch: queue %q and channel %q at %s", client.Queue(), client.Channel(), w.address)
	var form updates.Mapping
	if text := w.asked().Update; text != "" {
		form, _ = updates.ParseMapping(text) // the flag has read it
	}
	last, err := watch.Run(ctx, client, watch.Options{Show: w.show, Outage: w.outage, Update: form})
	w.quote(last)
	switch {
	case err != nil:
		return err
	case w.asJSON.get():
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

// outage says that the updates cannot be heard, and that they can be again.
func (w *watching) outage(err error) {
	w.drawn.Store(0)
	if err != nil {
		w.p.console.note("watch: %v; waiting for it", err)
	} else {
		w.p.console.note("watch: redis answers again; what was published in between is missed")
	}
}

// quote shows the first message that was not understood, once, and again when one that
// cannot be read comes after one of another status.
func (w *watching) quote(l watch.Look) {
	if odd := l.NotUnderstood; odd != nil && odd.String() != w.quoted {
		w.quoted = odd.String()
		w.p.console.note("watch: the first message that was not understood: %s; %s", odd, observe.Hint(odd))
	}
}

// show prints one look.
func (w *watching) show(l watch.Look) error {
	var out strings.Builder
	switch {
	case w.asJSON.get():
		w.quote(l)
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
		w.quote(l)
		out.WriteString(lookLine(l) + "\n")
	}
	return w.print(out.String())
}

// cutTo is a line of so many letters at most.
func cutTo(line string, columns int) string {
	if letters := []rune(line); len(letters) > columns {
		return string(letters[:max(0, columns)])
	}
	return line
}
