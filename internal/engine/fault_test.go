package engine_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
)

// faulty is a queue in which things go wrong on request. Each function may be
// nil; they are called from many goroutines.
type faulty struct {
	*memory.Queue
	push    func(jobs [][]byte) ([][]byte, error) // what really goes in
	pop     func(jobs [][]byte) [][]byte          // what really comes out
	publish func(message []byte) (send bool, answer int, err error)
	receive func(message []byte) (deliver bool)
	open    func() error // a producer's connection
	close   func()
}

func (f *faulty) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	if f.open != nil {
		if err := f.open(); err != nil {
			return nil, err
		}
	}
	p, err := f.Queue.OpenProducer(ctx)
	return faultyProducer{p, f}, err
}

func (f *faulty) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	c, err := f.Queue.OpenConsumer(ctx)
	return faultyConsumer{c, f}, err
}

func (f *faulty) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	s, err := f.Queue.OpenSubscriber(ctx)
	return faultySubscriber{s, f}, err
}

type faultyProducer struct {
	jobqueue.Producer
	f *faulty
}

func (p faultyProducer) Push(ctx context.Context, jobs ...[]byte) error {
	if p.f.push != nil {
		var err error
		if jobs, err = p.f.push(jobs); err != nil {
			return err
		}
	}
	return p.Producer.Push(ctx, jobs...)
}

func (p faultyProducer) SelectQueue(queue int) {
	p.Producer.(jobqueue.QueueSelector).SelectQueue(queue)
}

func (p faultyProducer) Close() error {
	if p.f.close != nil {
		p.f.close()
	}
	return p.Producer.Close()
}

type faultyConsumer struct {
	jobqueue.Consumer
	f *faulty
}

func (c faultyConsumer) Pop(ctx context.Context, max int, wait time.Duration) ([][]byte, error) {
	jobs, err := c.Consumer.Pop(ctx, max, wait)
	if err == nil && c.f.pop != nil {
		jobs = c.f.pop(jobs)
	}
	return jobs, err
}

func (c faultyConsumer) Publish(ctx context.Context, message []byte) (int, error) {
	if c.f.publish != nil {
		send, answer, err := c.f.publish(message)
		if err != nil || !send {
			return answer, err
		}
	}
	return c.Consumer.Publish(ctx, message)
}

type faultySubscriber struct {
	jobqueue.Subscriber
	f *faulty
}

func (s faultySubscriber) Receive(ctx context.Context) ([]byte, error) {
	for {
		m, err := s.Subscriber.Receive(ctx)
		if err != nil || s.f.receive == nil || s.f.receive(m) {
			return m, err
		}
	}
}

// nth is true at every n-th call.
func nth(n int64) func() bool {
	var calls atomic.Int64
	return func() bool { return calls.Add(1)%n == 0 }
}

// damage changes the last hexadecimal digit of the job's number to another
// that no job has.
func damage(job []byte) []byte {
	out := bytes.Clone(job)
	copy(out[len(out)-12:], "ffffffffffff")
	return out
}
