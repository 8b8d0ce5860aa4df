package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// errStuck is why a log has not been read when kubectl neither ended nor failed.
var errStuck = errors.New("kubectl logs does not come to its end")

// read reads a log in a goroutine.
func (r *run) read(f *follower, more ...string) {
	f.open = true
	r.open++
	args := append([]string{"logs", f.name, "--container", Container}, more...)
	go func() {
		f.err = r.o.Kubectl.stream(r.following, nil, f.log, args...)
		r.ended <- f
	}()
}

func (r *run) closed(f *follower) {
	f.open = false
	r.open--
}

// await waits for the ends of all streams, or until the channel is closed.
func (r *run) await(enough <-chan struct{}) {
	for r.open > 0 {
		select {
		case f := <-r.ended:
			r.closed(f)
		case <-enough:
			return
		}
	}
}

// fetch reads the logs again that have no whole result: a stream may have broken off, or
// may not have come about.
func (r *run) fetch(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, r.o.Patience)
	defer cancel()
	r.await(soon.Done())
	late, cancel := context.WithTimeout(ctx, r.o.Patience)
	defer cancel()
	again := r.silent()
	for len(again) > 0 && late.Err() == nil {
		for _, f := range again {
			if err := f.log.again(); err != nil {
				return err
			}
			r.read(f)
		}
		r.await(late.Done())
		if again = r.refused(); len(again) > 0 {
			select {
			case <-late.Done():
			case <-time.After(r.o.Poll):
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case r.open == 0 && len(again) == 0:
		return nil
	}
	r.giveUp()
	r.await(nil)
	for _, f := range r.pods {
		if errors.Is(f.err, context.Canceled) {
			f.err = errStuck
		}
	}
	return r.unread(ctx)
}

// silent are the followers that have read no whole result.
func (r *run) silent() (all []*follower) {
	for _, f := range r.pods {
		if !f.open && f.log.results == 0 {
			all = append(all, f)
		}
	}
	return all
}

// refused are those of them whose log could not be read.
func (r *run) refused() []*follower {
	return slices.DeleteFunc(r.silent(), func(f *follower) bool { return f.err == nil })
}

// UnreadError says that pods which have ended have logs that could not be read. They, and the
// Job, are still there.
type UnreadError struct {
	Shards []int
	Of     int
	Err    error  // of the last try to read one of them
	Read   string // a command that reads one
	Remove string // the command that removes the Job afterwards
}

func (e *UnreadError) Error() string {
	return fmt.Sprintf("%d of %d logs could not be read, the first of them that of shard %d, so that the Job was not removed: %v", len(e.Shards), e.Of, e.Shards[0], e.Err)
}

func (e *UnreadError) Unwrap() error { return e.Err }

// Hint is the remedy.
func (e *UnreadError) Hint() string {
	return fmt.Sprintf("read each of them later, %s, give all to \"queuedyno merge\", then remove the Job: %s", e.Read, e.Remove)
}

// unread is the error for logs that could not be read though their pods are still there.
func (r *run) unread(ctx context.Context) error {
	s, known, _ := r.look(ctx) // when kubectl does not even say that, the pods may be there
	e := &UnreadError{Of: r.o.Manifest.Shards, Remove: r.typed("delete", "job,configmap", r.selector())}
	all := r.refused()
	slices.SortFunc(all, func(a, b *follower) int { return cmp.Compare(a.shard, b.shard) })
	for _, f := range all {
		if known && !slices.ContainsFunc(s.pods, func(p pod) bool { return p.name == f.name }) {
			continue
		}
		if len(e.Shards) == 0 {
			e.Err, e.Read = f.err, r.typed("logs", f.name)+" > "+f.name+".log"
		}
		e.Shards = append(e.Shards, f.shard)
	}
	if len(e.Shards) == 0 {
		return nil
	}
	return e
}

// logs are the logs of all pods, by shard. All streams have ended.
func (r *run) logs() (all []Log, err error) {
	for _, f := range r.pods {
		err = errors.Join(err, f.log.close())
		if f.why == "" && f.err != nil && f.log.results == 0 {
			f.why = f.err.Error()
		}
		all = append(all, Log{Shard: f.shard, Pod: f.name, File: f.log.file.Name(), Results: f.log.results, Last: f.log.last, Why: f.why})
	}
	slices.SortFunc(all, func(a, b Log) int { return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Pod, b.Pod)) })
	return all, err
}
