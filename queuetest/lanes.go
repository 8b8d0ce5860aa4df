package queuetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// MultiQueueConformance runs the suite for backends with so many queues and channels,
// besides that of [Conformance]. open makes one for each subtest: empty, unshared,
// and cleaned up by open's own tb.Cleanup.
//
// Three laws are about one consumer of several queues. If the backend has a method
// CrossSlot that returns true, other laws about consumers of one queue each take their
// place.
func MultiQueueConformance(t *testing.T, queues, channels int, open func(tb testing.TB) jobqueue.MultiQueue) {
	for _, c := range []struct {
		name string
		test func(*testing.T, laneSet)
	}{
		{"the queue with the lower number is taken from first", priorities},
		{"a consumer of some queues takes from them only, in order of priority", someQueues},
		{"a job in any queue wakes a consumer that waits", wakeByAny},
		{"the length is that of all queues and clear empties all", lengthOfAll},
		{"a message is heard on its channel only", channelsApart},
		{"a lane that is not there is an error", noSuchLane},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			a, ok := b.(interface{ CrossSlot() bool })
			c.test(t, laneSet{b, queues, channels, ok && a.CrossSlot()})
		})
	}
}

// laneSet is a backend and how many queues and channels it has.
type laneSet struct {
	jobqueue.MultiQueue
	queues, channels int
	apart            bool
}

func (l laneSet) pushTo(t *testing.T, p jobqueue.Producer, queue int, jobs ...string) {
	t.Helper()
	p.(jobqueue.QueueSelector).SelectQueue(queue)
	push(t, p, jobs...)
}

func (l laneSet) consumerOn(t *testing.T, queues ...int) jobqueue.Consumer {
	t.Helper()
	return opened(t, func(ctx context.Context) (jobqueue.Consumer, error) { return l.OpenConsumerOn(ctx, queues...) })
}

// popperOn is a consumer of all queues that can publish and pop in one write, or of
// the first queue if they are in different slots.
func (l laneSet) popperOn(t *testing.T) jobqueue.PublishPopper {
	t.Helper()
	if l.apart {
		return publishpop.Of(l.consumerOn(t, 0))
	}
	return turnerOf(t, l)
}

// drain pops until n jobs have come.
func drain(t *testing.T, c jobqueue.Consumer, n, max int) []string {
	t.Helper()
	var got []string
	for len(got) < n {
		part := pop(t, c, max, prompt)
		if len(part) > max {
			t.Fatalf("Pop(%d) returned %d jobs", max, len(part))
		}
		got = append(got, part...)
	}
	return got
}

func priorities(t *testing.T, l laneSet) {
	if l.apart {
		inOrderEach(t, l)
		return
	}
	p, c := producerOf(t, l), consumerOf(t, l)
	for _, max := range []int{1, 2, 3, 10} {
		var want []string
		for q := l.queues - 1; q >= 0; q-- {
			jobs := []string{fmt.Sprintf("%d-a", q), fmt.Sprintf("%d-b", q), fmt.Sprintf("%d-c", q)}
			l.pushTo(t, p, q, jobs...)
			want = append(jobs, want...)
		}
		if got := drain(t, c, len(want), max); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("popped by %d: %q, want %q", max, got, want)
		}
	}
	// What comes later and is more urgent is taken sooner.
	if l.queues > 1 {
		l.pushTo(t, p, l.queues-1, "low 1", "low 2")
		got := drain(t, c, 1, 1)
		l.pushTo(t, p, 0, "high")
		got = append(got, drain(t, c, 2, 1)...)
		if fmt.Sprint(got) != "[low 1 high low 2]" {
			t.Fatalf("popped %q", got)
		}
	}
}

// inOrderEach pushes to the queues by turns, without waiting for the answers
// where that is possible: each consumer gets its queue's jobs in order.
func inOrderEach(t *testing.T, l laneSet) {
	p := producerOf(t, l)
	const jobs = 100
	pipe, piped := p.(jobqueue.Pipeliner)
	for i := range jobs * l.queues {
		job := fmt.Sprint(i / l.queues)
		if !piped {
			l.pushTo(t, p, i%l.queues, job)
			continue
		}
		p.(jobqueue.QueueSelector).SelectQueue(i % l.queues)
		if err := pipe.Send([]byte(job)); err != nil {
			t.Fatal(err)
		}
	}
	if piped {
		if err := pipe.Flush(); err != nil {
			t.Fatal(err)
		}
		for range jobs * l.queues {
			if err := pipe.Await(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for q := range l.queues {
		for i, got := range drain(t, l.consumerOn(t, q), jobs, 7) {
			if got != fmt.Sprint(i) {
				t.Fatalf("job %d of queue %d is %q", i, q, got)
			}
		}
	}
}

func someQueues(t *testing.T, l laneSet) {
	p, last := producerOf(t, l), l.queues-1
	l.pushTo(t, p, 0, "first")
	if l.queues == 1 {
		if got := drain(t, l.consumerOn(t, 0), 1, 5); got[0] != "first" {
			t.Fatalf("popped %q", got)
		}
		return
	}
	only := l.consumerOn(t, last)
	if jobs, err := only.Pop(ctxFor(t), 1, 50*time.Millisecond); !errors.Is(err, jobqueue.ErrEmpty) {
		t.Fatalf("Pop of queue %d = %q, %v; want ErrEmpty", last, jobs, err)
	}
	l.pushTo(t, p, last, "last")
	if l.apart {
		for q, want := range map[int]string{last: "last", 0: "first"} {
			if got := drain(t, l.consumerOn(t, q), 1, 5); got[0] != want {
				t.Fatalf("popped %q by a consumer of queue %d, want %q", got, q, want)
			}
		}
		if c, err := l.OpenConsumerOn(ctxFor(t), last, 0); err == nil {
			c.Close()
			t.Fatal("a consumer of two queues in different slots was opened")
		}
		if c, err := l.OpenConsumer(ctxFor(t)); err == nil {
			c.Close()
			t.Fatal("a consumer of all queues in different slots was opened")
		}
		return
	}
	turned := l.consumerOn(t, last, 0)
	if got := drain(t, turned, 2, 1); fmt.Sprint(got) != "[last first]" {
		t.Fatalf("popped %q by a consumer that takes from queue %d first", got, last)
	}
}

func wakeByAny(t *testing.T, l laneSet) {
	p := producerOf(t, l)
	var c jobqueue.Consumer
	for q := range l.queues {
		if l.apart {
			c = l.consumerOn(t, q)
		} else if c == nil {
			c = consumerOf(t, l)
		}
		popped := make(chan []string, 1)
		go func() { popped <- pop(t, c, 2, long) }()
		l.pushTo(t, p, q, fmt.Sprint(q))
		select {
		case got := <-popped:
			if len(got) != 1 || got[0] != fmt.Sprint(q) {
				t.Fatalf("woke with %q, want %d", got, q)
			}
		case <-time.After(prompt):
			t.Fatalf("a job in queue %d woke no consumer", q)
		}
	}
}

func lengthOfAll(t *testing.T, l laneSet) {
	p := producerOf(t, l)
	sum := 0
	for q := range l.queues {
		for range q + 1 {
			l.pushTo(t, p, q, "job")
			sum++
		}
	}
	for q := range l.queues {
		if n, err := l.LenOf(ctxFor(t), q); n != int64(q+1) || err != nil {
			t.Errorf("LenOf(%d) = %d, %v; want %d", q, n, err, q+1)
		}
	}
	if n, err := l.Len(ctxFor(t)); n != int64(sum) || err != nil {
		t.Errorf("Len = %d, %v; want %d", n, err, sum)
	}
	if err := l.Clear(ctxFor(t)); err != nil {
		t.Fatal(err)
	}
	for q := range l.queues {
		if n, err := l.LenOf(ctxFor(t), q); n != 0 || err != nil {
			t.Errorf("LenOf(%d) after Clear = %d, %v", q, n, err)
		}
	}
}

func channelsApart(t *testing.T, l laneSet) {
	c := l.popperOn(t)
	all := subscriberOf(t, l)
	one := make([]jobqueue.Subscriber, l.channels)
	for i := range one {
		one[i] = opened(t, func(ctx context.Context) (jobqueue.Subscriber, error) { return l.OpenSubscriberOn(ctx, i) })
	}
	const rounds = 3
	for range rounds {
		for i := range l.channels {
			_, acks := turn(t, c, []jobqueue.Outcome{{Message: fmt.Append(nil, i), Channel: i}}, 0)
			if acks != "0:2 " {
				t.Fatalf("channel %d: acked %q, want two receivers", i, acks)
			}
		}
	}
	receive := func(s jobqueue.Subscriber, want int) {
		t.Helper()
		if m, err := s.Receive(ctxFor(t)); err != nil || string(m) != fmt.Sprint(want) {
			t.Fatalf("Receive = %q, %v; want %d", m, err, want)
		}
	}
	for range rounds {
		for i, s := range one {
			receive(all, i)
			receive(s, i)
		}
	}
	for i, s := range one {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if m, err := s.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("channel %d has %q, %v; want nothing more", i, m, err)
		}
		cancel()
	}
}

func noSuchLane(t *testing.T, l laneSet) {
	if _, err := l.OpenConsumerOn(ctxFor(t), l.queues); err == nil {
		t.Errorf("a consumer of queue %d was opened", l.queues)
	}
	if _, err := l.OpenConsumerOn(ctxFor(t)); err == nil {
		t.Error("a consumer of no queue was opened")
	}
	if _, err := l.OpenSubscriberOn(ctxFor(t), -1); err == nil {
		t.Error("a subscriber of channel -1 was opened")
	}
	if _, err := l.LenOf(ctxFor(t), l.queues); err == nil {
		t.Errorf("queue %d has a length", l.queues)
	}
}
