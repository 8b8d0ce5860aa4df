package jobqueue_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

const events = "t:events"

// append appends entries n to m-1 to the stream of events.
func appendEvents(t *testing.T, c *jobqueue.Client, n, m int) {
	t.Helper()
	for n < m {
		var commands [][]string
		for ; n < m && len(commands) < 1000; n++ {
			commands = append(commands, []string{"XADD", events, "*", "what", "done", "unnamed", "x", "n", strconv.Itoa(n), "odd", `"é`})
		}
		if _, err := c.Do(t.Context(), commands...); err != nil {
			t.Fatal(err)
		}
	}
}

func all([]byte) bool { return true }

// Every entry is received once and in order, also when the connection is lost in between, in
// both versions of the protocol.
func TestNoEventIsMissed(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"2", "3"} {
		c := connectTo(t, redistest.Process(t), jobqueue.Config{Identify: true})
		if protocol == "3" {
			c = clientAt(t, redistest.Process(t).URL()+"?protocol=3")
		}
		appendEvents(t, c, 0, 3) // before anyone listens
		stream := c.Events(events, all, "what", "n", "odd", "never")
		sub := open(t, stream.Open)
		appendEvents(t, c, 3, 1800)
		for n := 3; n < 1800; {
			message, err := sub.Receive(t.Context())
			if errors.Is(err, jobqueue.ErrLost) {
				sub.Close()
				sub = open(t, stream.Open)
				continue
			}
			if want := fmt.Sprintf(`{"what":"done","n":"%d","odd":"\"é"}`, n); err != nil || string(message) != want {
				t.Fatalf("protocol %s: received %q, %v; want %s", protocol, message, err, want)
			}
			if n++; n == 800 && protocol == "2" {
				if err := sub.(interface{ Disconnect(context.Context) error }).Disconnect(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if message, err := sub.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("protocol %s: received %q, %v", protocol, message, err)
		}
		cancel()
		appendEvents(t, c, 1800, 1801)
		if message, err := sub.Receive(t.Context()); err != nil || !strings.Contains(string(message), `"1800"`) {
			t.Errorf("protocol %s: received %q, %v after the end of a context", protocol, message, err)
		}
		time.AfterFunc(10*time.Millisecond, func() { sub.Close() })
		if message, err := sub.Receive(t.Context()); !errors.Is(err, jobqueue.ErrClosed) {
			t.Errorf("protocol %s: received %q, %v after the close", protocol, message, err)
		}
	}
}

func TestOnlyEventsThatMatterAreReceived(t *testing.T) {
	t.Parallel()
	c := connect(t, redistest.Process(t))
	sub := open(t, c.Events(events, func(message []byte) bool { return strings.HasSuffix(string(message), `99"}`) }, "n").Open)
	appendEvents(t, c, 0, 1200)
	for want := 99; want < 1200; want += 100 {
		if message, err := sub.Receive(t.Context()); err != nil || string(message) != fmt.Sprintf(`{"n":"%d"}`, want) {
			t.Fatalf("received %q, %v; want %d", message, err, want)
		}
	}
}

// Who reads more slowly than the stream forgets is not left to believe that nothing came.
func TestEventsThatTheStreamForgotAreAnError(t *testing.T) {
	t.Parallel()
	c := connect(t, redistest.Process(t))
	appendEvents(t, c, 0, 1)
	sub := open(t, c.Events(events, all, "n").Open)
	appendEvents(t, c, 1, 2001)
	for range 500 { // what the first answer has
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Do(t.Context(), []string{"XTRIM", events, "MAXLEN", "700"}); err != nil {
		t.Fatal(err)
	}
	if message, err := sub.Receive(t.Context()); !errors.Is(err, jobqueue.ErrMissed) || errors.Is(err, jobqueue.ErrLost) {
		t.Errorf("received %q, %v", message, err)
	}
}

// The same where the entries are forgotten while the connection is broken.
func TestEventsThatAreForgottenDuringAnOutageAreAnError(t *testing.T) {
	t.Parallel()
	c := connectTo(t, redistest.Process(t), jobqueue.Config{Identify: true})
	appendEvents(t, c, 0, 1)
	stream := c.Events(events, all, "n")
	sub := open(t, stream.Open)
	appendEvents(t, c, 1, 2)
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sub.(interface{ Disconnect(context.Context) error }).Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if message, err := sub.Receive(t.Context()); !errors.Is(err, jobqueue.ErrLost) {
		t.Fatalf("received %q, %v", message, err)
	}
	appendEvents(t, c, 2, 100)
	if _, err := c.Do(t.Context(), []string{"XTRIM", events, "MAXLEN", "10"}); err != nil {
		t.Fatal(err)
	}
	if message, err := open(t, stream.Open).Receive(t.Context()); !errors.Is(err, jobqueue.ErrMissed) {
		t.Errorf("received %q, %v", message, err)
	}
}

// The end of a context ends a Receive although the server does not answer, and nothing is
// missed by that.
func TestAServerThatIsSilentHoldsNoReceiveUp(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	c := connect(t, server)
	sub := open(t, c.Events(events, all, "n").Open)
	appendEvents(t, c, 0, 1)
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		ended := make(chan error, 1)
		go func() {
			_, err := sub.Receive(ctx)
			ended <- err
		}()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the end of the context gave %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the Receive goes on after the end of its context")
		}
		cancel()
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	if message, err := sub.Receive(t.Context()); err != nil || string(message) != `{"n":"0"}` {
		t.Errorf("received %q, %v after it", message, err)
	}
}

func TestAScriptPushesAllOrNone(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	c := connectTo(t, server, jobqueue.Config{Queue: "q"})
	o, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	db := redis.NewClient(o)
	defer db.Close()
	p, err := c.OpenScriptProducer(t.Context(), jobqueue.Script{
		Text: "for i = 2, #ARGV do redis.call('LPUSH', KEYS[1], ARGV[1] .. ARGV[i]) end return #ARGV - 1", Keys: []string{"q"}, Args: []string{"job "},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Push(t.Context(), []byte("1"), []byte("2")); err != nil {
		t.Fatal(err)
	}
	for _, job := range []string{"3", "4"} {
		if err := p.Send([]byte(job)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.Flush(), p.Await(), p.Await()); err != nil {
		t.Fatal(err)
	}
	if got := db.LRange(t.Context(), "q", 0, -1).Val(); strings.Join(got, ",") != "job 4,job 3,job 2,job 1" {
		t.Errorf("the queue has %q", got)
	}
	if err := db.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := p.Push(t.Context(), []byte("5")); !errors.Is(err, jobqueue.ErrLost) || !strings.Contains(err.Error(), "NOSCRIPT") {
		t.Errorf("the server has no script any more: %v", err)
	}
	if _, err := c.OpenScriptProducer(t.Context(), jobqueue.Script{Text: "this is not Lua"}); err == nil || !strings.Contains(err.Error(), "load the script") {
		t.Errorf("a script that cannot be compiled: %v", err)
	}
}
