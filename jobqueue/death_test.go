package jobqueue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// A worker takes a batch, ends some of it, and dies: by Close, which tells
// no one of the jobs, or because its connection breaks. What becomes of the
// others depends on the design.
func TestTheJobsOfADeadWorker(t *testing.T) {
	t.Parallel()
	const visibility = 200 * time.Millisecond
	for name, c := range map[string]struct {
		cfg  jobqueue.Config
		want string // what the others get
	}{
		"list":                      {jobqueue.Config{}, "[]"},
		"list-poll":                 {jobqueue.Config{Design: jobqueue.ListPoll}, "[]"},
		"reliable-list":             {jobqueue.Config{Design: jobqueue.ReliableList}, "[2 3 4]"},
		"reliable-list of 2 queues": {jobqueue.Config{Design: jobqueue.ReliableList, Queues: 2}, "[2 3 4]"},
		"stream":                    {jobqueue.Config{Design: jobqueue.Stream}, "[2 3 4]"},
		"stream of 2 queues":        {jobqueue.Config{Design: jobqueue.Stream, Queues: 2}, "[2 3 4]"},
	} {
		c.cfg.Visibility = visibility
		for _, end := range []string{"closed", "cut off"} {
			t.Run(name+" "+end, func(t *testing.T) {
				t.Parallel()
				s := redistest.Process(t) // one for each: all its clients are cut off
				b := connectTo(t, s, c.cfg)
				for i := range 5 {
					if err := b.Push(t.Context(), fmt.Sprint(i)); err != nil {
						t.Fatal(err)
					}
				}
				died := die(t, s.URL(), b, end)
				var got []string
				cfg := c.cfg
				cfg.URL, cfg.Queue, cfg.Channel = s.URL(), b.Queue(), b.Channel()
				next, err := jobqueue.Connect(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer next.Close()
				heir := open(t, next.OpenConsumer).(jobqueue.PublishPopper)
				for wait := 20 * time.Second; len(got) < 3; {
					if c.want == "[]" {
						wait = 4 * visibility // nothing comes, however long one waits
					}
					jobs, err := heir.PublishAndPop(t.Context(), lasts(len(got)), func(int, int) {}, 2, wait)
					if errors.Is(err, jobqueue.ErrEmpty) {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					// The server counts whole milliseconds, from before we knew of the job.
					if took := time.Since(died); len(got) == 0 && took < visibility-10*time.Millisecond {
						t.Errorf("the first job was given to another after %s, before the visibility of %s", took, visibility)
					}
					for _, j := range jobs {
						got = append(got, string(j))
					}
				}
				slices.Sort(got)
				if fmt.Sprint(got) != c.want {
					t.Errorf("the heir got %q, want %s", got, c.want)
				}
			})
		}
	}
}

// lasts are outcomes that end n jobs.
func lasts(n int) []jobqueue.Outcome {
	return slices.Repeat([]jobqueue.Outcome{{Last: true}}, n)
}

// die opens a worker that pops 5 jobs, ends 2 of them and dies. It returns when
// the jobs were asked for.
func die(t *testing.T, url string, b *jobqueue.Client, end string) (from time.Time) {
	t.Helper()
	w := open(t, b.OpenConsumer).(jobqueue.PublishPopper)
	from = time.Now()
	jobs, err := w.Pop(t.Context(), 5, time.Second)
	if err != nil || len(jobs) != 5 {
		t.Fatalf("Pop = %q, %v; want 5 jobs", jobs, err)
	}
	if _, err := w.PublishAndPop(t.Context(), lasts(2), func(int, int) {}, 0, 0); err != nil {
		t.Fatal(err)
	}
	if end == "closed" {
		if err := w.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		return from
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	other := redis.NewClient(o)
	defer other.Close()
	if err := other.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	if jobs, err := w.Pop(t.Context(), 1, time.Second); err == nil {
		t.Fatalf("Pop by a worker that was cut off = %q", jobs)
	}
	return from
}

func TestNothingStaysAfterCloseAndClear(t *testing.T) {
	t.Parallel()
	for name, cfg := range designs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Process(t)
			b := connectTo(t, s, cfg)
			others := connectTo(t, s, jobqueue.Config{})
			if err := others.Push(t.Context(), "stays"); err != nil {
				t.Fatal(err)
			}
			for _, end := range []int{0, 1, 3} {
				if err := b.Push(t.Context(), "a", "b", "c", "d"); err != nil {
					t.Fatal(err)
				}
				w := open(t, b.OpenConsumer).(jobqueue.PublishPopper)
				if jobs, err := w.Pop(t.Context(), 3, time.Second); err != nil || len(jobs) != 3 {
					t.Fatalf("Pop = %q, %v; want 3 jobs", jobs, err)
				}
				if _, err := w.PublishAndPop(t.Context(), lasts(end), func(int, int) {}, 0, 0); err != nil {
					t.Fatal(err)
				}
				w.Close()
			}
			if err := b.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			o, err := redis.ParseURL(s.URL())
			if err != nil {
				t.Fatal(err)
			}
			raw := redis.NewClient(o)
			defer raw.Close()
			if keys, err := raw.Keys(t.Context(), "*").Result(); err != nil || fmt.Sprint(keys) != "["+others.Queue()+"]" {
				t.Errorf("keys after Clear: %q, %v; want only %q", keys, err, others.Queue())
			}
		})
	}
}

func TestAStreamThatWasClearedIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := connectTo(t, redistest.Process(t), jobqueue.Config{Design: jobqueue.Stream, Visibility: time.Minute})
	w := open(t, b.OpenConsumer)
	for _, job := range []string{"before", "after"} {
		popped := make(chan string, 1)
		go func() {
			jobs, err := w.Pop(t.Context(), 1, 30*time.Second)
			popped <- fmt.Sprintf("%s %v", jobs, err)
		}()
		if job == "after" {
			if err := b.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Push(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if got := <-popped; got != "["+job+"] <nil>" {
			t.Fatalf("Pop = %s, want %s", got, job)
		}
	}
}

// Workers that end at any moment with unfinished jobs lose none: each job is
// popped at least once, and in the end no job waits and no job is unfinished.
func TestNoJobIsLostHoweverWorkersDie(t *testing.T) {
	t.Parallel()
	const jobs, workers = 300, 4
	s := redistest.Process(t)
	for _, cfg := range []jobqueue.Config{
		{Design: jobqueue.ReliableList}, {Design: jobqueue.ReliableList, Queues: 2}, {Design: jobqueue.Stream}, {Design: jobqueue.Stream, Queues: 2},
	} {
		t.Run(fmt.Sprint(cfg.Design, " ", max(1, cfg.Queues)), func(t *testing.T) {
			t.Parallel()
			cfg.Visibility = 100 * time.Millisecond
			b := connectTo(t, s, cfg)
			p := open(t, b.OpenProducer)
			var (
				mu   sync.Mutex
				seen = map[string]bool{}
				over = map[string]bool{}
				wg   sync.WaitGroup
			)
			deadline := time.Now().Add(time.Minute)
			done := func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(over) == jobs || time.Now().After(deadline)
			}
			// life is one worker's: it ends some batches and dies with one.
			life := func(batches int) error {
				w, err := b.OpenConsumer(t.Context())
				if err != nil {
					return err
				}
				defer w.Close()
				var outcomes []jobqueue.Outcome
				var hands []string
				for n := 0; !done(); n++ {
					popped, err := w.(jobqueue.PublishPopper).PublishAndPop(t.Context(), outcomes, func(i, _ int) {
						mu.Lock()
						over[hands[i]] = true
						mu.Unlock()
					}, 3, 50*time.Millisecond)
					outcomes, hands = nil, nil
					if errors.Is(err, jobqueue.ErrEmpty) {
						continue
					}
					if err != nil {
						return err
					}
					mu.Lock()
					for _, j := range popped {
						seen[string(j)] = true
						hands = append(hands, string(j))
					}
					mu.Unlock()
					if outcomes = lasts(len(popped)); n >= batches {
						return nil
					}
				}
				_, err = w.(jobqueue.PublishPopper).PublishAndPop(t.Context(), outcomes, func(int, int) {}, 0, 0)
				return err
			}
			for i := range workers {
				wg.Go(func() {
					for n := i; !done(); n++ {
						if err := life(n % 7 * 3); err != nil {
							t.Errorf("a worker ended with %v", err)
							return
						}
					}
				})
			}
			for i := range jobs {
				p.(jobqueue.QueueSelector).SelectQueue(i % max(1, cfg.Queues))
				if err := p.Push(t.Context(), fmt.Append(nil, i)); err != nil {
					t.Fatal(err)
				}
			}
			wg.Wait()
			if len(seen) != jobs || len(over) != jobs {
				t.Errorf("%d jobs were popped and %d ended, want %d", len(seen), len(over), jobs)
			}
			// A worker that a busy host held up was taken for dead, and its unfinished jobs wait
			// once more, although others ended them. Nothing else is left.
			rest := open(t, b.OpenConsumer)
			for range jobs {
				popped, err := rest.(jobqueue.PublishPopper).PublishAndPop(t.Context(), nil, func(int, int) {}, 3, 50*time.Millisecond)
				if errors.Is(err, jobqueue.ErrEmpty) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, j := range popped {
					if !over[string(j)] {
						t.Errorf("job %s waits, and no worker ended it", j)
					}
				}
				if _, err := rest.(jobqueue.PublishPopper).PublishAndPop(t.Context(), lasts(len(popped)), func(int, int) {}, 0, 0); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := b.Len(t.Context()); n != 0 || err != nil {
				t.Errorf("Len = %d, %v", n, err)
			}
		})
	}
}

// TestConnectionsOpenAsSoonAsTheServerIsBack: the client of single commands gives up on a
// server that was away and tries it once a second, which must not hold up consumers. Their
// designs need such commands, and so does a disconnect.
func TestConnectionsOpenAsSoonAsTheServerIsBack(t *testing.T) {
	t.Parallel()
	for _, d := range jobqueue.Designs() {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			s := redistest.Process(t)
			b := connectTo(t, s, jobqueue.Config{Design: d, Reconnect: true, Identify: true})
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				if _, err := b.Len(t.Context()); err == nil {
					t.Fatal("a server that is away answers")
				}
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			c, err := b.OpenConsumer(t.Context())
			if err != nil {
				t.Fatalf("OpenConsumer = %v right after the restart", err)
			}
			defer c.Close()
			if err := c.(interface{ Disconnect(context.Context) error }).Disconnect(t.Context()); err != nil {
				t.Errorf("Disconnect = %v right after the restart", err)
			}
			if _, err := c.Pop(t.Context(), 1, time.Second); !errors.Is(err, jobqueue.ErrLost) {
				t.Errorf("Pop = %v, want that the connection is lost", err)
			}
		})
	}
}
