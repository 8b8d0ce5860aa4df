package jobqueue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestRemoveCountsWhatItRemovesAndTouchesNoOtherType(t *testing.T) {
	t.Parallel()
	for _, s := range []*redisserver.Server{redistest.Process(t), redistest.Embedded(t)} {
		t.Run(string(s.Kind()), func(t *testing.T) {
			c := connect(t, s)
			if err := c.Push(t.Context(), "a", "b", "c"); err != nil {
				t.Fatal(err)
			}
			for _, want := range []int64{3, 0} {
				if n, err := c.Remove(t.Context()); err != nil || n != want {
					t.Errorf("Remove = %d, %v, want %d", n, err, want)
				}
			}
			options, err := redis.ParseURL(s.URL())
			if err != nil {
				t.Fatal(err)
			}
			raw := redis.NewClient(options)
			defer raw.Close()
			if n, err := raw.Exists(t.Context(), c.Queue()).Result(); err != nil || n != 0 {
				t.Errorf("the key is still there: %d, %v", n, err)
			}
			if err := raw.Set(t.Context(), c.Queue(), "precious", 0).Err(); err != nil {
				t.Fatal(err)
			}
			_, err = c.Remove(t.Context())
			var e *redisconn.Error
			if !errors.As(err, &e) || !strings.Contains(e.Hint(), "not a list") {
				t.Errorf("Remove of a text = %v, want a refusal with its reason", err)
			}
			if v, err := raw.Get(t.Context(), c.Queue()).Result(); err != nil || v != "precious" {
				t.Errorf("the text is %q, %v after a refused Remove", v, err)
			}
		})
	}
}

func TestRemoveLeavesWhatTheWorkersOfAStreamHaveInHand(t *testing.T) {
	t.Parallel()
	for _, s := range []*redisserver.Server{redistest.Process(t), redistest.Embedded(t)} {
		t.Run(string(s.Kind()), func(t *testing.T) {
			c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.URL(), Queue: t.Name(), Design: jobqueue.Stream})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if n, err := c.Remove(t.Context()); err != nil || n != 0 {
				t.Errorf("Remove of nothing = %d, %v", n, err)
			}
			ids := make([]string, 2500)
			for i := range ids {
				ids[i] = fmt.Sprint(i)
			}
			if err := c.Push(t.Context(), ids...); err != nil {
				t.Fatal(err)
			}
			w, err := c.OpenConsumer(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if got, err := w.Pop(t.Context(), 1, time.Second); err != nil || len(got) != 1 {
				t.Fatalf("Pop = %q, %v", got, err)
			}
			for _, want := range []int64{2499, 0} {
				if n, err := c.Remove(t.Context()); err != nil || n != want {
					t.Errorf("Remove = %d, %v, want %d", n, err, want)
				}
			}
			options, err := redis.ParseURL(s.URL())
			if err != nil {
				t.Fatal(err)
			}
			raw := redis.NewClient(options)
			defer raw.Close()
			if n, err := raw.XLen(t.Context(), c.Queue()).Result(); err != nil || n != 1 {
				t.Errorf("%d jobs are kept, %v, want the one that was taken", n, err)
			}
		})
	}
}
