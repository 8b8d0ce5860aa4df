package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-shellwords"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

// plan is what a run is going to do, with everything checked that can be
// checked before anything is started.
type plan struct {
	scenarios []scenario.Scenario
	// places are the result directories, one for each scenario.
	places []place
	redis  redisserver.Options
	tags   map[string]string
}

// running is the verb run at work.
type running struct {
	p    *program
	does string // the verb, where it is not run itself
	runFlags
}

// plan reads and checks everything. All faults are in the error it returns, not
// just the first.
func (r *running) plan(names []string) (plan, error) {
	faults := slices.Clone(r.faults)
	var pl plan
	replays := false // whether there is a recorded load, also one that cannot be read

	src, err := r.p.findScenarios(r.file.get())
	if err != nil {
		faults = append(faults, asFailure(r.p.badScenarios(src, err)).faults...)
		names = nil // whether they exist cannot be said
	} else {
		picked, unknown := src.pick(names)
		faults = append(faults, unknown...)
		for _, s := range picked {
			s, notes := r.apply(s)
			replays = replays || s.Load.Replay.File != ""
			if err := s.Open(); err != nil {
				faults = append(faults, faultOf(fmt.Errorf("scenario %q: %w", s.Name, err)))
				continue
			}
			s = s.WithDefaults() // a recorded load is as long as its file
			faults = append(faults, r.check(r.flags, s)...)
			if src.bundled {
				// Their limits are for the load that they come with.
				notes = append(notes, prefixed(s.Name, s.ScaleThresholds(r.asked().Thresholds))...)
			}
			pl.scenarios = append(pl.scenarios, s)
			for _, n := range notes {
				r.p.console.note("run: %s", n)
			}
			if source := s.Load.Replay.Source; source != "" {
				r.p.console.note("run: %s: recorded load: %s, %s", s.Name, plural(len(s.Load.Replay.Times.Times), "job"), source)
			}
			for _, caution := range s.Load.Replay.Cautions() {
				r.p.console.note("run: %s: %s", s.Name, caution)
			}
			for _, doubt := range s.Unanswerable() {
				r.p.console.note("run: %s: threshold %s", s.Name, doubt)
			}
		}
	}
	if r.name.given() && len(names) > 1 {
		faults = append(faults, fault{
			r.source("name") + ": one name for several result directories",
			"leave it out: each directory is named for its scenario and the time",
		})
	}
	pl.redis, err = r.server()
	if err != nil {
		faults = append(faults, faultOf(err))
	}
	faults = append(faults, r.certificates()...)
	faults = append(faults, r.names(pl)...)
	faults = append(faults, r.workerFaults(pl.scenarios)...)
	faults = append(faults, r.replayFaults(r.flags, replays)...)
	pl.tags = map[string]string{}
	for _, t := range r.tags.all {
		pl.tags[t.key] = t.value
	}

	now := time.Now()
	for _, s := range pl.scenarios {
		where := r.place("run", s.Name, s.Name, now)
		if err := where.check(); err != nil {
			faults = append(faults, faultOf(err))
		}
		pl.places = append(pl.places, where)
	}
	if len(faults) == 0 && len(pl.places) > 0 {
		record, all := roomForRuns(pl.scenarios)
		faults = append(faults, r.room("run", pl.places[0], record, all)...)
	}
	if err := usageErr(faults...); err != nil {
		return plan{}, err
	}
	r.p.console.note("run: using %s", src.where)
	return pl, nil
}

// prefixed is each note with the scenario that it is about.
func prefixed(name string, notes []string) []string {
	for i := range notes {
		notes[i] = name + ": " + notes[i]
	}
	return notes
}

// names checks what the queue and the channel are called: workers outside have
// to know, and a queue that is somebody else's is not ours to choose.
func (r *running) names(pl plan) []fault {
	var faults []fault
	for _, s := range pl.scenarios {
		if s.Load.Observed {
			if !r.existing(pl.redis.Source) {
				faults = append(faults, fault{
					fmt.Sprintf("scenario %q: its producers are external, and there are none at a Redis that is started for the run", s.Name),
					"name the one that they use with --redis redis://HOST:PORT",
				})
				break
			}
			continue
		}
		if !s.External {
			continue
		}
		key := jobqueue.DefaultQueue
		if s.Elements == scenario.SidekiqElements {
			key = "queue:default"
		}
		started := r.workerCommand() != "" // it is told
		if !started && (!r.queue.given() || !r.channel.given()) {
			faults = append(faults, fault{
				fmt.Sprintf("scenario %q: its consumers are external, and --queue and --channel do not both say where they look for jobs and publish", s.Name),
				"add --queue " + key + " --channel " + jobqueue.DefaultChannel + ", or whatever your workers use",
			})
		}
		if _, err := scenario.SidekiqQueue(r.queue.get()); s.Elements == scenario.SidekiqElements && r.queue.given() && err != nil {
			faults = append(faults, fault{fmt.Sprintf("scenario %q: %s", s.Name, err), "write it like --queue queue:default"})
		}
		if !started && !r.existing(pl.redis.Source) {
			faults = append(faults, fault{
				fmt.Sprintf("scenario %q: its consumers are external, and cannot know the address of a Redis that is started for the run", s.Name),
				"name the one that they use with --redis redis://HOST:PORT, or have them started with --worker",
			})
		}
		break
	}
	for _, s := range pl.scenarios {
		if s.External || !r.queue.given() {
			continue
		}
		switch {
		case s.Design == jobqueue.ReliableList, s.Design == jobqueue.Stream:
			faults = append(faults, fault{
				fmt.Sprintf("scenario %q: its consumers would take jobs of others from %q, and with the design %s could not put them back as they were", s.Name, r.queue.get(), s.Design),
				"add --consumers external, or leave out --queue",
			})
		case len(s.Queues) > 1:
			faults = append(faults, fault{
				fmt.Sprintf("scenario %q: its consumers would take jobs of others from several queues, and could not put them back where they were", s.Name),
				"add --consumers external, or leave out --queue",
			})
		}
	}
	if r.allowNonEmpty.get() && !r.queue.given() {
		faults = append(faults, fault{r.source("allow-non-empty") + ": a queue of the run's own is always empty", "name the queue with --queue"})
	}
	return faults
}

// existing reports whether the Redis of that source is one that is there already.
func (r *running) existing(source string) bool {
	return isURL(source) || source == "auto" && isURL(r.p.env("REDIS_URL"))
}

// keyName reads the name of a key or a channel.
func keyName(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("it is empty")
	}
	return s, nil
}

// directoryName reads the name of a result directory.
func directoryName(s string) (string, error) {
	switch {
	case strings.TrimSpace(s) == "":
		return "", errors.New("it is empty")
	case s == "." || s == "..", strings.ContainsAny(s, `/\`), !filepath.IsLocal(s):
		return "", fmt.Errorf("%q is not the name of one directory; where it is made is said with --out", s)
	case strings.HasPrefix(s, "."):
		return "", fmt.Errorf("%q would be hidden", s)
	}
	return s, nil
}

// server is how to come by the Redis under test. A URL is checked here, where
// nothing has been started yet; redisserver does not dial it.
func (r *running) server() (redisserver.Options, error) {
	o := redisserver.Options{
		Source: r.redis.or("auto"),
		Image:  r.image.get(),
		Getenv: r.p.env,
		Log:    func(line string) { r.p.console.note("run: %s", line) },
	}
	var err error
	if o.Args, err = r.serverArgs(); err != nil {
		return o, err
	}
	if len(o.Args) > 0 && (isURL(o.Source) || o.Source == "embedded") {
		return o, &hinted{
			r.source("redis-args") + ": there is no redis-server to start that could take them",
			"add --redis process or --redis docker",
		}
	}
	if o.Source != "docker" && r.onCommandLine("image") {
		return o, &hinted{"--image goes with a container only", "add --redis docker"}
	}
	fromEnv := r.p.env("REDIS_URL")
	if !isURL(o.Source) && !(o.Source == "auto" && isURL(fromEnv)) {
		return o, nil
	}
	check := o
	check.Log = nil
	s, err := redisserver.Start(context.Background(), check)
	if err != nil {
		return o, err
	}
	if err := redisconn.CheckURL(s.URL()); err != nil {
		if !isURL(o.Source) {
			err = fmt.Errorf("REDIS_URL: %w", err)
		}
		return o, err
	}
	return o, s.Close()
}

// isURL reports whether the source is anything but the name of a kind.
func isURL(source string) bool {
	switch source {
	case "", "auto", "process", "docker", "embedded":
		return false
	}
	return true
}

// serverArgs splits --redis-args as a shell would, without doing anything else
// that a shell does.
func (r *running) serverArgs() ([]string, error) {
	text := r.redisArgs.get()
	if text == "" {
		return nil, nil
	}
	shell := shellwords.NewParser()
	args, err := shell.Parse(text)
	if err != nil {
		return nil, &hinted{fmt.Sprintf("%s: %q: a quote or a bracket is not closed", r.source("redis-args"), text), ""}
	}
	if shell.Position >= 0 {
		return nil, &hinted{fmt.Sprintf("%s: %q: ; & | < and > must be quoted", r.source("redis-args"), text), ""}
	}
	return args, nil
}

// certificates checks the files for TLS as far as that can be done without a
// server. Variables may stay set while another Redis is used; flags may not.
func (r *running) certificates() []fault {
	var faults []fault
	url := r.redis.or("auto")
	if url == "auto" {
		url = r.p.env("REDIS_URL")
	}
	files := map[string]*value[string]{"cacert": r.cacert, "cert": r.cert, "key": r.key}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := files[name]
		if !file.given() {
			continue
		}
		if !strings.HasPrefix(url, "rediss") {
			if r.onCommandLine(name) {
				faults = append(faults, fault{fmt.Sprintf("--%s goes with a rediss:// URL only", name), "name the Redis with --redis rediss://…"})
			}
			continue
		}
		if f, err := os.Open(file.get()); err != nil {
			faults = append(faults, fault{what: fmt.Sprintf("%s: %v", r.source(name), err)})
		} else {
			f.Close()
		}
	}
	if r.tlsSkipVerify.get() && r.onCommandLine("tls-skip-verify") && !strings.HasPrefix(url, "rediss") {
		faults = append(faults, fault{"--tls-skip-verify goes with a rediss:// URL only", "name the Redis with --redis rediss://…"})
	}
	if r.cert.given() != r.key.given() {
		faults = append(faults, fault{what: "--cert and --key go together, and only one is given"})
	}
	return faults
}

// hinted is an error that knows the remedy.
type hinted struct{ what, hint string }

func (h *hinted) Error() string { return h.what }
func (h *hinted) Hint() string  { return h.hint }
