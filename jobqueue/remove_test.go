package jobqueue_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

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
			var e *jobqueue.Error
			if !errors.As(err, &e) || !strings.Contains(e.Hint(), "not a list") {
				t.Errorf("Remove of a text = %v, want a refusal with its reason", err)
			}
			if v, err := raw.Get(t.Context(), c.Queue()).Result(); err != nil || v != "precious" {
				t.Errorf("the text is %q, %v after a refused Remove", v, err)
			}
		})
	}
}
