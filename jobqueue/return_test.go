package jobqueue_test

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestWhatIsReturnedIsTakenFirstAgain(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	for _, d := range jobqueue.Designs() {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			queue, channel := runname.Of("return-" + string(d))
			c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.URL(), Design: d, Queue: queue, Channel: channel})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			defer c.Clear(t.Context())
			if d != jobqueue.Stream {
				if err := c.Push(t.Context(), "later"); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Return(t.Context(), []byte("first"), []byte("second")); err != nil {
				t.Fatal(err)
			}
			k, err := c.OpenConsumer(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			for _, want := range []string{"first", "second"} {
				jobs, err := k.Pop(t.Context(), 1, 5*time.Second)
				if err != nil || string(jobs[0]) != want {
					t.Errorf("Pop = %q, %v, want %q", jobs, err, want)
				}
			}
		})
	}
}
