package jobqueue_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// Round trips on a real Redis, one operation one trip, whatever it carries. None
// of them allocates once its buffers have grown.

// id is as long as the ids of a run.
var id = []byte("0b8f2c1e-7d43-4a96-8c55-000000000001")

func BenchmarkProducerPush(b *testing.B) {
	queue := redistest.Queue(b)
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			p := open(b, queue.OpenProducer)
			jobs := make([][]byte, n)
			for i := range jobs {
				jobs[i] = id
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Push(b.Context(), jobs...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "jobs/s")
			empty(b, queue)
		})
	}
}

// BenchmarkProducerPipeline has several pushes on their way at once, as a
// producer has that is behind.
func BenchmarkProducerPipeline(b *testing.B) {
	queue := redistest.Queue(b)
	for _, depth := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			p := open(b, queue.OpenProducer).(jobqueue.Pipeliner)
			job := [][]byte{id}
			b.ReportAllocs()
			for b.Loop() {
				for range depth {
					if err := p.Send(job...); err != nil {
						b.Fatal(err)
					}
				}
				if err := p.Flush(); err != nil {
					b.Fatal(err)
				}
				for range depth {
					if err := p.Await(); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(depth*b.N)/b.Elapsed().Seconds(), "jobs/s")
			empty(b, queue)
		})
	}
}

// BenchmarkConsumerTurn is a worker's whole turn on a queue that is never empty:
// publish what became of the jobs and pop the next ones. In one write it is one
// round trip, otherwise one more for each message.
func BenchmarkConsumerTurn(b *testing.B) {
	queue := redistest.Queue(b)
	message := jobqueue.Update{TenantID: "t1", JobID: string(id), Status: jobqueue.Completed}.AppendTo(nil)
	turns := map[string]func(c jobqueue.PublishPopper, outcomes []jobqueue.Outcome, acked func(int, int)) error{
		"one": func(c jobqueue.PublishPopper, outcomes []jobqueue.Outcome, acked func(int, int)) error {
			_, err := c.PublishAndPop(b.Context(), outcomes, acked, 1, time.Second)
			return err
		},
		"two": func(c jobqueue.PublishPopper, outcomes []jobqueue.Outcome, acked func(int, int)) error {
			if _, err := c.Publish(b.Context(), outcomes[0].Message); err != nil {
				return err
			}
			_, err := c.Pop(b.Context(), 1, time.Second)
			return err
		},
	}
	for _, writes := range []string{"one", "two"} {
		turn := turns[writes]
		b.Run("writes="+writes, func(b *testing.B) {
			p, c := open(b, queue.OpenProducer), open(b, queue.OpenConsumer).(jobqueue.PublishPopper)
			stock := make([][]byte, 1000)
			for i := range stock {
				stock[i] = id
			}
			outcomes, acked := []jobqueue.Outcome{{Message: message, Last: true}}, func(int, int) {}
			left := 0
			b.ReportAllocs()
			for b.Loop() {
				if left == 0 {
					b.StopTimer()
					if err := p.Push(b.Context(), stock...); err != nil {
						b.Fatal(err)
					}
					left = len(stock)
					b.StartTimer()
				}
				if err := turn(c, outcomes, acked); err != nil {
					b.Fatal(err)
				}
				left--
			}
			empty(b, queue)
		})
	}
}

// BenchmarkDesignTurn is a worker's whole turn in each design, and the pushes of
// its jobs in blocks of 1000 are not counted.
func BenchmarkDesignTurn(b *testing.B) {
	message := jobqueue.Update{TenantID: "t1", JobID: string(id), Status: jobqueue.Completed}.AppendTo(nil)
	for _, design := range jobqueue.Designs() {
		for _, n := range []int{1, 10} {
			b.Run(fmt.Sprintf("design=%s/batch=%d", design, n), func(b *testing.B) {
				queue := connectTo(b, redistest.Server(b), jobqueue.Config{Design: design})
				p, c := open(b, queue.OpenProducer), open(b, queue.OpenConsumer).(jobqueue.PublishPopper)
				stock := slices.Repeat([][]byte{id}, 1000)
				outcomes := slices.Repeat([]jobqueue.Outcome{{Message: message, Last: true}}, n)
				acked, held := func(int, int) {}, 0
				turns, left := 0, 0
				b.ReportAllocs()
				for b.Loop() {
					if left < n {
						b.StopTimer()
						if err := p.Push(b.Context(), stock...); err != nil {
							b.Fatal(err)
						}
						left += len(stock)
						b.StartTimer()
					}
					jobs, err := c.PublishAndPop(b.Context(), outcomes[:held], acked, n, time.Second)
					if err != nil {
						b.Fatal(err)
					}
					held = len(jobs)
					left -= held
					turns += held
				}
				b.ReportMetric(float64(turns)/b.Elapsed().Seconds(), "jobs/s")
				empty(b, queue)
			})
		}
	}
}

// BenchmarkConsumerWake is the way of a job to a worker that waits for it.
func BenchmarkConsumerWake(b *testing.B) {
	queue := redistest.Queue(b)
	p, c := open(b, queue.OpenProducer), open(b, queue.OpenConsumer)
	ctx, cancel := context.WithCancel(b.Context())
	popped := make(chan struct{})
	go func() {
		defer close(popped)
		for {
			if _, err := c.Pop(ctx, 1, time.Minute); err != nil {
				return
			}
			popped <- struct{}{}
		}
	}()
	defer func() {
		cancel()
		for range popped {
		}
	}()
	for b.Loop() {
		if err := p.Push(b.Context(), id); err != nil {
			b.Fatal(err)
		}
		if _, ok := <-popped; !ok {
			b.Fatal("the pop ended")
		}
	}
}

// BenchmarkSubscriberReceive is the way of a message from its publish to a
// subscriber.
func BenchmarkSubscriberReceive(b *testing.B) {
	queue := redistest.Queue(b)
	c, s := open(b, queue.OpenConsumer), open(b, queue.OpenSubscriber)
	message := bytes.Repeat([]byte("x"), 100)
	b.ReportAllocs()
	for b.Loop() {
		if n, err := c.Publish(b.Context(), message); n != 1 || err != nil {
			b.Fatal(n, err)
		}
		if _, err := s.Receive(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// open opens one end of the queue and closes it with the test or benchmark.
func open[T io.Closer](tb testing.TB, opener func(context.Context) (T, error)) T {
	tb.Helper()
	end, err := opener(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { end.Close() })
	return end
}

// empty removes what a benchmark left in the queue.
func empty(b *testing.B, queue *jobqueue.Client) {
	b.Helper()
	if err := queue.Clear(b.Context()); err != nil {
		b.Fatal(err)
	}
}
