package verify

import (
	"bytes"
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// fault names something that is made to happen to a job.
type fault int

// The faults, and on which leg each loses its job or how it is to be counted.
const (
	none           fault = iota
	swallowPush          // acknowledged and not pushed: vanished
	swallowPublish       // published to no subscriber, answered 0: nobody_listened
	dropMessage          // published and answered 1, never sent: unnotified
	dropDelivery         // delivered by the server, dropped before the subscriber: unnotified
	hangPublish          // never answered: unpublished
	pushTwice            // popped and notified once too often: two duplicates
	deliverTwice         // notified once too often: a duplicate
	deliverLate          // delivered after the one that follows it: out of order
	foreignElement       // followed by an element of another client: foreign
	foreignMessage       // followed by a message of another client: foreign
	damagedElement       // followed by a damaged copy of itself: corrupt
	unreadable           // followed by a message that is no JSON: unreadable
)

// faults says which jobs meet which fault: of every hundred jobs, the one with
// this number.
type faults map[int64]fault

// of is the fault of a job, by its id.
func (f faults) of(id []byte) fault {
	n, ok := number(id)
	if !ok {
		return none
	}
	return f[n%100]
}

// number reads a job's number out of its id, the last twelve hexadecimal digits.
func number(id []byte) (int64, bool) {
	if len(id) < 12 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(id[len(id)-12:]), 16, 64)
	return n, err == nil
}

// hooks make the faults happen. What they wrap can neither pipeline nor take
// turns any more: each fault then strikes one job and nothing else.
func (f faults) hooks() hooks {
	return hooks{
		producer:   func(p jobqueue.Producer) jobqueue.Producer { return faultyProducer{p, f} },
		consumer:   func(c jobqueue.Consumer) jobqueue.Consumer { return &faultyConsumer{Consumer: c, faults: f} },
		subscriber: func(s jobqueue.Subscriber) jobqueue.Subscriber { return &faultySubscriber{Subscriber: s, faults: f} },
	}
}

type faultyProducer struct {
	jobqueue.Producer
	faults faults
}

func (p faultyProducer) Push(ctx context.Context, jobs ...[]byte) error {
	out := make([][]byte, 0, len(jobs)+1)
	for _, job := range jobs {
		out = append(out, job)
		switch p.faults.of(job) {
		case swallowPush:
			out = out[:len(out)-1]
		case pushTwice:
			out = append(out, job)
		case foreignElement:
			out = append(out, []byte("4711"))
		case damagedElement:
			out = append(out, damaged(job))
		}
	}
	if len(out) == 0 {
		return ctx.Err()
	}
	return p.Producer.Push(ctx, out...)
}

// damaged is the job with a number that no job can have.
func damaged(job []byte) []byte {
	out := bytes.Clone(job)
	copy(out[len(out)-12:], "ffffffffffff")
	return out
}

type faultyConsumer struct {
	jobqueue.Consumer
	faults faults
	hung   bool
}

func (c *faultyConsumer) Publish(ctx context.Context, message []byte) (int, error) {
	if c.hung {
		// The run asks once more when it ends; the answer stays away.
		return 0, context.Canceled
	}
	switch c.faults.of(jobOf(message)) {
	case swallowPublish:
		return 0, ctx.Err()
	case dropMessage:
		return 1, ctx.Err()
	case hangPublish:
		c.hung = true
		<-ctx.Done()
		return 0, ctx.Err()
	case foreignMessage:
		if _, err := c.Consumer.Publish(ctx, []byte(`{"tenantId":"x","jobId":"other","status":"COMPLETED","error":null}`)); err != nil {
			return 0, err
		}
	case unreadable:
		if _, err := c.Consumer.Publish(ctx, []byte("not json")); err != nil {
			return 0, err
		}
	}
	return c.Consumer.Publish(ctx, message)
}

// jobOf is the id of the job that a message is about, nil for other messages.
func jobOf(message []byte) []byte {
	update, err := updates.ViewUpdate(message)
	if err != nil {
		return nil
	}
	return update.JobID
}

type faultySubscriber struct {
	jobqueue.Subscriber
	faults faults
	next   [][]byte // to be delivered before anything is received
	late   []byte   // to be delivered after the next message
}

func (s *faultySubscriber) Receive(ctx context.Context) ([]byte, error) {
	if len(s.next) > 0 {
		message := s.next[0]
		s.next = s.next[1:]
		return message, nil
	}
	for {
		message, err := s.Subscriber.Receive(ctx)
		if err != nil {
			return nil, err
		}
		switch f := s.faults.of(jobOf(message)); {
		case f == dropDelivery:
			continue
		case f == deliverLate:
			s.late = bytes.Clone(message)
			continue
		case f == deliverTwice:
			s.next = append(s.next, bytes.Clone(message))
		}
		if s.late != nil {
			s.next, s.late = append(s.next, s.late), nil
		}
		return message, nil
	}
}

// strike lets consumers take so many jobs and no more.
type strike struct{ left atomic.Int64 }

func (s *strike) wrap(c jobqueue.Consumer) jobqueue.Consumer { return strikingConsumer{c, s} }

type strikingConsumer struct {
	jobqueue.Consumer
	strike *strike
}

func (c strikingConsumer) Pop(ctx context.Context, _ int, wait time.Duration) ([][]byte, error) {
	if c.strike.left.Add(-1) < 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	jobs, err := c.Consumer.Pop(ctx, 1, wait)
	if err != nil {
		c.strike.left.Add(1)
	}
	return jobs, err
}
