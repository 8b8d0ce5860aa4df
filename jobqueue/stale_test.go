//go:build linux

package jobqueue_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// between is a proxy in front of a server. It closes the connections through it
// on request.
type between struct {
	addr   string
	server string // its address
	mu     sync.Mutex
	open   []net.Conn
}

func startBetween(t *testing.T, s *redisserver.Server) *between {
	t.Helper()
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &between{addr: door.Addr().String(), server: u.Host}
	var all sync.WaitGroup
	t.Cleanup(func() {
		door.Close()
		b.closeAll()
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := door.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", u.Host)
			if err != nil {
				client.Close()
				continue
			}
			b.mu.Lock()
			b.open = append(b.open, client, server)
			b.mu.Unlock()
			for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
				all.Go(func() {
					io.Copy(way[0], way[1])
					way[0].Close()
					way[1].Close()
				})
			}
		}
	})
	return b
}

// closeAll closes every connection that is open.
func (b *between) closeAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.open {
		c.Close()
	}
	b.open = nil
}

// through is a client of the server through the proxy, and one that is not.
func through(t *testing.T, cfg jobqueue.Config) (via, direct *jobqueue.Client, b *between) {
	t.Helper()
	s := redistest.Process(t)
	b = startBetween(t, s)
	cfg.URL = "redis://" + b.addr
	cfg.Queue, cfg.Channel = runname.Of(fmt.Sprint("test", serial.Add(1)))
	via, err := jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { via.Close() })
	cfg.URL = s.URL()
	direct, err = jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { direct.Close() })
	return via, direct, b
}

func TestAPushOnAConnectionThatWasClosedWhileIdleIsNotSent(t *testing.T) {
	t.Parallel()
	for name, cfg := range designs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			via, direct, b := through(t, cfg)
			for i, push := range []func(jobqueue.Producer, []byte) error{
				func(p jobqueue.Producer, job []byte) error { return p.Push(t.Context(), job) },
				func(p jobqueue.Producer, job []byte) error {
					pipe := p.(jobqueue.Pipeliner)
					if err := pipe.Send(job); err != nil {
						return err
					}
					if err := pipe.Flush(); err != nil {
						return err
					}
					return pipe.Await()
				},
			} {
				p := open(t, via.OpenProducer)
				if err := push(p, []byte("before")); err != nil {
					t.Fatal(err)
				}
				b.closeAll()
				jobqueue.Rest(t, p)
				err := push(p, []byte("after"))
				var e *redisconn.Error
				if !errors.Is(err, jobqueue.ErrStale) || !errors.Is(err, jobqueue.ErrLost) || !errors.As(err, &e) || !strings.Contains(e.Hint(), "timeout") {
					t.Errorf("a push = %v, want ErrStale with a hint at timeout", err)
				}
				if n, err := direct.Len(t.Context()); n != int64(2*i+1) || err != nil {
					t.Errorf("%d jobs, %v, want %d: those of before", n, err, 2*i+1)
				}
				again := open(t, via.OpenProducer)
				if err := push(again, []byte("after")); err != nil {
					t.Errorf("a push on the next connection = %v", err)
				}
			}
		})
	}
}

func TestAProducerLearnsOfTheCloseBeforeItSends(t *testing.T) {
	t.Parallel()
	via, _, b := through(t, jobqueue.Config{})
	p := open(t, via.OpenProducer).(jobqueue.Pipeliner)
	ended := make(chan error, 1)
	go func() { ended <- p.Await() }()
	b.closeAll()
	if err := <-ended; !errors.Is(err, jobqueue.ErrLost) {
		t.Errorf("Await = %v, want ErrLost", err)
	}
}

// A worker has unfinished jobs while its connection is closed. It goes on with them
// over the next one: each outcome is published once, and no job is given to
// another.
func TestAConsumerGoesOnWithItsJobsAfterAnIdleClose(t *testing.T) {
	t.Parallel()
	for name, cfg := range designs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Visibility = time.Minute
			via, direct, b := through(t, cfg)
			if err := direct.Push(t.Context(), "1", "2", "3", "4"); err != nil {
				t.Fatal(err)
			}
			heard := open(t, direct.OpenSubscriber)
			c := open(t, via.OpenConsumer).(jobqueue.PublishPopper)
			jobs, err := c.Pop(t.Context(), 3, 10*time.Second)
			if err != nil || len(jobs) != 3 {
				t.Fatalf("Pop = %q, %v", jobs, err)
			}
			var outcomes []jobqueue.Outcome
			for _, j := range jobs {
				outcomes = append(outcomes, jobqueue.Outcome{Message: slices.Clone(j), Last: true})
			}
			b.closeAll()
			jobqueue.Rest(t, c)
			for range 2 { // a failure changes nothing
				_, err = c.PublishAndPop(t.Context(), outcomes, func(i, _ int) { t.Errorf("outcome %d was answered", i) }, 1, time.Second)
				if !errors.Is(err, jobqueue.ErrStale) {
					t.Fatalf("Turn = %v, want ErrStale", err)
				}
			}
			next, err := c.(jobqueue.Reopener).Reopen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer next.Close()
			acked := 0
			more, err := next.(jobqueue.PublishPopper).PublishAndPop(t.Context(), outcomes, func(i, receivers int) { acked++ }, 1, 10*time.Second)
			if err != nil || len(more) != 1 || string(more[0]) != "4" || acked != 3 {
				t.Fatalf("Turn on the next connection = %q, %v with %d outcomes answered, want job 4 and 3", more, err, acked)
			}
			if _, err := next.(jobqueue.PublishPopper).PublishAndPop(t.Context(), []jobqueue.Outcome{{Message: []byte("4"), Last: true}}, func(int, int) {}, 0, 0); err != nil {
				t.Fatal(err)
			}
			if cfg.Notify != jobqueue.NoNotify {
				for _, want := range []string{"1", "2", "3", "4"} {
					if m, err := heard.Receive(t.Context()); string(m) != want || err != nil {
						t.Errorf("heard %q, %v, want %q", m, err, want)
					}
				}
			}
			if err := next.Close(); err != nil {
				t.Error(err)
			}
			// Nothing is in anybody's hands any more.
			held, err := direct.OpenConsumer(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			if jobs, err := held.Pop(t.Context(), 1, 0); !errors.Is(err, jobqueue.ErrEmpty) {
				t.Errorf("Pop by another = %q, %v, want ErrEmpty", jobs, err)
			}
			unfinished(t, b.server, cfg.Design)
		})
	}
}

// unfinished looks for unfinished jobs.
func unfinished(t *testing.T, server string, design jobqueue.Design) {
	t.Helper()
	raw := redis.NewClient(&redis.Options{Addr: server})
	defer raw.Close()
	if keys, err := raw.Keys(t.Context(), "*processing*").Result(); err != nil || len(keys) > 0 {
		t.Errorf("jobs are unfinished in %q, %v", keys, err)
	}
	if design != jobqueue.Stream {
		return
	}
	streams, err := raw.Keys(t.Context(), "*").Result()
	if err != nil || len(streams) == 0 {
		t.Fatalf("streams: %q, %v", streams, err)
	}
	for _, key := range streams {
		if p, err := raw.XPending(t.Context(), key, "workers").Result(); err != nil || p.Count > 0 {
			t.Errorf("unfinished in %q: %+v, %v", key, p, err)
		}
	}
}
