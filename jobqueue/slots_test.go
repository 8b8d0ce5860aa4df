//go:build unix

package jobqueue_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// many is so many queues that they lie on several nodes, wherever their slots
// happen to be.
const many = 12

// keys are how many keys each node has.
func keys(t *testing.T, g *redisserver.Group) (each []int64) {
	t.Helper()
	for _, s := range g.Nodes() {
		n, err := admin(t, s).DBSize(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		each = append(each, n)
	}
	return each
}

// nodesWithKeys is on how many nodes there is a key.
func nodesWithKeys(t *testing.T, g *redisserver.Group) (n int) {
	t.Helper()
	for _, k := range keys(t, g) {
		if k > 0 {
			n++
		}
	}
	return n
}

// fill pushes so many jobs to each queue, named by the queue and their number.
func fill(t *testing.T, b *jobqueue.Client, jobs int) (all []string) {
	t.Helper()
	p := open(t, b.OpenProducer)
	for q := range many {
		p.(jobqueue.QueueSelector).SelectQueue(q)
		for i := range jobs {
			all = append(all, fmt.Sprintf("%d/%d", q, i))
			if err := p.Push(t.Context(), []byte(all[len(all)-1])); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

func TestTheCommandsBesideTheLoadFindQueuesThatLieApart(t *testing.T) {
	t.Parallel()
	for _, design := range jobqueue.Designs() {
		t.Run(string(design), func(t *testing.T) {
			t.Parallel()
			g := redistest.Cluster(t, 0)
			b := designAt(t, g.URL(), jobqueue.Config{Design: design, Queues: many})
			all := fill(t, b, 3)
			if !b.CrossSlot() || nodesWithKeys(t, g) < 2 {
				t.Fatalf("Apart = %t, with keys on %d nodes; want several", b.CrossSlot(), nodesWithKeys(t, g))
			}
			if err := b.Check(t.Context(), 100); err != nil {
				t.Error(err)
			}
			if n, err := b.Len(t.Context()); n != 3*many || err != nil {
				t.Errorf("Len = %d, %v; want %d", n, err, 3*many)
			}
			for _, from := range []int64{0, 1, 3, 10} {
				got, err := b.Peek(t.Context(), from, 20)
				if want := all[from : from+20]; err != nil || !slices.Equal(got, want) {
					t.Errorf("Peek(%d, 20) = %q, %v; want %q", from, got, err, want)
				}
			}
			if design != jobqueue.Stream {
				if n, err := b.Discard(t.Context(), "0/1", "7/2", "11/0", "none"); n != 3 || err != nil {
					t.Errorf("Discard = %d, %v; want 3", n, err)
				}
				if n, err := b.Remove(t.Context()); n != 3*many-3 || err != nil {
					t.Errorf("Remove = %d, %v; want %d", n, err, 3*many-3)
				}
				fill(t, b, 1)
			}
			if err := b.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n, err := b.Len(t.Context()); n != 0 || err != nil {
				t.Errorf("Len after Clear = %d, %v", n, err)
			}
			if n := nodesWithKeys(t, g); n != 0 {
				t.Errorf("keys of each node after Clear: %d", keys(t, g))
			}
		})
	}
}

func TestTheJobsOfADeadWorkerStayInTheirQueueWhereQueuesLieApart(t *testing.T) {
	t.Parallel()
	for _, design := range []jobqueue.Design{jobqueue.ReliableList, jobqueue.Stream} {
		t.Run(string(design), func(t *testing.T) {
			t.Parallel()
			g := redistest.Cluster(t, 0)
			b := designAt(t, g.URL(), jobqueue.Config{Design: design, Queues: many, Visibility: 500 * time.Millisecond})
			fill(t, b, 4)
			worker := func(q int) jobqueue.PublishPopper {
				return open(t, func(ctx context.Context) (jobqueue.Consumer, error) { return b.OpenConsumerOn(ctx, q) }).(jobqueue.PublishPopper)
			}
			for q := range many {
				w := worker(q)
				if jobs, err := w.Pop(t.Context(), 4, time.Second); err != nil || len(jobs) != 4 {
					t.Fatalf("Pop of queue %d = %q, %v; want 4 jobs", q, jobs, err)
				}
				if _, err := w.PublishAndPop(t.Context(), lasts(2), func(int, int) {}, 0, 0); err != nil {
					t.Fatal(err)
				}
				w.Close()
			}
			for q := range many {
				heir, seen, n := worker(q), map[string]bool{}, 0
				for len(seen) < 2 {
					jobs, err := heir.PublishAndPop(t.Context(), lasts(n), func(int, int) {}, 2, 20*time.Second)
					if err != nil {
						t.Fatalf("queue %d: %v and then %v", q, seen, err)
					}
					n = len(jobs)
					for _, j := range jobs {
						seen[string(j)] = true
					}
				}
				if _, err := heir.PublishAndPop(t.Context(), lasts(n), func(int, int) {}, 0, 0); err != nil {
					t.Fatal(err)
				}
				got := slices.Sorted(maps.Keys(seen))
				if want := fmt.Sprintf("[%d/2 %d/3]", q, q); fmt.Sprint(got) != want {
					t.Errorf("the heir of queue %d got %q, want %s", q, got, want)
				}
				heir.Close()
			}
			if err := b.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := nodesWithKeys(t, g); n != 0 {
				t.Errorf("keys of each node after Clear: %d", keys(t, g))
			}
		})
	}
}

func TestQueuesWithATagLieTogetherInACluster(t *testing.T) {
	t.Parallel()
	g := redistest.Cluster(t, 0)
	b, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: g.URL(), Queue: "{app}:jobs", Queues: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, c := open(t, b.OpenProducer).(jobqueue.QueueSelector), open(t, b.OpenConsumer)
	for q := range 3 {
		p.SelectQueue(q)
		if err := p.Push(t.Context(), fmt.Append(nil, q)); err != nil {
			t.Fatal(err)
		}
	}
	for q := range 3 {
		if jobs, err := c.Pop(t.Context(), 1, time.Second); err != nil || string(jobs[0]) != fmt.Sprint(q) {
			t.Errorf("Pop = %q, %v; want %d", jobs, err, q)
		}
	}
	if b.CrossSlot() {
		t.Error("queues with a tag are reported to be in different slots")
	}
}

func TestAConsumerOfQueuesThatLieApartIsRefusedWithTheRemedy(t *testing.T) {
	t.Parallel()
	b := designAt(t, redistest.Cluster(t, 0).URL(), jobqueue.Config{Queues: 2})
	_, err := b.OpenConsumer(t.Context())
	var e *redisconn.Error
	if !errors.As(err, &e) || !strings.Contains(e.Error(), "slot") || !strings.Contains(e.Hint(), "{orders}") {
		t.Errorf("OpenConsumer = %v, want a refusal and a hint about braces", err)
	}
}

// A producer of several queues that loses the node of one of them is lost, with
// the name of that node; and what is opened when another has taken its place
// pushes to all queues.
func TestTheLossOfOneNodeIsTheLossOfTheProducer(t *testing.T) {
	t.Parallel()
	g := redistest.Cluster(t, 1)
	b := designAt(t, g.URL(), jobqueue.Config{Queues: many})
	p := open(t, b.OpenProducer).(jobqueue.Pipeliner)
	answers := make(chan error)
	go func() {
		for {
			err := p.Await()
			answers <- err
			if err != nil {
				return
			}
		}
	}()
	send := func() error {
		for q := range many {
			p.(jobqueue.QueueSelector).SelectQueue(q)
			if err := p.Send([]byte("job")); err != nil {
				return err
			}
		}
		return p.Flush()
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	for range many {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	at := nodeOf(t, b)
	if err := syscall.Kill(pids(g)[at], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := send(); err != nil && !errors.Is(err, jobqueue.ErrLost) {
		t.Errorf("Flush = %v, want nothing or ErrLost", err)
	}
	for err := error(nil); ; {
		if err = <-answers; err == nil {
			continue
		}
		if !errors.Is(err, jobqueue.ErrLost) || !strings.Contains(err.Error(), at) {
			t.Errorf("Await = %v, want ErrLost at %s", err, at)
		}
		break
	}
	p.Close()
	if err := p.Await(); !errors.Is(err, jobqueue.ErrClosed) {
		t.Errorf("Await after Close = %v, want ErrClosed", err)
	}
	after := reopened(t, b.OpenProducer)
	defer after.Close()
	deadline := time.Now().Add(time.Minute)
	for q := 0; q < many; {
		after.(jobqueue.QueueSelector).SelectQueue(q)
		err := after.Push(t.Context(), []byte("job"))
		switch {
		case err == nil:
			q++
		case !errors.Is(err, jobqueue.ErrLost) || time.Now().After(deadline):
			t.Fatalf("Push after the failover = %v", err)
		default:
			after.Close()
			after = reopened(t, b.OpenProducer)
		}
	}
}

// nodeOf is the node of the first queue.
func nodeOf(t *testing.T, b *jobqueue.Client) string {
	t.Helper()
	calls := func() map[string]int64 {
		f, err := b.Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int64{}
		for _, n := range f.Nodes {
			if n.Role == "master" {
				out[n.Address] = n.Facts.Commands["lpush"].Calls
			}
		}
		return out
	}
	before := calls()
	if err := b.Push(t.Context(), "where"); err != nil {
		t.Fatal(err)
	}
	for addr, n := range calls() {
		if n > before[addr] {
			return addr
		}
	}
	t.Fatal("no node took the job")
	return ""
}

func TestAProducerThatWaitsForNothingIsEndedByClose(t *testing.T) {
	t.Parallel()
	p := open(t, designAt(t, redistest.Cluster(t, 0).URL(), jobqueue.Config{Queues: 3}).OpenProducer).(jobqueue.Pipeliner)
	ended := make(chan error, 1)
	go func() { ended <- p.Await() }()
	p.Close()
	if err := <-ended; !errors.Is(err, jobqueue.ErrClosed) {
		t.Errorf("Await = %v, want ErrClosed", err)
	}
}

// Not parallel: it counts the allocations of the whole process.
func TestPushesToQueuesThatLieApartAllocateNothing(t *testing.T) {
	g := redistest.Cluster(t, 0)
	for _, design := range []jobqueue.Design{jobqueue.List, jobqueue.Stream} {
		t.Run(string(design), func(t *testing.T) {
			p := open(t, designAt(t, g.URL(), jobqueue.Config{Design: design, Queues: 3}).OpenProducer).(jobqueue.Pipeliner)
			jobs := [][]byte{[]byte("job")}
			round := func() {
				for q := range 30 {
					p.(jobqueue.QueueSelector).SelectQueue(q % 3)
					if err := p.Send(jobs...); err != nil {
						t.Fatal(err)
					}
				}
				if err := p.Flush(); err != nil {
					t.Fatal(err)
				}
				for range 30 {
					if err := p.Await(); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 20 {
				round()
			}
			if n := testing.AllocsPerRun(200, round); n > 0 {
				t.Errorf("30 pushes allocate %v times, want 0", n)
			}
		})
	}
}
