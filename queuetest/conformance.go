// Package queuetest is for tests in your own repository. [Benchmark] measures a
// job queue under "go test -bench". [Conformance] is the suite that a queue
// implementation of yours has to pass before its figures mean anything.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// prompt is how soon a call has to return after its context has ended, its
// owner was closed or a job has come. It is far above what is needed on a machine that
// stands still for seconds, and far below the waits that it cuts short.
const prompt = 30 * time.Second

// soon is how soon most calls have to.
const soon = 5 * time.Second

// long is how long waits last that are to be cut short.
const long = 3 * time.Minute

// Conformance runs the suite on backends that open makes, one for each subtest:
// empty, unshared, and cleaned up by open's own tb.Cleanup.
func Conformance(t *testing.T, open func(tb testing.TB) jobqueue.Backend) {
	for _, c := range []struct {
		name string
		test func(*testing.T, jobqueue.Backend)
	}{
		{"jobs come out in the order in which they went in", order},
		{"a batch goes in whole and comes out in parts", batch},
		{"an empty queue is reported after the wait", empty},
		{"a wait of nothing returns at once", noWait},
		{"a job wakes a consumer that waits", wake},
		{"the end of the context ends a pop soon and takes no job", cancelPop},
		{"no job is lost when pops are cancelled while jobs arrive", cancelStorm},
		{"closing a consumer ends its pop", closePop},
		{"many producers and consumers pass every job once", conservation},
		{"every subscriber receives every message in order", fanOut},
		{"a subscription holds from the moment it is open", subscribed},
		{"a closed subscriber receives nothing", unsubscribe},
		{"the end of the context ends a receive soon", cancelReceive},
		{"length and clear tell the truth", lengthAndClear},
		{"bytes of any kind pass unchanged", binary},
		{"a slow subscriber loses nothing", slow},
		{"the outcomes of PublishAndPop are acknowledged in order and end their jobs", turns},
		{"jobs of the same text end one by one", equals},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}

func ctxFor(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), long)
	t.Cleanup(cancel)
	return ctx
}

// opened opens what is closed at the end of the test.
func opened[T interface{ Close() error }](t *testing.T, open func(context.Context) (T, error)) T {
	t.Helper()
	v, err := open(ctxFor(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func producerOf(t *testing.T, b jobqueue.Backend) jobqueue.Producer {
	t.Helper()
	return opened(t, b.OpenProducer)
}

func consumerOf(t *testing.T, b jobqueue.Backend) jobqueue.Consumer {
	t.Helper()
	return opened(t, b.OpenConsumer)
}

func subscriberOf(t *testing.T, b jobqueue.Backend) jobqueue.Subscriber {
	t.Helper()
	return opened(t, b.OpenSubscriber)
}

// endsAt calls what waits and ends it after a moment: it must return promptly, with the
// error.
func endsAt(t *testing.T, name string, end func(), want error, wait func() error) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- wait() }()
	time.AfterFunc(50*time.Millisecond, end)
	select {
	case err := <-ended:
		if !errors.Is(err, want) {
			t.Fatalf("%s = %v, want %v", name, err, want)
		}
	case <-time.After(prompt):
		t.Fatalf("%s did not return although it was ended", name)
	}
}

func push(t *testing.T, p jobqueue.Producer, jobs ...string) {
	t.Helper()
	var bs [][]byte
	for _, j := range jobs {
		bs = append(bs, []byte(j))
	}
	if err := p.Push(ctxFor(t), bs...); err != nil {
		t.Fatalf("Push(%.40q) = %v", jobs, err)
	}
}

// pop copies what it pops, since that is valid only until the next call.
func pop(t *testing.T, c jobqueue.Consumer, max int, wait time.Duration) []string {
	t.Helper()
	jobs, err := c.Pop(ctxFor(t), max, wait)
	if err != nil {
		t.Fatalf("Pop(%d, %s) = %v", max, wait, err)
	}
	var out []string
	for _, j := range jobs {
		out = append(out, string(j))
	}
	return out
}

func order(t *testing.T, b jobqueue.Backend) {
	p, c := producerOf(t, b), consumerOf(t, b)
	for i := range 50 {
		push(t, p, fmt.Sprint(i))
	}
	for i := range 50 {
		if got := pop(t, c, 1, time.Second); len(got) != 1 || got[0] != fmt.Sprint(i) {
			t.Fatalf("pop %d = %q", i, got)
		}
	}
}

func batch(t *testing.T, b jobqueue.Backend) {
	p, c := producerOf(t, b), consumerOf(t, b)
	var jobs []string
	for i := range 10 {
		jobs = append(jobs, fmt.Sprint(i))
	}
	push(t, p, jobs...)
	var got []string
	for len(got) < 10 {
		part := pop(t, c, 4, time.Second)
		if len(part) > 4 {
			t.Fatalf("Pop(4) returned %d jobs", len(part))
		}
		got = append(got, part...)
	}
	if fmt.Sprint(got) != fmt.Sprint(jobs) {
		t.Fatalf("popped %q, want %q", got, jobs)
	}
}

func empty(t *testing.T, b jobqueue.Backend) {
	c := consumerOf(t, b)
	const wait = 200 * time.Millisecond
	from := time.Now()
	jobs, err := c.Pop(ctxFor(t), 3, wait)
	if !errors.Is(err, jobqueue.ErrEmpty) || len(jobs) != 0 {
		t.Fatalf("Pop on an empty queue = %q, %v; want ErrEmpty", jobs, err)
	}
	// Servers count a block in ticks, so a little early is right.
	if took := time.Since(from); took < wait/2 {
		t.Errorf("gave up after %s, want about %s", took, wait)
	}
}

func noWait(t *testing.T, b jobqueue.Backend) {
	p, c := producerOf(t, b), consumerOf(t, b)
	if jobs, err := c.Pop(ctxFor(t), 2, 0); !errors.Is(err, jobqueue.ErrEmpty) {
		t.Fatalf("Pop = %q, %v; want ErrEmpty", jobs, err)
	}
	push(t, p, "a", "b", "c")
	if got := pop(t, c, 2, 0); fmt.Sprint(got) != "[a b]" {
		t.Fatalf("Pop = %q, want a and b", got)
	}
}

func wake(t *testing.T, b jobqueue.Backend) {
	p, c := producerOf(t, b), consumerOf(t, b)
	const rounds = 20
	late := 0
	for i := range rounds {
		popped := make(chan []string, 1)
		from := time.Now()
		go func() { popped <- pop(t, c, 1, long) }()
		push(t, p, fmt.Sprint(i))
		select {
		case got := <-popped:
			if len(got) != 1 || got[0] != fmt.Sprint(i) {
				t.Fatalf("woke with %q, want %d", got, i)
			}
			if time.Since(from) > soon {
				late++
			}
		case <-time.After(prompt):
			t.Fatal("a waiting consumer was not woken")
		}
		if late > rounds/2 {
			t.Fatalf("a waiting consumer was woken more than %s late, %d times", soon, late)
		}
	}
}

func lengthAndClear(t *testing.T, b jobqueue.Backend) {
	p, c := producerOf(t, b), consumerOf(t, b)
	length := func(want int64) {
		t.Helper()
		if n, err := b.Len(ctxFor(t)); err != nil || n != want {
			t.Fatalf("Len = %d, %v; want %d", n, err, want)
		}
	}
	length(0)
	push(t, p, "a", "b", "c")
	length(3)
	pop(t, c, 1, time.Second)
	length(2)
	if err := b.Clear(ctxFor(t)); err != nil {
		t.Fatal(err)
	}
	length(0)
	if err := b.Clear(ctxFor(t)); err != nil {
		t.Fatalf("Clear of an empty queue = %v", err)
	}
}
