package announced_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/announced"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// heard is a subscriber to what workers announce in the form, on a Redis that reports keys.
type heard struct {
	*jobqueue.Client
	url  string
	form updates.Mapping
	sub  jobqueue.Subscriber
}

func hears(t *testing.T, mapping, ids string) *heard {
	t.Helper()
	form, err := updates.ParseMapping(mapping)
	if err != nil {
		t.Fatal(err)
	}
	url := redistest.Process(t).URL()
	c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: url, Identify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	h := &heard{Client: c, url: url, form: form}
	h.do(t, []string{"CONFIG", "SET", "notify-keyspace-events", announced.Setting})
	if err := announced.Listen(c, form, ids); err != nil {
		t.Fatal(err)
	}
	if h.sub, err = c.OpenSubscriber(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.sub.Close() })
	return h
}

func (h *heard) do(t *testing.T, commands ...[]string) {
	t.Helper()
	if _, err := h.Do(t.Context(), commands...); err != nil {
		t.Fatal(err)
	}
}

// until are the ids and statuses that are heard up to those of the id.
func (h *heard) until(t *testing.T, last string) (all []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		message, err := h.sub.Receive(ctx)
		if err != nil {
			t.Fatalf("after %q: %v", all, err)
		}
		v, err := h.form.View(message)
		if err != nil {
			t.Fatalf("%s: %v", message, err)
		}
		all = append(all, string(v.JobID)+" "+string(v.Status))
		if string(v.JobID) == last {
			return all
		}
	}
}

func TestChannelsOfJobsAreHeard(t *testing.T) {
	t.Parallel()
	h := hears(t, "channel=job:{id}:{status},completed=done,failed=dead", "ours-")
	h.do(t, []string{"PUBLISH", "job:ours-1:done", ""}, []string{"PUBLISH", "job:theirs:done", ""}, []string{"PUBLISH", "job:ours-2", "x"},
		[]string{"PUBLISH", "job:ours-3:dead", "x"})
	if got := h.until(t, "ours-3"); !slices.Equal(got, []string{"ours-1 COMPLETED", "ours-3 FAILED"}) {
		t.Errorf("heard %q", got)
	}
}

// Each status of a key is heard once, however often the key is set, whether it is a hash or a
// text; deletions, expiry and other types are not.
func TestEachStateOfAKeyIsHeardOnce(t *testing.T) {
	t.Parallel()
	h := hears(t, "key=job:{id},status=.state,completed=done,running=started", "ours-")
	step := func(want []string, last string, commands ...[]string) {
		t.Helper()
		h.do(t, commands...)
		if got := h.until(t, last); !slices.Equal(got, want) {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	step([]string{"ours-1 RUNNING"}, "ours-1", []string{"HSET", "job:ours-1", "state", "started"})
	step([]string{"ours-1 COMPLETED", "ours-2 RUNNING"}, "ours-2",
		[]string{"HSET", "job:ours-1", "progress", "50"}, []string{"EXPIRE", "job:ours-1", "100"}, []string{"HSET", "job:ours-1", "state", "done"},
		[]string{"HSET", "job:ours-1", "ended", "1"}, []string{"HSET", "job:theirs", "state", "done"}, []string{"RPUSH", "job:ours-7", "done"},
		[]string{"SET", "job:ours-2", `{"state":"started"}`, "EX", "60"})
	step([]string{"ours-2 COMPLETED", "ours-3 COMPLETED"}, "ours-3", []string{"SET", "job:ours-2", `{"state":"done"}`}, []string{"HSET", "job:ours-3", "state", "done"})
	h.do(t, []string{"DEL", "job:ours-3"})
	var ids []string
	for i := range 1234 {
		id := fmt.Sprintf("ours-%d", i+1)
		ids = append(ids, id)
		h.do(t, []string{"SETNX", "job:" + id, "x"})
	}
	if err := announced.Remove(t.Context(), h.Client, h.form, slices.Values(ids)); err != nil {
		t.Fatal(err)
	}
	left, err := h.Do(t.Context(), []string{"KEYS", "job:*"})
	if diff := cmp.Diff([]any{[]any{"job:theirs"}}, left); diff != "" || err != nil {
		t.Errorf("keys that are left (-want +got):\n%s%v", diff, err)
	}
}

func TestABurstOfKeysIsReadWhole(t *testing.T) {
	t.Parallel()
	h := hears(t, "key=r:{id},status=.,completed=ok", "")
	const jobs = 3000
	var sets [][]string
	for i := range jobs {
		sets = append(sets, []string{"SET", fmt.Sprintf("r:%d", i), "ok"})
	}
	h.do(t, append(sets, []string{"SET", "r:last", "ok"})...)
	got := h.until(t, "last")
	if len(got) != jobs+1 || got[0] != "0 COMPLETED" {
		t.Errorf("%d were heard, the first %q", len(got), got[0])
	}
}

// A Receive whose context has ended takes nothing away, and one whose connection broke says so.
func TestASubscriberToKeysEndsAsOthersDo(t *testing.T) {
	t.Parallel()
	h := hears(t, "key=r:{id},status=.,completed=ok", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.do(t, []string{"SET", "r:1", "ok"})
	if _, err := h.sub.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Receive: %v", err)
	}
	h.until(t, "1")
	if err := h.sub.(interface{ Disconnect(context.Context) error }).Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sub.Receive(t.Context()); !errors.Is(err, jobqueue.ErrLost) {
		t.Errorf("Receive after the connection broke: %v", err)
	}
	again, err := h.OpenSubscriber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go again.Close()
	if _, err := again.Receive(t.Context()); !errors.Is(err, jobqueue.ErrClosed) {
		t.Errorf("Receive after Close: %v", err)
	}
}

// The connection that reads keys can break while the subscription goes on. Redis reports a key
// once, so it has to be read by another connection.
func TestAKeyIsReadAlthoughTheConnectionForReadingBroke(t *testing.T) {
	t.Parallel()
	h := hears(t, "key=r:{id},status=.,completed=ok", "")
	other, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: h.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	const jobs = 1000
	done := make(chan error, 1)
	go func() {
		for i := range jobs {
			commands := [][]string{{"SET", fmt.Sprintf("r:%d", i), "ok"}}
			if i%100 == 50 { // in one go, so that the reader is at work on the key
				commands = append(commands, []string{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"})
			}
			if _, err := other.Do(t.Context(), commands...); err != nil {
				done <- err
				return
			}
		}
		_, err := other.Do(t.Context(), []string{"SET", "r:last", "ok"})
		done <- err
	}()
	got := h.until(t, "last")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(got) != jobs+1 {
		t.Errorf("%d of %d were heard", len(got), jobs+1)
	}
}

// Redis reports the keys of all its databases, and another one may have a key of that name
// with another type.
func TestAKeyOfAnotherDatabaseEndsNothing(t *testing.T) {
	t.Parallel()
	h := hears(t, "key=job:{id},status=.state,completed=done", "")
	h.do(t, []string{"RPUSH", "job:1", "queued"}) // of which nothing is heard
	h.do(t, []string{"EVAL", "redis.call('SELECT', 3) redis.call('SET', 'job:1', 'x')", "0"})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if message, err := h.sub.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Receive: %s, %v", message, err)
	}
	h.do(t, []string{"HSET", "job:2", "state", "done"})
	if got := h.until(t, "2"); !slices.Equal(got, []string{"2 COMPLETED"}) {
		t.Errorf("heard %q", got)
	}
}

func TestARedisThatDoesNotReportKeysIsRefusedWithARemedy(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"": "'K$h'", "Ex": "'K$hxE'", "Kh": "'K$h'", "E$h": "'K$hE'"} {
		h := hears(t, "key=r:{id},status=.,completed=ok", "")
		h.do(t, []string{"CONFIG", "SET", "notify-keyspace-events", setting})
		_, err := h.OpenSubscriber(t.Context())
		var hinted interface{ Hint() string }
		if !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), want) {
			t.Errorf("with %q: %v", setting, err)
		}
	}
	h := hears(t, "key=r:{id},status=.,completed=ok", "")
	h.do(t, []string{"CONFIG", "SET", "notify-keyspace-events", "AKE"})
	if s, err := h.OpenSubscriber(t.Context()); err != nil {
		t.Errorf("with all events: %v", err)
	} else {
		s.Close()
	}
}

func TestAUserThatMayNotReadTheKeysIsRefused(t *testing.T) {
	t.Parallel()
	h := hears(t, "key=r:{id}", "")
	for rights, refused := range map[string]bool{"": true, "+get": false, "+hmget": false} {
		h.do(t, append([]string{"ACL", "SETUSER", "reader", "reset", "on", ">s3cret", "~r:*", "allchannels", "-@all",
			"+psubscribe", "+punsubscribe", "+ping", "+hello", "+auth", "+client|id", "+client|setname", "+select"}, strings.Fields(rights)...))
		c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: strings.Replace(h.url, "://", "://reader:s3cret@", 1)})
		if err != nil {
			t.Fatal(err)
		}
		if err := announced.Listen(c, h.form, ""); err != nil {
			t.Fatal(err)
		}
		s, err := c.OpenSubscriber(t.Context())
		if is := err != nil && strings.Contains(err.Error(), "NOPERM"); is != refused || err != nil && !refused {
			t.Errorf("with the rights %q: %v", rights, err)
		}
		if err == nil {
			s.Close()
		}
		c.Close()
	}
}

func TestOnlyRedisHasOtherChannels(t *testing.T) {
	t.Parallel()
	form, err := updates.ParseMapping("channel=job:{id}")
	if err != nil {
		t.Fatal(err)
	}
	if err := announced.Listen(memory.New(), form, ""); err == nil {
		t.Error("a queue in memory was taken")
	}
}
