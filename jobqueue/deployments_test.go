package jobqueue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// clientAt returns a client with unique names at the URL.
func clientAt(tb testing.TB, url string) *jobqueue.Client {
	tb.Helper()
	return designAt(tb, url, jobqueue.Config{})
}

// designAt is clientAt for a design.
func designAt(tb testing.TB, url string, cfg jobqueue.Config) *jobqueue.Client {
	tb.Helper()
	cfg.URL = url
	cfg.Queue, cfg.Channel = runname.Of(fmt.Sprint("test", serial.Add(1)))
	c, err := jobqueue.Connect(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

func TestConformanceBehindSentinels(t *testing.T) {
	t.Parallel()
	g := redistest.Sentinel(t, "--requirepass", "s3cret")
	queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return clientAt(tb, g.URL()) })
}

func TestConformanceOnACluster(t *testing.T) {
	t.Parallel()
	g := redistest.Cluster(t, 0, "--requirepass", "s3cret")
	queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return clientAt(tb, g.URL()) })
}

func TestEveryDesignConformsOnAClusterInVersion3OfTheProtocol(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	g := redistest.Cluster(t, 0)
	url := g.URL() + "?protocol=3"
	for name, cfg := range designs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return firstOf(designAt(tb, url, cfg)) })
			queuetest.MultiQueueConformance(t, max(1, cfg.Queues), max(1, cfg.Channels),
				func(tb testing.TB) jobqueue.MultiQueue { return designAt(tb, url, cfg) })
		})
	}
}

// firstOf is the client, or if its queues are in several slots one whose consumers take
// from the first of them: the one that a producer pushes to.
func firstOf(c *jobqueue.Client) jobqueue.Backend {
	if c.CrossSlot() {
		return first{c}
	}
	return c
}

type first struct{ *jobqueue.Client }

func (f first) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	return f.OpenConsumerOn(ctx, 0)
}

func TestTheEmbeddedServerConformsInVersion3OfTheProtocol(t *testing.T) {
	t.Parallel()
	url := redistest.Embedded(t).URL() + "?protocol=3"
	queuetest.Conformance(t, func(tb testing.TB) jobqueue.Backend { return clientAt(tb, url) })
}

// reopened calls open until it succeeds; until then its errors must match
// ErrLost.
func reopened[T any](t *testing.T, open func(context.Context) (T, error)) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		v, err := open(ctx)
		if err == nil {
			return v
		}
		if !errors.Is(err, jobqueue.ErrLost) || ctx.Err() != nil {
			t.Fatalf("Open = %v, want ErrLost until it succeeds", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// line is all that a run has open.
type line struct {
	p jobqueue.Producer
	c jobqueue.Consumer
	s jobqueue.Subscriber
}

func openLine(t *testing.T, b *jobqueue.Client) *line {
	t.Helper()
	l := &line{p: reopened(t, b.OpenProducer), c: reopened(t, b.OpenConsumer), s: reopened(t, b.OpenSubscriber)}
	t.Cleanup(l.close)
	return l
}

func (l *line) close() {
	l.p.Close()
	l.c.Close()
	l.s.Close()
}

// carries pushes a job, pops it, publishes it and receives that. It returns the
// first error.
func (l *line) carries(t *testing.T, job string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := l.p.Push(ctx, []byte(job)); err != nil {
		return fmt.Errorf("push: %w", err)
	}
	jobs, err := l.c.Pop(ctx, 1, 10*time.Second)
	if err != nil {
		return fmt.Errorf("pop: %w", err)
	}
	if _, err := l.c.Publish(ctx, jobs[0]); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	m, err := l.s.Receive(ctx)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if string(m) != job {
		return fmt.Errorf("received %q, want %q", m, job)
	}
	return nil
}

// survives kills the process of the queue's node and expects that every call
// says ErrLost, that what is opened again carries jobs, and that the commands
// besides find the new node, too.
func survives(t *testing.T, b *jobqueue.Client, pids map[string]int) {
	t.Helper()
	l := openLine(t, b)
	if err := l.carries(t, "before"); err != nil {
		t.Fatal(err)
	}
	f, err := b.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := ""
	for _, n := range f.Nodes {
		if n.Role == "master" && n.Facts.Commands["lpush"].Calls+n.Facts.Commands["xadd"].Calls > 0 {
			at = n.Address
		}
	}
	popped, heard := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := l.c.Pop(context.Background(), 1, time.Minute)
		popped <- err
	}()
	go func() {
		_, err := l.s.Receive(context.Background())
		heard <- err
	}()
	if pids[at] == 0 {
		t.Fatalf("no process for the node %q of %v", at, f.Nodes)
	}
	node, err := os.FindProcess(pids[at])
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"Pop": <-popped, "Receive": <-heard, "Push": l.p.Push(t.Context(), []byte("lost")),
	} {
		if !errors.Is(err, jobqueue.ErrLost) || !strings.Contains(fmt.Sprint(err), at) {
			t.Errorf("%s after the node was killed = %v, want ErrLost at %s", what, err, at)
		}
	}
	l.close()
	from := time.Now()
	after := openLine(t, b)
	// A replica may take connections before it takes writes.
	for err := after.carries(t, "after"); err != nil; err = after.carries(t, "after") {
		if !errors.Is(err, jobqueue.ErrLost) || time.Since(from) > time.Minute {
			t.Fatalf("after the failover: %v", err)
		}
		after.close()
		time.Sleep(50 * time.Millisecond)
		after = openLine(t, b)
	}
	t.Logf("the line was whole again %v after the kill", time.Since(from).Round(10*time.Millisecond))
	for {
		n, err := b.Len(t.Context())
		if err == nil && n == 0 {
			break
		}
		if time.Since(from) > time.Minute {
			t.Fatalf("Len after the failover = %d, %v", n, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestWhatIsReopenedAfterAFailoverOfSentinelsWorks(t *testing.T) {
	t.Parallel()
	g := redistest.Sentinel(t)
	survives(t, clientAt(t, g.URL()), pids(g))
}

func TestWhatIsReopenedAfterTheDeathOfAClustersNodeWorks(t *testing.T) {
	t.Parallel()
	g := redistest.Cluster(t, 1)
	survives(t, clientAt(t, g.URL()), pids(g))
}

func TestDesignsThatKeepJobsAreReopenedAfterAFailover(t *testing.T) {
	t.Parallel()
	for _, design := range []jobqueue.Design{jobqueue.ReliableList, jobqueue.Stream} {
		cfg := jobqueue.Config{Design: design, Visibility: time.Hour}
		t.Run(string(design)+" in a cluster", func(t *testing.T) {
			t.Parallel()
			g := redistest.Cluster(t, 1)
			survives(t, designAt(t, g.URL(), cfg), pids(g))
		})
		t.Run(string(design)+" behind sentinels", func(t *testing.T) {
			t.Parallel()
			g := redistest.Sentinel(t)
			survives(t, designAt(t, g.URL(), cfg), pids(g))
		})
	}
}

// pids are the processes of a group by their addresses.
func pids(g *redisserver.Group) map[string]int {
	out := map[string]int{}
	for _, s := range g.Nodes() {
		out[hostOf(s)] = s.PID()
	}
	return out
}

func hostOf(s *redisserver.Server) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(s.Address(), "redis://"), "/")
	return host
}
