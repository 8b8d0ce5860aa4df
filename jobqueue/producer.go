package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
)

// producer pushes by LPUSH on a separate connection.
type producer struct {
	w      *redisconn.Wire
	client *Client
	key    string        // of the goroutine that sends
	name   string        // that errors have
	owed   *atomic.Int64 // answers to what was flushed
	staged int64         // pushes that were not flushed yet
}

// pipeline is what all producers of a client can do.
type pipeline interface {
	Pipeliner
	QueueSelector
	// Prove sends a PING if the connection was idle for a moment, and waits for the
	// answer. Its error matches [ErrStale] when the connection is dead, although
	// the server answers on others. It is called by the goroutine that calls Push or
	// Send, when everything sent was flushed.
	Prove() error
	Disconnect(ctx context.Context) error
}

var _ pipeline = (*producer)(nil)

// OpenProducer returns a producer on a separate connection, or on one for each queue
// if the queues are in several slots, see [Client.CrossSlot]. It implements
// [Pipeliner] and [QueueSelector].
func (c *Client) OpenProducer(ctx context.Context) (Producer, error) {
	if c.crossSlot {
		return c.openProducers(ctx)
	}
	return c.openProducer(ctx, 0, c.queue)
}

// openProducer returns a producer that is aimed at a queue, on a connection to
// its node.
func (c *Client) openProducer(ctx context.Context, queue int, name string) (pipeline, error) {
	p, err := c.newProducer(ctx, queue, name)
	if err != nil {
		return nil, err
	}
	if c.cfg.Design == Stream {
		return &streamProducer{producer: *p}, nil
	}
	return p, nil
}

// newProducer returns a producer that is aimed at a queue.
func (c *Client) newProducer(ctx context.Context, queue int, name string) (*producer, error) {
	key := c.lanes.queues[queue]
	w, err := c.dial(ctx, "producers", key, c.identifies())
	if err != nil {
		return nil, err
	}
	p := &producer{w: w, client: c, key: key, name: name, owed: new(atomic.Int64)}
	w.Proves = !c.servers.Missing.Lacks("PING")
	if err := w.ExpectAnswers(func() bool { return p.owed.Load() > 0 }); err != nil {
		w.Close()
		return nil, c.servers.Retryable(redisconn.Explain("connect to Redis", w.Address(), err))
	}
	return p, nil
}

// SelectQueue makes the pushes from now on go to the given queue.
func (p *producer) SelectQueue(queue int) { p.key = p.client.lanes.queues[queue] }

// Send takes one LPUSH of the jobs into the output buffer.
func (p *producer) Send(jobs ...[]byte) error {
	if len(jobs) == 0 {
		return nil
	}
	out := resp.AppendHead(p.w.Out, 2+len(jobs))
	out = append(out, "$5\r\nLPUSH\r\n"...)
	out = resp.AppendWord(out, p.key)
	for _, job := range jobs {
		p.w.NoteSize(len(job))
		out = resp.AppendWord(out, job)
	}
	p.w.Out = out
	p.staged++
	return nil
}

// ready is why nothing can be sent: the connection was closed meanwhile.
func (p *producer) ready() error {
	if err := p.w.Ready(); err != nil {
		return p.fault(err)
	}
	return nil
}

// Flush writes what Send took.
func (p *producer) Flush() error {
	err := p.w.Ready()
	p.owed.Add(p.staged)
	p.staged = 0
	if err := p.w.Write(err); err != nil {
		return p.fault(err)
	}
	return nil
}

// Await waits for the answer to the oldest push that has none, for as long as
// nothing was sent.
func (p *producer) Await() error {
	if err := p.answer(); err != nil {
		return p.fault(err)
	}
	return nil
}

// answer reads the answer to a push, a whole number.
func (p *producer) answer() error {
	p.w.Reading.Lock()
	defer p.w.Reading.Unlock()
	err := p.w.Next()
	if err == nil {
		_, err = p.w.In.Integer()
	}
	if err == nil || resp.IsReply(err) {
		p.owed.Add(-1)
	}
	return err
}

// Push sends the jobs and waits for the answer.
func (p *producer) Push(ctx context.Context, jobs ...[]byte) error {
	return push(ctx, p, jobs)
}

// push looks at the context before the write; what is written cannot be taken
// back.
func push(ctx context.Context, p Pipeliner, jobs [][]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(jobs) == 0 {
		return nil
	}
	if err := p.Send(jobs...); err != nil {
		return err
	}
	if err := p.Flush(); err != nil {
		return err
	}
	return p.Await()
}

func (p *producer) fault(err error) error {
	if !resp.IsReply(err) {
		err = p.w.Broken(err)
	}
	if err == ErrClosed {
		return err
	}
	return tooLong(redisconn.ExplainOn("push to", p.name, p.w.Address(), err), p.w.Longest.Load())
}

// smallestLimit is the smallest value of proto-max-bulk-len and of
// client-query-buffer-limit.
const smallestLimit = 1 << 20

// tooLong names the settings by which a server may have refused a job for its size:
// it closes the connection then, with or without a word.
func tooLong(err error, longest int64) error {
	var known *redisconn.Error
	if !errors.As(err, &known) || longest+2 <= smallestLimit {
		return err
	}
	if redisconn.HungUp(err) || strings.Contains(err.Error(), "Protocol error: invalid bulk length") {
		known.Remedy = fmt.Sprintf("the largest job had %d bytes, and a server closes the connection on one that is longer than its proto-max-bulk-len or client-query-buffer-limit; raise them, or send smaller jobs", longest)
	}
	return err
}

// Prove sends a PING if the connection was idle for a moment.
func (p *producer) Prove() error {
	if err := p.w.ProveIdle(); err != nil {
		return p.fault(err)
	}
	return nil
}

func (p *producer) Close() error { return p.w.Close() }
