package fleet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
)

const (
	// removal bounds how long it takes to remove everything.
	removal = 2 * time.Minute
	// mistakes is how often in a row kubectl may fail to say how things are.
	mistakes = 5
)

// Options say how a [Manifest] is run.
type Options struct {
	Kubectl  Kubectl
	Manifest Manifest
	// Dir is an existing directory for the logs of the pods.
	Dir string
	// Poll is the time between two looks at the pods, and Patience how long after their end
	// their logs may take to be read.
	Poll, Patience time.Duration
	// Stop asks the shards to stop sending, to drain and to report, when it is closed.
	Stop <-chan struct{}
	// Note gets what is to be known while it goes on, and Line each line that a shard logs
	// outside of results. Both are called by several goroutines.
	Note func(format string, args ...any)
	Line func(shard int, line string)
}

// Log is what one pod has logged.
type Log struct {
	Shard   int
	Pod     string
	File    string // all of it
	Results int    // whole ones in it
	// Last are the last lines outside of results, and Why is the reason that the pod
	// failed; empty without one.
	Last []string
	Why  string
}

// Run creates what the manifest says, waits until all shards have ended, and returns their
// logs by shard. What it created is removed, however it ends, and nothing else is; only when
// pods have logs that cannot be read it stays, with an [UnreadError]. An error comes with the
// logs that there are. If ctx ends, it does not wait for the shards.
func Run(ctx context.Context, o Options) (logs []Log, err error) {
	r := &run{o: o, id: strings.ToLower(rand.Text()), pods: map[string]*follower{}, noted: map[int]string{}, ended: make(chan *follower)}
	r.o.Manifest.run = r.id
	if o.Manifest.Namespace != "" {
		r.o.Kubectl.Global = append(slices.Clone(o.Kubectl.Global), "--namespace", o.Manifest.Namespace)
	}
	if err := r.secret(ctx); err != nil {
		return nil, err
	}
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	r.following, r.giveUp = following, cancel
	if err = r.create(ctx); err == nil {
		if err = r.watch(ctx); err == nil {
			err = r.fetch(ctx)
		}
	}
	var removed error
	if unread := new(UnreadError); !errors.As(err, &unread) {
		removed = r.remove(context.WithoutCancel(ctx), ctx.Err() == nil)
	}
	cancel()
	r.await(nil)
	logs, kept := r.logs()
	return logs, errors.Join(err, kept, removed)
}

// run is a [Run] at work. Its fields belong to one goroutine.
type run struct {
	o         Options
	id        string
	following context.Context // for the streams
	giveUp    func()          // ends them
	pods      map[string]*follower
	open      int // streams
	ended     chan *follower
	noted     map[int]string
	count     string
	failures  int
}

// follower reads the log of one pod. While open is true, log and err belong to the
// goroutine that reads.
type follower struct {
	pod
	log  *podLog
	open bool
	err  error
}

// secret refuses a secret that does not exist, as far as the user may know that.
func (r *run) secret(ctx context.Context) error {
	m := r.o.Manifest
	out, err := r.o.Kubectl.output(ctx, nil, "get", "secret", m.Secret, "--ignore-not-found", "--output", `go-template={{range $key, $_ := .data}}{{$key}}{{"\n"}}{{end}}`)
	keys := strings.Fields(string(out))
	failed := new(KubectlError)
	switch {
	case errors.As(err, &failed) && strings.Contains(failed.Said, "(Forbidden)"):
		return nil // the pods may read it anyway
	case err != nil, slices.Contains(keys, m.SecretKey):
		return err
	}
	missing := &problem.Hinted{
		What:   fmt.Sprintf("the secret %q has no key %q", m.Secret, m.SecretKey),
		Remedy: fmt.Sprintf("create it: kubectl create secret generic %s --from-literal=%s=redis://HOST:PORT", m.Secret, m.SecretKey),
	}
	if len(keys) == 0 {
		missing.What = fmt.Sprintf("there is no secret %q with keys", m.Secret)
	}
	return missing
}

// create makes the ConfigMap and the Job. Where one of that name exists, it is an error.
func (r *run) create(ctx context.Context) error {
	var b bytes.Buffer
	if err := r.o.Manifest.Write(&b); err != nil {
		return err
	}
	if _, err := r.o.Kubectl.output(ctx, b.Bytes(), "create", "--filename", "-"); err != nil {
		return err
	}
	r.o.Note("created the Job %s with %d pods", r.o.Manifest.Name, r.o.Manifest.Shards)
	return nil
}

// selector is the label of everything that this run created.
func (r *run) selector() string { return "--selector=" + madeBy + "=" + r.id }

// remove deletes what the run created. The pods stop sending, drain and report first, and
// wait says whether to wait for that.
func (r *run) remove(ctx context.Context, wait bool) error {
	ctx, cancel := context.WithTimeout(ctx, removal+r.o.Manifest.Drain)
	defer cancel()
	args := []string{"delete", "job,configmap", r.selector(), "--ignore-not-found", "--cascade=foreground", "--wait=false"}
	if wait {
		args[len(args)-1] = "--wait=true"
	}
	_, err := r.o.Kubectl.output(ctx, nil, args...)
	if err != nil {
		return &problem.Hinted{
			What: "remove the Job and the ConfigMap: " + err.Error(), Remedy: r.typed("delete", "job,configmap", r.selector()), Err: err,
		}
	}
	return nil
}

// typed is a call of kubectl as a person types it.
func (r *run) typed(args ...string) string {
	return strings.Join(slices.Concat([]string{"kubectl"}, r.o.Kubectl.Global, args), " ")
}

// look asks how the Job and its pods are. It tolerates that kubectl fails a few times.
func (r *run) look(ctx context.Context) (s state, known bool, err error) {
	out, err := r.o.Kubectl.output(ctx, nil, "get", "job,pods", r.selector(), "--output", "json")
	if err == nil {
		s, err = parse(out)
	}
	if err == nil {
		r.failures = 0
		return s, true, nil
	}
	if r.failures++; r.failures >= mistakes || ctx.Err() != nil {
		return s, false, err
	}
	return s, false, nil
}

// ErrGone is returned when something deleted the Job while it ran.
var ErrGone = errors.New("the Job is gone: something else deleted it")

// watch follows the logs of all pods until all shards have ended.
func (r *run) watch(ctx context.Context) error {
	stop := r.o.Stop
	begin := time.Now()
	var stopped time.Time
	asked := false // to end
	tick := time.NewTicker(r.o.Poll)
	defer tick.Stop()
	for {
		s, known, err := r.look(ctx)
		if err != nil {
			return err
		}
		if known {
			r.show(s)
			if err := r.follow(s); err != nil {
				return err
			}
			running := slices.ContainsFunc(s.pods, func(p pod) bool { return !p.ended })
			switch {
			case s.over && !running:
				return nil
			case !stopped.IsZero() && (!running || time.Since(stopped) > r.o.Manifest.Drain+r.o.Patience):
				return nil
			case stopped.IsZero() && !s.job:
				return ErrGone
			case stopped.IsZero() && time.Since(begin) > r.o.Manifest.MeetTimeout:
				if err := r.late(s); err != nil {
					return err
				}
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-r.ended:
			r.closed(f)
		case <-stop:
			stop, stopped = nil, time.Now()
		case <-tick.C:
		}
		if !stopped.IsZero() && !asked {
			err := r.remove(ctx, false)
			if asked = err == nil; !asked && ctx.Err() == nil {
				r.o.Note("%s; it is tried again", err)
			}
		}
	}
}

// late is the error for shards that have not started.
func (r *run) late(s state) error {
	why := map[int]string{}
	for i := range r.o.Manifest.Shards {
		why[i] = "there is no pod"
	}
	for _, p := range s.pods {
		if why[p.shard] = cmp.Or(p.why, "Pending"); p.started || p.ended {
			delete(why, p.shard)
		}
	}
	for _, f := range r.pods {
		delete(why, f.shard)
	}
	if len(why) == 0 {
		return nil
	}
	var all []string
	for _, shard := range slices.Sorted(maps.Keys(why)) {
		all = append(all, fmt.Sprintf("shard %d (%s)", shard, why[shard]))
	}
	const most = 5
	if more := len(all) - most; more > 0 {
		all = append(all[:most], fmt.Sprintf("and %d more", more))
	}
	return &problem.Hinted{
		What:   fmt.Sprintf("%d of %d pods did not start within %s: %s", len(why), r.o.Manifest.Shards, r.o.Manifest.MeetTimeout, strings.Join(all, ", ")),
		Remedy: "mend that, ask for less with --cpu, --memory or -n, or wait longer with --meet-timeout",
	}
}

// show notes how many pods run, and why others do not, when that changes.
func (r *run) show(s state) {
	running, ended := 0, 0
	for _, p := range s.pods {
		switch {
		case p.ended:
			ended++
		case p.started:
			running++
		}
		if r.noted[p.shard] != p.why && p.why != "" {
			r.o.Note("shard %d (%s): %s", p.shard, p.name, p.why)
		}
		r.noted[p.shard] = p.why
	}
	count := fmt.Sprintf("%d of %d pods run", running, r.o.Manifest.Shards)
	if ended > 0 {
		count += fmt.Sprintf(", %d ended", ended)
	}
	if count != r.count {
		r.count = count
		r.o.Note("%s", count)
	}
}

// follow opens a stream for each log that can be read and is not yet read to its end.
func (r *run) follow(s state) error {
	for _, p := range s.pods {
		if !p.started {
			if f := r.pods[p.name]; f != nil {
				f.pod = p
			}
			continue
		}
		f := r.pods[p.name]
		if f == nil {
			log, err := newPodLog(filepath.Join(r.o.Dir, p.name+".log"), func(line string) { r.o.Line(p.shard, line) })
			if err != nil {
				return err
			}
			f = &follower{log: log}
			r.pods[p.name] = f
		} else if f.open || f.ended || f.log.results > 0 {
			f.pod = p
			continue // what an ended pod still lacks is fetched at the end
		} else if err := f.log.again(); err != nil {
			return err
		}
		f.pod = p
		r.read(f, "--follow")
	}
	return nil
}
