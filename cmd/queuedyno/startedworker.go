package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/workergroup"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/result"
)

// startedWorker is what --worker started for one run.
type startedWorker struct {
	console *console
	verb    string // whose notes they are
	name    string // of the scenario
	queue   string
	group   *workergroup.Group
	hide    func(string) string // takes the secrets out of what it said
	// warning is what there is to be said of its start, empty when nothing.
	warning string
	began   atomic.Pointer[time.Time] // when the load did, nil before
	read    func() (used time.Duration, known bool)
	// asked is closed when it is asked to end.
	ask   sync.Once
	asked chan struct{}
}

var _ engine.Workers = (*startedWorker)(nil)

// startWorker starts the workers of a run and waits until they are ready. The
// names are the client's: those of a run's own may look otherwise in a cluster.
func (r *running) startWorker(ctx context.Context, name string, client *jobqueue.Client, cfg jobqueue.Config) (*startedWorker, error) {
	// The run looks as well, but by then the worker would have taken them.
	if n, err := client.Len(ctx); err != nil && !redisconn.Withheld(err) {
		return nil, err
	} else if n > 0 && !r.allowNonEmpty.get() {
		return nil, &hinted{
			fmt.Sprintf("the queue is not empty: %s of somebody else would be taken by the worker", plural(int(n), "job")),
			"name another queue, clear it, or say --allow-non-empty",
		}
	}
	newcomers, err := client.ClientSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	hide := hiding(cfg.URL)
	r.p.console.note("%s: %s: starting the worker: %s", r.verb(), name, hide(oneLine(r.workerCommand())))
	g, err := workergroup.Start(workergroup.Command{
		Line: r.workerCommand(),
		Env: append(workerEnv(os.Environ(), workerURL(cfg.URL), client.Queue(), client.Channel()),
			workerTLS(cfg, client.Unverified())...),
	})
	if err != nil {
		return nil, err
	}
	w := &startedWorker{console: r.p.console, verb: r.verb(), name: name, queue: client.Queue(), group: g, hide: hide, asked: make(chan struct{})}
	found, err := readiness{look: newcomers.Since, ended: g.Ended(), most: r.workerStart.or(defaultWorkerStart)}.await(ctx)
	if err != nil {
		err = w.notReady(err)
		w.Stop()
		return nil, err
	}
	w.warning = found.warning
	r.p.console.note("%s: %s: the worker was ready after %s: %s", r.verb(), name, short(found.after), found.what)
	return w, nil
}

// verb is the one whose notes are written.
func (r *running) verb() string {
	if r.does == "" {
		return "run"
	}
	return r.does
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
	return append(env, "REDIS_URL="+redisserver.EscapeLogin(url), "QUEUE="+queue, "CHANNEL="+channel,
		twin("queue")+"="+queue, twin("channel")+"="+channel)
}

// notReady says why the load cannot begin, and what can be done about it.
func (w *startedWorker) notReady(err error) error {
	switch {
	case errors.Is(err, errNobodyCame):
		w.tell()
		return &hinted{
			fmt.Sprintf("%s%s", err, w.lastWord()),
			"it has to connect to the Redis that REDIS_URL names; one that is slow to start gets more time by --worker-start",
		}
	case !errors.Is(err, errWorkerEnded):
		return err
	}
	w.tell()
	e := w.group.Ending()
	hint := "it finds the Redis in REDIS_URL, the queue in QUEUE and the channel in CHANNEL"
	switch e.Code {
	case 0:
		hint = "a command that goes into the background cannot be watched: let it stay until it is asked to end"
	case 126, 127:
		hint = "these are sh's words for a program that cannot be run or is not there: give its path"
	}
	return &hinted{fmt.Sprintf("%s with %s%s", err, e.What, w.lastWord()), hint}
}

// tell notes what the worker wrote last.
func (w *startedWorker) tell() {
	for _, line := range w.group.Said() {
		w.console.note("%s: %s: worker: %s", w.verb, w.name, w.hide(line))
	}
}

// lastWord is the line of what it said that tells most.
func (w *startedWorker) lastWord() string {
	line := telling(w.group.Said())
	if line == "" {
		return "; it wrote nothing"
	}
	return "; it wrote: " + w.hide(line)
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
func (w *startedWorker) Begin() {
	now := time.Now()
	w.began.Store(&now)
	w.read = w.group.Meter()
}

// End is called when its last job is accounted for.
func (w *startedWorker) End() engine.Worked {
	select {
	case <-w.group.Ended():
		return engine.Worked{Err: w.died()}
	default:
	}
	if used, known := w.read(); known {
		return engine.Worked{CPU: &used}
	}
	return engine.Worked{}
}

// died says how a worker ended that nobody had asked to.
func (w *startedWorker) died() error {
	e := w.group.Ending()
	when := "before the load"
	if began := w.began.Load(); began != nil && e.At.After(*began) {
		when = fmt.Sprintf("%.1f s into the load", e.At.Sub(*began).Seconds())
	}
	return fmt.Errorf("the worker ended %s with %s%s", when, e.What, w.lastWord())
}

// mourn says so as soon as it happens, until the function it returns is called.
func (w *startedWorker) mourn() (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-w.group.Ended():
			select {
			case <-w.asked:
			default:
				w.tell()
				w.console.note("%s: %s: %s; the run goes on without it", w.verb, w.name, w.died())
			}
		case <-stop:
		}
	}()
	return func() { close(stop); <-stopped }
}

// Stop ends the workers. It says what every report has to say of that.
func (w *startedWorker) Stop() (warning string) {
	w.ask.Do(func() { close(w.asked) })
	slow := time.AfterFunc(time.Second, func() { w.console.note("%s: %s: waiting for the worker to end", w.verb, w.name) })
	defer slow.Stop()
	if w.group.Stop() {
		return fmt.Sprintf("the worker did not end within %s of a SIGTERM and was killed", workergroup.Patience)
	}
	return ""
}

// warnings are what a result has to say of its worker beside what the run knows.
func (w *startedWorker) warnings(r *result.Result) (all []string) {
	if w.warning != "" {
		all = append(all, w.warning)
	}
	if l := r.Ledger; l.Sent > 0 && l.Popped == 0 {
		all = append(all, fmt.Sprintf("the worker took no job: it has to take from the queue that QUEUE names, which was %q", w.queue))
	}
	return all
}

// hiding makes what takes secrets out of a text: those of every URL, and the
// given one's wherever they stand as secrets.
func hiding(raw string) func(string) string {
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
		return redisserver.Mask(redact(text), secrets...)
	}
}
