package jobqueue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/census"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// turnsOut looks until a turnout is as wanted.
func turnsOut(t *testing.T, n *census.Snapshot, want func(census.ConnectedClients) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got census.ConnectedClients
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		var err error
		if got, err = n.Since(ctx); err != nil {
			t.Fatal(err)
		}
		if want(got) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the turnout stays %+v", got)
		}
	}
}

// pop has a new consumer wait for a job until the test ends.
func pop(t *testing.T, c *jobqueue.Client) {
	t.Helper()
	consumer, err := c.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := consumer.Pop(ctx, 1, time.Minute); err != nil && !errors.Is(err, jobqueue.ErrEmpty) {
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done; consumer.Close() })
}

// asLoad is the URL for the user load.
func asLoad(url string) string { return strings.Replace(url, "://", "://load:s3cret@", 1) }

func TestWorkersThatComeAreSeenToWait(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	for _, row := range []struct {
		what, rights string
		counted      bool
	}{
		{"all rights", "+@all", false},
		{"INFO alone", "-client|list", true},
	} {
		if err := admin(t, server).Do(t.Context(), "ACL", "SETUSER", "load", "on", ">s3cret", "allkeys", "allchannels", "+@all", row.rights).Err(); err != nil {
			t.Fatal(err)
		}
		c := clientAt(t, asLoad(server.URL()))
		early, err := c.ClientSnapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pop(t, c)
		turnsOut(t, early, func(got census.ConnectedClients) bool { return got.Waiting == 1 })
		other := clientAt(t, server.URL())
		n, err := c.ClientSnapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		turnsOut(t, n, func(got census.ConnectedClients) bool { return got.Connected == 0 && got.Counted == row.counted })
		pop(t, other)
		pop(t, other)
		turnsOut(t, n, func(got census.ConnectedClients) bool { return got.Connected >= 2 && got.Waiting == 2 && !got.Mute })
	}
}

func TestAServerThatTellsNothingOfItsConnectionsIsNoFault(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	if err := admin(t, server).Do(t.Context(), append([]any{"ACL", "SETUSER"}, listRights...)...).Err(); err != nil {
		t.Fatal(err)
	}
	n, err := clientAt(t, asLoad(server.URL())).ClientSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := n.Since(t.Context()); !errors.Is(err, census.ErrWithheld) {
		t.Errorf("Look = %+v, %v, want %v", got, err, census.ErrWithheld)
	}
}

func TestTheEmbeddedServerTellsHowManyHaveCome(t *testing.T) {
	t.Parallel()
	c := clientAt(t, redistest.Embedded(t).URL())
	n, err := c.ClientSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pop(t, c)
	turnsOut(t, n, func(got census.ConnectedClients) bool { return got.Connected == 1 && got.Counted && got.Mute })
}

func TestWorkersOfAClusterAreSeenWhereverTheirQueuesLie(t *testing.T) {
	t.Parallel()
	c := designAt(t, redistest.Cluster(t, 0).URL(), jobqueue.Config{Queues: 3})
	n, err := c.ClientSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for queue := range 3 {
		consumer, err := c.OpenConsumerOn(t.Context(), queue)
		if err != nil {
			t.Fatal(err)
		}
		defer consumer.Close()
	}
	turnsOut(t, n, func(got census.ConnectedClients) bool { return got.Connected >= 3 && !got.Counted })
}
