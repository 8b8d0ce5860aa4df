package jobqueue_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// admin is a client of one node of a group.
func admin(t *testing.T, s *redisserver.Server) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// move gives the slot of a key to another master, with no key in it, and
// returns the addresses of both.
func move(t *testing.T, g *redisserver.Group, key string) (from, to string) {
	t.Helper()
	ctx := t.Context()
	slot, err := admin(t, g.Nodes()[0]).ClusterKeySlot(ctx, key).Result()
	if err != nil {
		t.Fatal(err)
	}
	owner := int(slot) * 3 / 16384
	next := (owner + 1) % 3
	id, err := admin(t, g.Nodes()[next]).Do(ctx, "CLUSTER", "MYID").Text()
	if err != nil {
		t.Fatal(err)
	}
	old, err := admin(t, g.Nodes()[owner]).Do(ctx, "CLUSTER", "MYID").Text()
	if err != nil {
		t.Fatal(err)
	}
	// A node that imports a slot takes a new epoch with it. Without that, a heartbeat of
	// the old owner could take the slot back.
	if err := admin(t, g.Nodes()[next]).Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", old).Err(); err != nil {
		t.Fatal(err)
	}
	// The new owner must be the first to know.
	for _, i := range []int{next, owner, (owner + 2) % 3} {
		if err := admin(t, g.Nodes()[i]).Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", id).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return hostOf(g.Nodes()[owner]), hostOf(g.Nodes()[next])
}

func TestASlotThatMovesIsFollowed(t *testing.T) {
	t.Parallel()
	g := redistest.Cluster(t, 0)
	b := clientAt(t, g.URL())
	l := openLine(t, b)
	if err := l.carries(t, "before"); err != nil {
		t.Fatal(err)
	}
	popped := make(chan error, 1)
	go func() {
		_, err := l.c.Pop(context.Background(), 1, time.Minute)
		popped <- err
	}()
	// The Pop must wait by the time the slot moves, or it gets the reply at once:
	// either way it is MOVED.
	from, to := move(t, g, b.Queue())
	for what, err := range map[string]error{"Pop": <-popped, "Push": l.p.Push(t.Context(), []byte("refused"))} {
		if !errors.Is(err, jobqueue.ErrLost) || !strings.Contains(fmt.Sprint(err), "MOVED") || !strings.Contains(fmt.Sprint(err), from) {
			t.Errorf("%s after the slot moved = %v, want ErrLost, MOVED and %s", what, err, from)
		}
	}
	if n, err := b.Len(t.Context()); n != 0 || err != nil {
		t.Errorf("Len = %d, %v; want the new node's, and none of what was refused", n, err)
	}
	after := openLine(t, b)
	if err := after.carries(t, "after"); err != nil {
		t.Fatal(err)
	}
	if err := b.Push(t.Context(), "besides"); err != nil {
		t.Error(err)
	}
	if n, err := admin(t, nodeAt(t, g, to)).LLen(t.Context(), b.Queue()).Result(); n != 1 || err != nil {
		t.Errorf("%d jobs at the new node, %v; want 1", n, err)
	}
	// The old subscription still hears: messages go to all nodes of a cluster.
	// The new node does not know its receivers and must not report 0.
	after.s.Close()
	if n, err := after.c.Publish(t.Context(), []byte("heard")); n == 0 || err != nil {
		t.Errorf("Publish = %d, %v; want anything but a wrong 0", n, err)
	}
	for {
		m, err := l.s.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if string(m) == "heard" {
			break
		}
	}
}

func nodeAt(t *testing.T, g *redisserver.Group, addr string) *redisserver.Server {
	t.Helper()
	for _, s := range g.Nodes() {
		if hostOf(s) == addr {
			return s
		}
	}
	t.Fatalf("no node at %s", addr)
	return nil
}

func TestANodeOfAClusterNamedAloneSaysHowToNameTheCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	g := redistest.Cluster(t, 0)
	// One queue for all nodes: its slot belongs to one of them, the others answer
	// MOVED.
	queue, channel := runname.Of("alone")
	for i, s := range g.Nodes() {
		c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.URL(), Queue: queue, Channel: channel})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Push(t.Context(), "a"); err != nil {
			var e *redisconn.Error
			if !errors.As(err, &e) || !strings.Contains(e.Hint(), "redis-cluster://") {
				t.Errorf("Push at node %d = %v, want a hint about redis-cluster://", i, err)
			}
			if errors.Is(err, jobqueue.ErrLost) {
				t.Errorf("Push at node %d = %v: no other connection to that node helps", i, err)
			}
			return
		}
	}
	t.Error("every node took the push")
}

func TestFactsOfAClusterAreThoseOfItsNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	g := redistest.Cluster(t, 1)
	if err := admin(t, g.Nodes()[1]).ConfigSet(t.Context(), "appendfsync", "always").Err(); err != nil {
		t.Fatal(err)
	}
	clients := []*jobqueue.Client{}
	for len(clients) < 10 { // in several slots
		clients = append(clients, clientAt(t, g.URL()))
	}
	before, err := clients[0].Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		if err := c.Push(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	f, err := clients[0].Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.Mode != "cluster" || len(f.Nodes) != 6 || len(f.Withheld) != 0 {
		t.Fatalf("Mode, Nodes, Withheld = %s, %v, %q; want cluster, 6 and nothing", f.Mode, f.Nodes, f.Withheld)
	}
	if n := f.Commands["lpush"].Calls - before.Commands["lpush"].Calls; n != 10 {
		t.Errorf("%d LPUSHes over all nodes, want 10", n)
	}
	var masters, replicas, sum int64
	for _, n := range f.Nodes {
		if _, _, err := net.SplitHostPort(n.Address); err != nil {
			t.Error(err)
		}
		switch n.Role {
		case "master":
			masters++
			sum += n.Facts.Commands["lpush"].Calls
		case "replica":
			replicas++
		}
	}
	if masters != 3 || replicas != 3 || sum != f.Commands["lpush"].Calls {
		t.Errorf("%d masters, %d replicas, %d LPUSHes of theirs; want 3, 3 and %d", masters, replicas, sum, f.Commands["lpush"].Calls)
	}
	if got := f.Config["appendfsync"]; got != "always, everysec" {
		t.Errorf("appendfsync = %q, want that of all", got)
	}
	if got := f.Config["appendonly"]; got != "no" {
		t.Errorf("appendonly = %q, want no", got)
	}
	if f.Info["used_cpu_user"] == "" || len(strings.Split(f.Info["run_id"], ", ")) != 3 {
		t.Errorf("Info = %q; want the CPU time and three run ids", f.Info)
	}
	if err := clients[0].Check(t.Context(), 10); err != nil {
		t.Errorf("Check = %v", err)
	}
}

func TestFactsBehindSentinelsNameTheReplicas(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	g := redistest.Sentinel(t)
	f, err := clientAt(t, g.URL()).Inspect(t.Context())
	if err != nil || f.Mode != "sentinel" || len(f.Nodes) != 3 || f.Nodes[0].Address != hostOf(g.Nodes()[0]) {
		t.Errorf("Inspect = %s, %v, %v; want sentinel, the master and two replicas", f.Mode, f.Nodes, err)
	}
}

func TestCheckLooksAtTheNodeThatServesTheQueue(t *testing.T) {
	t.Parallel()
	g := redistest.Cluster(t, 0, "--maxclients", "40")
	c := clientAt(t, g.URL())
	var e *redisconn.Error
	if err := c.Check(t.Context(), 100); !errors.As(err, &e) || !strings.Contains(e.Hint(), "maxclients") {
		t.Errorf("Check of 100 connections = %v, want one about maxclients", err)
	}
	if err := c.Check(t.Context(), 10); err != nil {
		t.Errorf("Check of 10 connections = %v", err)
	}
}

func TestAConnectionThatBreaksIsLostWithOneServerToo(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	for _, reconnect := range []bool{false, true} {
		c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: s.URL(), Queue: "queuedyno:r", Reconnect: reconnect})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		w, err := c.OpenConsumer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		ended := make(chan error, 1)
		go func() {
			_, err := w.Pop(context.Background(), 1, time.Minute)
			ended <- err
		}()
		rdb := admin(t, s)
		for {
			text, err := rdb.Info(t.Context(), "clients").Result()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text, "blocked_clients:1") {
				break
			}
		}
		if err := rdb.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil || !errors.Is(err, jobqueue.ErrLost) || errors.Is(err, jobqueue.ErrStale) {
			t.Errorf("with Reconnect %t: Pop that was under way = %v, want ErrLost and not ErrStale", reconnect, err)
		}
	}
}

// The context of an Open is for the opening: what was opened lasts.
func TestWhatWasOpenedOutlivesTheDeadlineOfItsOpening(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"one server": redistest.Process(t).URL(), "sentinels": redistest.Sentinel(t).URL(), "a cluster": redistest.Cluster(t, 0).URL(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := clientAt(t, url)
			var p jobqueue.Producer
			var c jobqueue.Consumer
			var ctx context.Context
			for within := time.Second; ; within *= 2 { // until the machine opens both in time
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(t.Context(), within)
				defer cancel()
				var err error
				if p, err = b.OpenProducer(ctx); err == nil {
					defer p.Close()
					if c, err = b.OpenConsumer(ctx); err == nil {
						defer c.Close()
						break
					}
				}
				if within > time.Minute {
					t.Fatal(err)
				}
			}
			answer := make(chan error, 1)
			go func() { answer <- p.(jobqueue.Pipeliner).Await() }()
			<-ctx.Done()
			time.Sleep(100 * time.Millisecond) // a deadline of a socket is not to the point
			if err := p.(jobqueue.Pipeliner).Send([]byte("late")); err != nil {
				t.Fatal(err)
			}
			if err := p.(jobqueue.Pipeliner).Flush(); err != nil {
				t.Errorf("Flush = %v", err)
			}
			if err := <-answer; err != nil {
				t.Errorf("Await = %v", err)
			}
			if jobs, err := c.Pop(t.Context(), 1, 10*time.Second); err != nil || string(jobs[0]) != "late" {
				t.Errorf("Pop = %q, %v", jobs, err)
			}
		})
	}
}
