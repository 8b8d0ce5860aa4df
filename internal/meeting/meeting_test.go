package meeting

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// patient is longer than any test takes.
const patient = 5 * time.Minute

// opened is a meeting that is closed at the end of the test.
func opened(t *testing.T, url string, o Options) *Meeting {
	t.Helper()
	if o.Name == "" {
		o.Name = "test"
	}
	m, err := Open(t.Context(), redisconn.Config{URL: url}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func shardOf(i, n int, timeout time.Duration) Options {
	return Options{Shard: pace.Shard{Index: i, Of: n}, Configuration: "c0ffee", Timeout: timeout}
}

// empty fails where the server has keys.
func empty(t *testing.T, url string) {
	t.Helper()
	if all := keys(t, url); len(all) > 0 {
		t.Errorf("keys are left: %q", all)
	}
}

func keys(t *testing.T, url string) []string {
	t.Helper()
	s, err := redisconn.Open(redisconn.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// arrived waits until a shard has left its mark.
func arrived(t *testing.T, m *Meeting, i int) {
	t.Helper()
	for {
		s, err := m.state(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, here := s.marks[i]; here {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestAShardWhoseConnectionBreaksTakesItsMarkAway, or the others would start without it.
func TestAShardWhoseConnectionBreaksTakesItsMarkAway(t *testing.T) {
	t.Parallel()
	url := redistest.Process(t).URL()
	m, other := opened(t, url, shardOf(0, 2, time.Minute)), opened(t, url, shardOf(1, 2, time.Minute))
	ended := make(chan error, 1)
	go func() {
		_, err := m.Wait(t.Context())
		ended <- err
	}()
	arrived(t, other, 0)
	if err := other.servers.Client.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the shard started alone")
	}
	empty(t, url)
}

func TestShardsStartTogetherAndLeaveNothing(t *testing.T) {
	t.Parallel()
	url := redistest.Process(t).URL()
	for _, n := range []int{1, 2, 9} {
		epochs, all := make([]time.Time, n), make([]result.Shard, n)
		var wait sync.WaitGroup
		for i := range n {
			m := opened(t, url, shardOf(i, n, patient))
			wait.Go(func() {
				var err error
				if epochs[i], err = m.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				if err := m.CompareAgain(t.Context()); err != nil {
					t.Error(err)
				}
				m.Describe(&all[i])
			})
		}
		wait.Wait()
		if t.Failed() {
			return
		}
		for i, s := range all {
			if s.Fleet != all[0].Fleet || len(s.Fleet) != 15 || s.Clock.StartNS != all[0].Clock.StartNS || s.Configuration != "c0ffee" {
				t.Errorf("%d shards: shard %d agreed on %+v, and the first on %+v", n, i, s, all[0])
			}
			// They are on one host, so their epochs differ by no more than their doubts.
			doubt := time.Duration(s.Clock.UncertaintyNS + all[0].Clock.UncertaintyNS)
			if d := epochs[i].Sub(epochs[0]).Abs(); d > doubt {
				t.Errorf("%d shards: shard %d starts %s from the first, and the clocks allow %s", n, i, d, doubt)
			}
			if s.Clock.EndOffsetNS == nil || s.Clock.Drift == nil {
				t.Errorf("the clock was not compared again: %+v", s.Clock)
			}
		}
		empty(t, url)
	}
}

func TestEveryStartIsAnotherFleet(t *testing.T) {
	t.Parallel()
	url := redistest.Process(t).URL()
	var fleets []string
	for range 3 {
		m := opened(t, url, shardOf(0, 1, patient))
		if _, err := m.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		var s result.Shard
		m.Describe(&s)
		fleets = append(fleets, s.Fleet)
	}
	slices.Sort(fleets)
	if len(slices.Compact(fleets)) != 3 {
		t.Errorf("fleets %q", fleets)
	}
}

// TestAMissingShardEndsTheOthers lets the first one give up: the second, which would wait
// much longer, ends with it, for the same reason.
func TestAMissingShardEndsTheOthers(t *testing.T) {
	t.Parallel()
	url := redistest.Process(t).URL()
	watch := opened(t, url, shardOf(2, 4, patient))
	first, second := opened(t, url, shardOf(0, 4, 5*time.Second)), opened(t, url, shardOf(3, 4, patient))
	ended := make(chan error, 1)
	go func() {
		_, err := second.Wait(t.Context())
		ended <- err
	}()
	arrived(t, watch, 3)
	_, err := first.Wait(t.Context())
	for _, err := range []error{err, <-ended} {
		var missing *MissingError
		if !errors.As(err, &missing) || !slices.Equal(missing.Missing, []int{1, 2}) || missing.Waited != 5*time.Second {
			t.Errorf("Wait = %v, want that the shards 1 and 2 are missing", err)
		}
	}
	empty(t, url)
}

func TestAnInterruptedShardEndsTheOthers(t *testing.T) {
	t.Parallel()
	url := redistest.Process(t).URL()
	a, b, watch := opened(t, url, shardOf(0, 3, patient)), opened(t, url, shardOf(1, 3, patient)), opened(t, url, shardOf(2, 3, patient))
	ended := make(chan error, 1)
	go func() {
		_, err := a.Wait(t.Context())
		ended <- err
	}()
	arrived(t, watch, 0)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		_, err := b.Wait(ctx)
		stopped <- err
	}()
	arrived(t, watch, 1)
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("the interrupted shard: %v", err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "shard 1 of 3 was interrupted") {
		t.Errorf("the other shard: %v", err)
	}
	empty(t, url)
}

func TestShardsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	url := redistest.Process(t).URL()
	a, watch := opened(t, url, shardOf(0, 2, patient)), opened(t, url, shardOf(1, 2, patient))
	ended := make(chan error, 1)
	go func() {
		_, err := a.Wait(t.Context())
		ended <- err
	}()
	arrived(t, watch, 0)
	other := shardOf(1, 2, patient)
	other.Configuration = "decaf"
	for want, o := range map[string]Options{
		"shard 0 of 2 waits at this meeting, and this is shard 1 of 3": shardOf(1, 3, patient),
		"shard 0 waits with another configuration":                     other,
	} {
		_, err := opened(t, url, o).Wait(t.Context())
		var refused *problem.Hinted
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) || refused.Hint() == "" {
			t.Errorf("Wait = %v, want an error with %q", err, want)
		}
	}
	// Another process with the same number takes the place of the first, as one does that
	// was started again after it was killed.
	again := opened(t, url, shardOf(0, 2, patient))
	met := make(chan error, 2)
	go func() {
		_, err := again.Wait(t.Context())
		met <- err
	}()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "another process came as shard 0") {
		t.Errorf("the first process: %v", err)
	}
	go func() {
		_, err := watch.Wait(t.Context())
		met <- err
	}()
	for range 2 {
		if err := <-met; err != nil {
			t.Error(err)
		}
	}
	empty(t, url)
}

// TestAKilledShardLeavesAMarkThatEnds finds the time after which the server removes the key.
func TestAKilledShardLeavesAMarkThatEnds(t *testing.T) {
	t.Parallel()
	url := redistest.Process(t).URL()
	m := opened(t, url, shardOf(0, 2, 10*time.Second))
	c, err := m.Compare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.join(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if left, err := m.conn.PTTL(t.Context(), m.key()).Result(); err != nil || left <= 10*time.Second || left > 10*time.Second+time.Minute {
		t.Errorf("the key stays for %s, %v", left, err)
	}
}

// TestTheOffsetIsRightWithinItsUncertainty puts a clock five seconds ahead, and the server
// behind a way that is slower in one direction than in the other.
func TestTheOffsetIsRightWithinItsUncertainty(t *testing.T) {
	t.Parallel()
	direct := redistest.Process(t).URL()
	for name, url := range map[string]string{"near": direct, "far": slowBack(t, direct, 20*time.Millisecond)} {
		m := opened(t, url, shardOf(0, 1, patient))
		m.clock.wall += int64(5 * time.Second)
		c, err := m.Compare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if off := (c.Offset + 5*time.Second).Abs(); off > c.Uncertainty() {
			t.Errorf("%s: the offset %s is wrong by %s, and its uncertainty is %s", name, c.Offset, off, c.Uncertainty())
		}
		if name == "far" && c.Uncertainty() < 10*time.Millisecond {
			t.Errorf("%s: the uncertainty is %s", name, c.Uncertainty())
		}
	}
}

// slowBack is the URL of a proxy whose answers take that much longer.
func slowBack(t *testing.T, server string, delay time.Duration) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	behind := u.Host
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", behind)
			if err != nil {
				in.Close()
				return
			}
			go func() {
				io.Copy(out, in)
				out.Close()
			}()
			go func() {
				buf := make([]byte, 4096)
				for {
					n, err := out.Read(buf)
					time.Sleep(delay)
					if _, werr := in.Write(buf[:n]); err != nil || werr != nil {
						in.Close()
						return
					}
				}
			}()
		}
	}()
	u.Host = l.Addr().String()
	return u.String()
}

func TestAForeignKeyIsNotTouched(t *testing.T) {
	t.Parallel()
	url := redistest.Process(t).URL()
	m := opened(t, url, shardOf(0, 1, patient))
	if err := m.conn.HSet(t.Context(), m.key(), "theirs", "x").Err(); err != nil {
		t.Fatal(err)
	}
	_, err := m.Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), `the field "theirs"`) {
		t.Errorf("Wait = %v", err)
	}
	if got, err := m.conn.HGetAll(t.Context(), m.key()).Result(); err != nil || len(got) != 1 || got["theirs"] != "x" {
		t.Errorf("the key holds %v, %v", got, err)
	}
}
