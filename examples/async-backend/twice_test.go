package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// A worker that is slower than STALE, and a second one that gets the job meanwhile.
func TestAJobThatIsDoneTwiceEndsOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	l := listen(t, api, "acme")
	store, err := openStore(t.Context(), s.databaseURL, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer store.close()
	begun, finish := make(chan struct{}), make(chan struct{})
	slow := worker{store: store, queue: s.queue, log: slog.New(slog.DiscardHandler), work: func(context.Context, job) error {
		close(begun)
		<-finish
		return nil
	}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		slow.run(ctx, 1)
		close(ended)
	}()
	id := s.post(api, "acme")
	<-begun
	stop() // the slow worker takes no other job

	ids, err := store.reopen(t.Context(), 0, sweepBatch)
	if err != nil || len(ids) != 1 || ids[0] != id {
		t.Fatalf("reopen = %q, %v; want the running job", ids, err)
	}
	if err := s.queue.Push(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	quick := s.startWorker()
	s.waitForStatus(id, jobqueue.Completed)
	quick.terminate()
	quick.stopped()
	close(finish)
	<-ended
	if ends := l.rest(s, "acme"); len(ends) != 1 || ends[id] != 1 {
		t.Errorf("ends: %v, want one of %s", ends, id)
	}
}
