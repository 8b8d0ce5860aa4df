package jobqueue_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func rawOf(t *testing.T, s *redisserver.Server) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	raw := redis.NewClient(options)
	t.Cleanup(func() { raw.Close() })
	return raw
}

func TestDiscardTakesTheOldestOfTheSameElementAndNoOther(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	c := connect(t, s)
	if err := c.Push(t.Context(), "ours", "theirs", "ours", "more"); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Discard(t.Context(), "ours", "absent"); n != 1 || err != nil {
		t.Errorf("Discard = %d, %v, want 1", n, err)
	}
	if left, err := c.Peek(t.Context(), 0, 9); err != nil || !slices.Equal(left, []string{"theirs", "ours", "more"}) {
		t.Errorf("left are %q, %v", left, err)
	}
}

func TestDiscardFindsWhatWaitsInAStreamAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	c := connectTo(t, s, jobqueue.Config{Design: jobqueue.Stream})
	if err := c.Push(t.Context(), "taken", "theirs", "ours", "last"); err != nil {
		t.Fatal(err)
	}
	w, err := c.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Pop(t.Context(), 1, time.Second); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Discard(t.Context(), "taken", "ours", "last"); n != 2 || err != nil {
		t.Errorf("Discard = %d, %v, want the 2 that wait", n, err)
	}
	if left, err := c.Peek(t.Context(), 0, 9); err != nil || !slices.Equal(left, []string{"theirs"}) {
		t.Errorf("left are %q, %v", left, err)
	}
}

func TestTheLengthOfAStreamIsWhatItsOwnWorkersHaveNotRead(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	c := connectTo(t, s, jobqueue.Config{Design: jobqueue.Stream})
	raw, ctx := rawOf(t, s), t.Context()
	if err := c.Push(ctx, "a", "b", "c", "d", "e"); err != nil {
		t.Fatal(err)
	}
	length := func(want int64) {
		t.Helper()
		if n, err := c.Len(ctx); n != want || err != nil {
			t.Errorf("Len = %d, %v, want %d", n, err, want)
		}
	}
	length(5) // without any group
	if err := raw.XGroupCreate(ctx, c.Queue(), "mailers", "0").Err(); err != nil {
		t.Fatal(err)
	}
	read, err := raw.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "mailers", Consumer: "m1", Streams: []string{c.Queue(), ">"}, Count: 3}).Result()
	if err != nil {
		t.Fatal(err)
	}
	// Two are over and stay in the stream, as with most workers.
	if err := raw.XAck(ctx, c.Queue(), "mailers", read[0].Messages[0].ID, read[0].Messages[1].ID).Err(); err != nil {
		t.Fatal(err)
	}
	length(2)
	if left, err := c.Peek(ctx, 0, 9); err != nil || !slices.Equal(left, []string{"d", "e"}) {
		t.Errorf("waiting are %q, %v", left, err)
	}
	if err := raw.XGroupCreate(ctx, c.Queue(), "audit", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Len(ctx); err == nil || !strings.Contains(err.Error(), "2 groups") {
		t.Errorf("Len with two groups = %d, %v, want that it is unknown", n, err)
	}
}
