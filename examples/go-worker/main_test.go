package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }

func TestEveryJobIsCompletedOnce(t *testing.T) {
	queue := redistest.Queue(t)
	s, err := queue.OpenSubscriber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 100 {
		if err := queue.Push(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	heard := map[string]int{}
	go func() {
		defer stop()
		for range 100 {
			m, err := s.Receive(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			u, err := jobqueue.ParseUpdate(m)
			if err != nil || u.Status != jobqueue.Completed || u.Work <= 0 {
				t.Errorf("update %s, %v", m, err)
			}
			heard[u.JobID]++
		}
	}()
	done, err := run(ctx, queue, 8)
	if err != nil || done != 100 {
		t.Errorf("%d jobs were done, %v; want 100", done, err)
	}
	<-ctx.Done()
	for i := range 100 {
		if heard[fmt.Sprint(i)] != 1 {
			t.Errorf("job %d was completed %d times", i, heard[fmt.Sprint(i)])
		}
	}
}
