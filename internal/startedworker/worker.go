// Package startedworker starts the workers of --worker for a run, waits until they take
// jobs, and stops them. Faults can kill and pause them in between.
package startedworker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/workergroup"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// Worker is what --worker started for one run. It is safe for concurrent use.
type Worker struct {
	console *console.Console
	verb    string // whose notes they are
	name    string // of the scenario
	queue   string
	command workergroup.Command
	Hide    func(string) string // takes the secrets out of what it said
	// Warning is what there is to be said of its start, empty when nothing.
	Warning string
	began   atomic.Pointer[time.Time] // when the load did, nil before

	processes
}

var (
	_ engine.Workers = (*Worker)(nil)
	_ fault.Workers  = (*Worker)(nil)
)

// Options say how workers are started.
type Options struct {
	Command string
	// Processes is how many times the command is started. Zero means once.
	Processes     int
	Ready         time.Duration // how long they may take to be ready
	AllowNonEmpty bool          // whether other jobs may wait in the queue
	Environ       []string
	Console       *console.Console
	Verb, Name    string // of the command and the scenario, for notes
	Queue         string // the name by which the workers know the client's queue
}

// Start starts the workers of a run and waits until they are ready. The names
// are the client's: generated names may be different in a cluster.
func Start(ctx context.Context, o Options, client *jobqueue.Client, cfg jobqueue.Config) (*Worker, error) {
	// The run checks this too, but by then the worker would have taken the jobs.
	if n, err := client.Len(ctx); err != nil && !redisconn.Withheld(err) {
		return nil, err
	} else if n > 0 && !o.AllowNonEmpty {
		return nil, &problem.Hinted{
			What:   fmt.Sprintf("the queue is not empty: the worker would take %s of other clients", number.Plural(n, "job")),
			Remedy: "use another queue, clear it, or add --allow-non-empty",
		}
	}
	newcomers, err := client.ClientSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	hide := Hide(cfg.URL)
	times := ""
	if o.Processes > 1 {
		times = fmt.Sprintf(" %d times", o.Processes)
	}
	o.Console.Note("%s: %s: starting the worker%s: %s", o.Verb, o.Name, times, hide(console.OneLine(o.Command)))
	w := &Worker{
		console: o.Console, verb: o.Verb, name: o.Name, queue: o.Queue, Hide: hide, processes: processes{ended: make(chan struct{}), quit: make(chan struct{})},
		command: workergroup.Command{
			Line: o.Command,
			Env: append(workerEnv(o.Environ, workerURL(cfg.URL), o.Queue, client.Channel()),
				workerTLS(cfg, client.Unverified())...),
		},
	}
	for range max(1, o.Processes) {
		if err := w.start(); err != nil {
			w.Stop()
			return nil, err
		}
	}
	found, err := readiness{look: newcomers.Since, ended: w.ended, most: o.Ready}.await(ctx)
	if err != nil {
		err = w.notReady(err)
		w.Stop()
		return nil, err
	}
	w.Warning = found.warning
	o.Console.Note("%s: %s: the worker was ready after %s: %s", o.Verb, o.Name, console.Short(found.after), found.what)
	return w, nil
}

// workerEnv is the environment of a worker: the user's, and where to work. The
// variables of this run's own flags are not for it, for "queuedyno worker" would
// take them for its own; it gets those that name the queue and the channel.
func workerEnv(environ []string, url, queue, channel string) []string {
	var env []string
	for _, one := range environ {
		if !strings.HasPrefix(one, "QUEUEDYNO_") {
			env = append(env, one)
		}
	}
	return append(env, "REDIS_URL="+escapeLogin(url), "QUEUE="+queue, "CHANNEL="+channel,
		flags.Variable("queue")+"="+queue, flags.Variable("channel")+"="+channel)
}

// notReady says why the load cannot begin, and what can be done about it.
func (w *Worker) notReady(err error) error {
	switch {
	case errors.Is(err, errNotConnected):
		first := w.all[0].group
		w.show(first)
		return &problem.Hinted{
			What:   fmt.Sprintf("%s%s", err, w.lastWord(first)),
			Remedy: "it has to connect to the Redis in REDIS_URL; --worker-start gives a slow worker more time",
		}
	case !errors.Is(err, errWorkerEnded):
		return err
	}
	g := w.dead()
	w.show(g)
	e := g.Ending()
	hint := "REDIS_URL, QUEUE and CHANNEL name the Redis, the queue and the channel"
	switch e.Code {
	case 0:
		hint = "keep the command in the foreground until it is stopped: one in the background cannot be watched"
	case 126, 127:
		hint = "sh could not find or run the program: give its path"
	}
	return &problem.Hinted{What: fmt.Sprintf("%s with %s%s", err, e.What, w.lastWord(g)), Remedy: hint}
}

// show notes what a worker wrote last.
func (w *Worker) show(g *workergroup.Group) {
	for _, line := range g.Said() {
		w.console.Note("%s: %s: worker: %s", w.verb, w.name, w.Hide(line))
	}
}

// lastWord is the line of what a worker said that tells most.
func (w *Worker) lastWord(g *workergroup.Group) string {
	line := telling(g.Said())
	if line == "" {
		return "; it wrote nothing"
	}
	return "; it wrote: " + w.Hide(line)
}

// telling is the last line that looks like an error, else the last one: Node.js
// ends with its own version, a Go program with "exit status 2".
func telling(lines []string) string {
	const longest = 300 // letters
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	for _, one := range lines {
		small := strings.ToLower(one)
		for _, word := range []string{"error", "exception", "panic:", "fatal"} {
			// What is set in belongs to a trace.
			if strings.Contains(small, word) && strings.TrimLeft(one, " \t") == one {
				line = one
			}
		}
	}
	line = strings.TrimSpace(line)
	if letters := []rune(line); len(letters) > longest {
		line = string(letters[:longest]) + "…"
	}
	return line
}

// Begin is called when the load begins.
func (w *Worker) Begin() {
	now := time.Now()
	w.began.Store(&now)
	w.measure()
}

// End is called when its last job is accounted for.
func (w *Worker) End() engine.Worked {
	if g := w.dead(); g != nil {
		return engine.Worked{Err: w.died(g)}
	}
	return engine.Worked{CPU: w.used()}
}

// died says how a worker ended on its own.
func (w *Worker) died(g *workergroup.Group) error {
	e := g.Ending()
	when := "before the load"
	if began := w.began.Load(); began != nil && e.At.After(*began) {
		when = fmt.Sprintf("%.1f s into the load", e.At.Sub(*began).Seconds())
	}
	return fmt.Errorf("the worker ended %s with %s%s", when, e.What, w.lastWord(g))
}

// WatchExit says so as soon as it happens, until the function it returns is called.
func (w *Worker) WatchExit() (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-w.ended:
			if g := w.dead(); g != nil && !w.stopping() {
				w.show(g)
				w.console.Note("%s: %s: %s; the run goes on without it", w.verb, w.name, w.died(g))
			}
		case <-stop:
		}
	}()
	return func() { close(stop); <-stopped }
}

// Kill ends so many of the workers that run at once, or all with 0; that they end is no
// error. restart starts as many again.
func (w *Worker) Kill(_ context.Context, count int) (restart func(context.Context) error, err error) {
	victims := w.living(count)
	w.kill(victims)
	restart = func(context.Context) error {
		for range victims {
			if err := w.start(); err != nil {
				return err
			}
		}
		return nil
	}
	if len(victims) < max(1, count) {
		err = fmt.Errorf("kill workers: of %d only %d run", max(1, count), len(victims))
	}
	return restart, err
}

// Pause stops so many of the workers that run, or all with 0. resume lets them go on.
func (w *Worker) Pause(count int) (resume func() error, err error) {
	victims := w.living(count)
	for _, one := range victims {
		err = errors.Join(err, one.group.Pause())
	}
	if len(victims) < max(1, count) {
		err = errors.Join(err, fmt.Errorf("pause workers: of %d only %d run", max(1, count), len(victims)))
	}
	return func() (err error) {
		for _, one := range victims {
			err = errors.Join(err, one.group.Resume())
		}
		return err
	}, err
}

// start starts one more worker.
func (w *Worker) start() error {
	return w.add(func() (*workergroup.Group, error) { return workergroup.Start(w.command) })
}

// Stop ends the workers. It says what every report has to say of that.
func (w *Worker) Stop() (warning string) {
	slow := time.AfterFunc(time.Second, func() { w.console.Note("%s: %s: waiting for the worker to end", w.verb, w.name) })
	defer slow.Stop()
	if w.stop() {
		return fmt.Sprintf("the worker did not end within %s of a SIGTERM and was killed", workergroup.Patience)
	}
	return ""
}

// Warnings are what a result says about its worker, besides what the run knows.
func (w *Worker) Warnings(r *result.Result) (all []string) {
	if w.Warning != "" {
		all = append(all, w.Warning)
	}
	if l := r.Ledger; l.Sent > 0 && l.Popped == 0 {
		all = append(all, fmt.Sprintf("the worker took no job: it has to take jobs from the queue in QUEUE, which was %q", w.queue))
	}
	return all
}

// Hide makes what takes secrets out of a text: those of every URL, and the
// given one's wherever they stand as secrets.
func Hide(raw string) func(string) string {
	var secrets []string
	add := func(s string) {
		if s != "" {
			secrets = append(secrets, s)
		}
		if plain, err := url.PathUnescape(s); err == nil && plain != "" && plain != s {
			secrets = append(secrets, plain)
		}
	}
	_, rest, _ := strings.Cut(raw, "://")
	rest, query, _ := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, password, both := strings.Cut(rest[:at], ":")
		if !both {
			password = user // meant as one
		}
		add(password)
	}
	query, _, _ = strings.Cut(query, "#")
	for part := range strings.SplitSeq(query, "&") {
		if key, value, ok := strings.Cut(part, "="); ok && strings.Contains(strings.ToLower(key), "pas") {
			add(value)
		}
	}
	return func(text string) string {
		return mask.Text(console.Redact(text), secrets...)
	}
}
