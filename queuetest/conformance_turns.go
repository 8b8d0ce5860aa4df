package queuetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// turnerOf skips the test where there is nothing to test.
func turnerOf(t *testing.T, b jobqueue.Backend) jobqueue.PublishPopper {
	t.Helper()
	c, ok := consumerOf(t, b).(jobqueue.PublishPopper)
	if !ok {
		t.Skip("its consumers publish and pop one after the other")
	}
	return c
}

// turn copies what it pops and returns what acked was called with.
func turn(t *testing.T, c jobqueue.PublishPopper, outcomes []jobqueue.Outcome, max int) (jobs []string, acks string) {
	t.Helper()
	acked := func(i, receivers int) { acks += fmt.Sprintf("%d:%d ", i, receivers) }
	got, err := c.PublishAndPop(ctxFor(t), outcomes, acked, max, time.Second)
	if err != nil {
		t.Fatalf("Turn(%d outcomes, max %d) = %v", len(outcomes), max, err)
	}
	for _, j := range got {
		jobs = append(jobs, string(j))
	}
	return jobs, acks
}

// turns ends the jobs of a batch: together, one by one, with and without a
// message, and with several messages for one job.
func turns(t *testing.T, b jobqueue.Backend) {
	p, c, s := producerOf(t, b), turnerOf(t, b), subscriberOf(t, b)
	var stock []string
	for i := range 9 {
		stock = append(stock, fmt.Sprint(i))
	}
	push(t, p, stock...)
	say := func(m string, last bool) jobqueue.Outcome {
		o := jobqueue.Outcome{Last: last}
		if m != "" {
			o.Message = []byte(m)
		}
		return o
	}
	for _, step := range []struct {
		outcomes   []jobqueue.Outcome
		max        int
		jobs, acks string
	}{
		{nil, 3, "[0 1 2]", ""},
		{[]jobqueue.Outcome{say("running", false)}, 0, "[]", "0:1 "},
		{[]jobqueue.Outcome{say("of 0", true), say("", true), say("of 2", true)}, 3, "[3 4 5]", "0:1 1:-1 2:1 "},
		{[]jobqueue.Outcome{say("", true)}, 0, "[]", "0:-1 "},
		{[]jobqueue.Outcome{say("", false), say("of 4", false), say("of 4 again", true)}, 2, "[6 7]", "0:-1 1:1 2:1 "},
		// 5, 6 and 7 are of two pops, and end in the order of these.
		{[]jobqueue.Outcome{say("of 5", true), say("of 6", true), say("of 7", true)}, 1, "[8]", "0:1 1:1 2:1 "},
		{[]jobqueue.Outcome{say("of 8", true)}, 0, "[]", "0:1 "},
	} {
		jobs, acks := turn(t, c, step.outcomes, step.max)
		for 0 < len(jobs) && len(jobs) < step.max { // a part of a batch is right, too
			jobs = append(jobs, pop(t, c, step.max-len(jobs), time.Second)...)
		}
		if fmt.Sprint(jobs) != step.jobs || acks != step.acks {
			t.Fatalf("Turn = %q, acked %q; want %s, %q", jobs, acks, step.jobs, step.acks)
		}
	}
	for _, want := range []string{"running", "of 0", "of 2", "of 4", "of 4 again", "of 5", "of 6", "of 7", "of 8"} {
		if m, err := s.Receive(ctxFor(t)); err != nil || string(m) != want {
			t.Fatalf("Receive = %q, %v; want %q", m, err, want)
		}
	}
	if n, err := b.Len(ctxFor(t)); n != 0 || err != nil {
		t.Errorf("Len at the end = %d, %v", n, err)
	}
}

// equals has jobs with the same text, which must still end one by one.
func equals(t *testing.T, b jobqueue.Backend) {
	p, c := producerOf(t, b), turnerOf(t, b)
	for range 5 {
		push(t, p, "same", "same")
		jobs, _ := turn(t, c, nil, 2)
		for len(jobs) < 2 {
			more, _ := turn(t, c, nil, 2-len(jobs))
			jobs = append(jobs, more...)
		}
		turn(t, c, []jobqueue.Outcome{{Last: true}, {Last: true}}, 0)
	}
	if n, err := b.Len(ctxFor(t)); n != 0 || err != nil {
		t.Errorf("Len at the end = %d, %v", n, err)
	}
}
