package celery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/announced"
	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// over is a queue of a run on a Redis, whose jobs have ids that begin with "ours-".
func over(t *testing.T) (jobqueue.Backend, *jobqueue.Client) {
	t.Helper()
	name, _ := runname.Of("a1")
	c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: redistest.Process(t).URL(), Queue: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	b, err := Dialect{}.Over(c, "")
	if err != nil {
		t.Fatal(err)
	}
	form, err := updates.ParseMapping(Dialect{}.Facts().Update)
	if err != nil {
		t.Fatal(err)
	}
	if err := announced.Listen(b, form, "ours-"); err != nil {
		t.Fatal(err)
	}
	return b, c
}

func do(t *testing.T, c *jobqueue.Client, commands ...[]string) []any {
	t.Helper()
	answers, err := c.Do(t.Context(), commands...)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

func TestOnlyWhatIsLeftOfARunsTasksIsRemoved(t *testing.T) {
	t.Parallel()
	b, c := over(t)
	const tasks = 1234 // more than two pages
	put := func(id string) {
		do(t, c, []string{"SET", resultKey + id, "{}"}, []string{"HSET", heldKey, id, "[]"}, []string{"ZADD", heldIndexKey, "1", id})
	}
	var ids []string
	for i := range tasks {
		ids = append(ids, fmt.Sprintf("ours-%d", i))
		put(ids[i])
	}
	put("theirs")
	do(t, c, []string{"SADD", bindingKey + c.Queue(), "x"}, []string{"SADD", bindingKey + "celery", "x"})
	if err := b.(dialect.Sweeper).Sweep(t.Context(), slices.Values(ids)); err != nil {
		t.Fatal(err)
	}
	if err := b.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []any{int64(4), int64(1), int64(1), int64(1), int64(1)}
	got := do(t, c, []string{"DBSIZE"}, []string{"EXISTS", resultKey + "theirs"}, []string{"HLEN", heldKey}, []string{"ZCARD", heldIndexKey}, []string{"EXISTS", bindingKey + "celery"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("left are (-want +got):\n%s", diff)
	}
	// A second time there is nothing to remove, and no tasks are no mistake.
	for _, all := range [][]string{ids, nil} {
		if err := b.(dialect.Sweeper).Sweep(t.Context(), slices.Values(all)); err != nil {
			t.Error(err)
		}
	}
}

func TestTheStatesOfARunsTasksAreHeardAndNoOthers(t *testing.T) {
	t.Parallel()
	b, c := over(t)
	s, err := b.OpenSubscriber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mapping, err := updates.ParseMapping(Dialect{}.Facts().Update)
	if err != nil {
		t.Fatal(err)
	}
	state := func(id, status string) string {
		return `{"status": "` + status + `", "result": {"pid": 7, "hostname": "celery@vm"}, "traceback": null, "children": [], "date_done": null, "task_id": "` + id + `"}`
	}
	for _, one := range [][2]string{{"theirs-1", "SUCCESS"}, {"ours-1", "STARTED"}, {"ours-1", "SUCCESS"}, {"ours-2", "FAILURE"}, {"ours-3", "REVOKED"}} {
		do(t, c, []string{"PUBLISH", resultKey + one[0], state(one[0], one[1])})
	}
	for _, want := range []struct {
		id     string
		status jobqueue.Status
	}{{"ours-1", jobqueue.Running}, {"ours-1", jobqueue.Completed}, {"ours-2", jobqueue.Failed}, {"ours-3", jobqueue.Failed}} {
		m, err := s.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if v, err := mapping.View(m); err != nil || string(v.JobID) != want.id || v.Status != want.status {
			t.Errorf("%s is read as %s of %s, %v; want %s of %s", m, v.Status, v.JobID, err, want.status, want.id)
		}
	}
}

func TestWorkersOfCeleryHaveNoQueueOutsideRedis(t *testing.T) {
	t.Parallel()
	if _, err := (Dialect{}).Over(memory.New(), ""); !errors.Is(err, dialect.ErrNotRedis) {
		t.Errorf("a queue in memory: %v", err)
	}
}

func TestARemovalThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	b, c := over(t)
	do(t, c, []string{"SET", heldKey, "a string"})
	if err := b.(dialect.Sweeper).Sweep(context.WithoutCancel(t.Context()), slices.Values([]string{"ours-1"})); err == nil {
		t.Error("a key of another type was no error")
	}
}
