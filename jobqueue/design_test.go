package jobqueue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// connectTo is connect for a design.
func connectTo(tb testing.TB, s *redisserver.Server, cfg jobqueue.Config) *jobqueue.Client {
	tb.Helper()
	cfg.URL = s.URL()
	cfg.Queue, cfg.Channel = runname.Of(fmt.Sprint("test", serial.Add(1)))
	c, err := jobqueue.Connect(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// designs are those that the whole suite is run on; a list with one queue is
// run by TestConformanceOnRedis.
var designs = map[string]jobqueue.Config{
	"list of 3 queues":          {Queues: 3},
	"list-poll":                 {Design: jobqueue.ListPoll},
	"list-poll of 3 queues":     {Design: jobqueue.ListPoll, Queues: 3},
	"reliable-list":             {Design: jobqueue.ReliableList, Visibility: time.Minute},
	"reliable-list of 3 queues": {Design: jobqueue.ReliableList, Queues: 3, Visibility: time.Minute},
	"stream":                    {Design: jobqueue.Stream, Visibility: time.Minute},
	"stream of 3 queues":        {Design: jobqueue.Stream, Queues: 3, Visibility: time.Minute},
	"sharded":                   {Notify: jobqueue.ShardedPubSub},
	"sharded, 3 channels":       {Notify: jobqueue.ShardedPubSub, Channels: 3},
	"3 channels":                {Channels: 3},
	"sharded, 3 of both":        {Notify: jobqueue.ShardedPubSub, Queues: 3, Channels: 3},
	"pattern":                   {Pattern: true},
	"pattern of 3 channels":     {Pattern: true, Channels: 3},
}

func TestEveryDesignConforms(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	for name, cfg := range designs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return connectTo(tb, s, cfg) })
			queuetest.MultiQueueConformance(t, max(1, cfg.Queues), max(1, cfg.Channels),
				func(tb testing.TB) jobqueue.MultiQueue { return connectTo(tb, s, cfg) })
		})
	}
}

func TestEveryDesignConformsInVersion3OfTheProtocol(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	url := redistest.Process(t).URL() + "?protocol=3"
	for name, cfg := range designs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return designAt(tb, url, cfg) })
			queuetest.MultiQueueConformance(t, max(1, cfg.Queues), max(1, cfg.Channels),
				func(tb testing.TB) jobqueue.MultiQueue { return designAt(tb, url, cfg) })
		})
	}
}

func TestEveryDesignConformsOnTheEmbeddedServer(t *testing.T) {
	t.Parallel()
	s := redistest.Embedded(t)
	for name, cfg := range designs {
		if cfg.Notify == jobqueue.ShardedPubSub {
			continue // has no SPUBLISH
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return connectTo(tb, s, cfg) })
		})
	}
}

func TestShardedChannelsOfAServerWithoutThemAreExplained(t *testing.T) {
	t.Parallel()
	s := redistest.Embedded(t)
	_, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.URL(), Notify: jobqueue.ShardedPubSub})
	var e *redisconn.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), "7.0") || !strings.Contains(e.Error(), "sharded-pubsub") {
		t.Errorf("Connect = %v, want a hint that says since when there are sharded channels", err)
	}
}

func TestNothingIsPublishedWithoutNotification(t *testing.T) {
	t.Parallel()
	b := connectTo(t, redistest.Process(t), jobqueue.Config{Notify: jobqueue.NoNotify})
	s := open(t, b.OpenSubscriber)
	c := open(t, b.OpenConsumer).(jobqueue.PublishPopper)
	if n, err := c.Publish(t.Context(), []byte("no subscriber")); n != 0 || err != nil {
		t.Errorf("Publish = %d, %v", n, err)
	}
	if err := b.Push(t.Context(), "job"); err != nil {
		t.Fatal(err)
	}
	var got []int
	outcomes := []jobqueue.Outcome{{Message: []byte("m"), Last: true}, {}}
	jobs, err := c.PublishAndPop(t.Context(), outcomes, func(_, receivers int) { got = append(got, receivers) }, 1, time.Second)
	if err != nil || len(jobs) != 1 || fmt.Sprint(got) != "[-1 -1]" {
		t.Errorf("Turn = %q, %v with receivers %v; want the job and -1 twice", jobs, err, got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if m, err := s.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Receive = %q, %v; want context.Canceled", m, err)
	}
	s.Close()
	if m, err := s.Receive(t.Context()); !errors.Is(err, jobqueue.ErrClosed) {
		t.Errorf("Receive after Close = %q, %v; want ErrClosed", m, err)
	}
}

func TestAllFaultsOfAConfigAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := jobqueue.Connect(t.Context(), jobqueue.Config{
		URL: "redis://localhost:1", Design: "steam", Notify: "shared-pubsub", Queues: -1, Channels: 1e6,
		Poll: -1, Visibility: time.Millisecond,
	})
	if err == nil {
		t.Fatal("connected")
	}
	for _, want := range []string{
		`"steam" (did you mean "stream"?)`, `(did you mean "sharded-pubsub"?)`, "queues -1", "channels 1000000", "poll -1ns", "visibility 1ms",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nsays nothing of %s", err, want)
		}
	}
	sharded := jobqueue.Config{Pattern: true, Notify: jobqueue.ShardedPubSub}
	if err := sharded.Validate(); err == nil || !strings.Contains(err.Error(), "pattern") {
		t.Errorf("Validate of a pattern of sharded channels = %v", err)
	}
	if err := (jobqueue.Config{}).Validate(); err != nil {
		t.Errorf("Validate of nothing = %v", err)
	}
}

func TestAQueueOfAnotherTypeIsFoundOut(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	lists := connectTo(t, s, jobqueue.Config{})
	if err := lists.Push(t.Context(), "job"); err != nil {
		t.Fatal(err)
	}
	streams, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.URL(), Queue: lists.Queue(), Design: jobqueue.Stream})
	if err != nil {
		t.Fatal(err)
	}
	defer streams.Close()
	if err := streams.Check(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "is a list") {
		t.Errorf("Check = %v, want that the key is a list", err)
	}
	if err := lists.Check(t.Context(), 1); err != nil {
		t.Errorf("Check of the list itself = %v", err)
	}
}

func TestPeekShowsWhatWaitsInTheOrderInWhichItIsTaken(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	for name, cfg := range designs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := connectTo(t, s, cfg)
			p := open(t, b.OpenProducer)
			push := func(queue int, jobs ...string) {
				t.Helper()
				p.(jobqueue.QueueSelector).SelectQueue(queue)
				for _, j := range jobs {
					if err := p.Push(t.Context(), []byte(j)); err != nil {
						t.Fatal(err)
					}
				}
			}
			last := max(1, cfg.Queues) - 1
			push(0, "unfinished", "a", "b")
			push(last, "c", "d")
			if jobs, err := open(t, b.OpenConsumer).Pop(t.Context(), 1, time.Second); err != nil || string(jobs[0]) != "unfinished" {
				t.Fatalf("Pop = %q, %v", jobs, err)
			}
			for _, c := range []struct {
				from, n int64
				want    string
			}{{0, 10, "[a b c d]"}, {0, 1, "[a]"}, {1, 2, "[b c]"}, {3, 5, "[d]"}, {4, 1, "[]"}} {
				if got, err := b.Peek(t.Context(), c.from, c.n); err != nil || fmt.Sprint(got) != c.want {
					t.Errorf("Peek(%d, %d) = %q, %v; want %s", c.from, c.n, got, err, c.want)
				}
			}
		})
	}
}

// Not parallel: it counts the allocations of the whole process.
func TestATurnAllocatesNothing(t *testing.T) {
	s := redistest.Process(t)
	for _, design := range jobqueue.Designs() {
		t.Run(string(design), func(t *testing.T) {
			b := connectTo(t, s, jobqueue.Config{Design: design, Visibility: time.Minute})
			p, c := open(t, b.OpenProducer), open(t, b.OpenConsumer).(jobqueue.PublishPopper)
			jobs := [][]byte{[]byte("job")}
			outcomes, acked := []jobqueue.Outcome{{Message: []byte("over"), Last: true}}, func(int, int) {}
			turn := func() {
				if err := p.Push(t.Context(), jobs...); err != nil {
					t.Fatal(err)
				}
				if _, err := c.PublishAndPop(t.Context(), outcomes, acked, 1, time.Second); err != nil {
					t.Fatal(err)
				}
			}
			turn()
			if n := testing.AllocsPerRun(1000, turn); n > 0 {
				t.Errorf("a push and a turn allocate %v times, want 0", n)
			}
		})
	}
}

// What docs/designs.md says a job costs, for jobs one by one and in batches of
// ten that are there already.
func TestTheCommandsOfAJob(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	for _, c := range []struct {
		design jobqueue.Design
		batch  int
		want   string
	}{
		{jobqueue.List, 1, "brpop:100 lpush:100 publish:100"},
		{jobqueue.List, 10, "brpop:10 lpush:10 publish:100 rpop:10"},
		{jobqueue.ListPoll, 1, "lpush:100 publish:100 rpop:100"},
		{jobqueue.ListPoll, 10, "lpush:10 publish:100 rpop:10"},
		{jobqueue.ReliableList, 1, "blmove:100 lpush:100 lrem:100 publish:100"},
		{jobqueue.ReliableList, 10, "blmove:10 lmove:90 lpush:10 lrem:100 publish:100"},
		{jobqueue.Stream, 1, "publish:100 xack:100 xadd:100 xdel:100 xreadgroup:100"},
		{jobqueue.Stream, 10, "exec:10 multi:10 publish:100 xack:10 xadd:100 xdel:10 xreadgroup:10"},
	} {
		// Not in parallel: the server's counts are those of all.
		t.Run(fmt.Sprintf("%s, %d", c.design, c.batch), func(t *testing.T) {
			b := connectTo(t, s, jobqueue.Config{Design: c.design, Visibility: time.Hour})
			p, w := open(t, b.OpenProducer), open(t, b.OpenConsumer).(jobqueue.PublishPopper)
			jobs := make([][]byte, c.batch)
			work := func(n int) {
				outcomes := make([]jobqueue.Outcome, c.batch)
				for i := range outcomes {
					outcomes[i] = jobqueue.Outcome{Message: []byte("over"), Last: true}
				}
				for range n {
					if err := p.Push(t.Context(), jobs...); err != nil {
						t.Fatal(err)
					}
					got, err := w.Pop(t.Context(), c.batch, time.Second)
					if err != nil || len(got) != c.batch {
						t.Fatalf("Pop = %d jobs, %v", len(got), err)
					}
					if _, err := w.PublishAndPop(t.Context(), outcomes, func(int, int) {}, 0, 0); err != nil {
						t.Fatal(err)
					}
				}
			}
			counts := func() map[string]redisfacts.CommandFacts {
				f, err := b.Inspect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return f.Commands
			}
			work(1) // signs of life and the like
			before := counts()
			work(100 / c.batch)
			var got []string
			for name, after := range counts() {
				// A connection that was idle is proved or, where it is for single commands, opened
				// again and named.
				if n := after.Calls - before[name].Calls; n > 0 && name != "info" && name != "ping" && name != "client|setname" && !strings.HasPrefix(name, "config") {
					got = append(got, fmt.Sprintf("%s:%d", name, n))
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
