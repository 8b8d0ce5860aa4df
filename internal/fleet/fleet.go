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
	case len(keys) == 0:
		return &SecretError{Name: m.Secret, Key: m.SecretKey, What: fmt.Sprintf("there is no secret %q with keys", m.Secret)}
	}
	return &SecretError{Name: m.Secret, Key: m.SecretKey, What: fmt.Sprintf("the secret %q has no key %q", m.Secret, m.SecretKey)}
}

// SecretError says that the secret with the URL of the Redis is not there.
type SecretError struct{ Name, Key, What string }

func (e *SecretError) Error() string { return e.What }

// Hint is the remedy.
func (e *SecretError) Hint() string {
	return fmt.Sprintf("create it: kubectl create secret generic %s --from-literal=%s=redis://HOST:PORT", e.Name, e.Key)
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
		return &RemoveError{Err: err, Command: r.typed("delete", "job,configmap", r.selector())}
	}
	return nil
}

// typed is a call of kubectl as a person types it.
func (r *run) typed(args ...string) string {
	return strings.Join(slices.Concat([]string{"kubectl"}, r.o.Kubectl.Global, args), " ")
}

// RemoveError says that what a run created is still there.
type RemoveError struct {
	Err     error
	Command string // that removes it
}

func (e *RemoveError) Error() string { return "remove the Job and the ConfigMap: " + e.Err.Error() }
func (e *RemoveError) Unwrap() error { return e.Err }

// Hint is the remedy.
func (e *RemoveError) Hint() string { return e.Command }

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

// LateError says which shards did not start in time.
type LateError struct {
	After time.Duration
	Of    int
	// Shards are those that did not start, and Why their reasons, in the same order.
	Shards []int
	Why    []string
}

func (e *LateError) Error() string {
	var all []string
	for i, shard := range e.Shards[:min(len(e.Shards), 5)] {
		all = append(all, fmt.Sprintf("shard %d (%s)", shard, e.Why[i]))
	}
	if more := len(e.Shards) - len(all); more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%d of %d pods did not start within %s: %s", len(e.Shards), e.Of, e.After, strings.Join(all, ", "))
}

// Hint is the remedy.
func (e *LateError) Hint() string {
	return "mend that, ask for less with --cpu, --memory or -n, or wait longer with --meet-timeout"
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
	e := &LateError{After: r.o.Manifest.MeetTimeout, Of: r.o.Manifest.Shards}
	for _, shard := range slices.Sorted(maps.Keys(why)) {
		e.Shards, e.Why = append(e.Shards, shard), append(e.Why, why[shard])
	}
	return e
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
