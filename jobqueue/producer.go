package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// producer pushes by LPUSH on a connection of its own.
type producer struct {
	w      *wire
	client *Client
	key    string        // of the goroutine that sends
	name   string        // that errors have
	owed   *atomic.Int64 // answers to what was flushed
	staged int64         // pushes that were not flushed yet
}

var (
	_ Pipeliner = (*producer)(nil)
	_ Aimer     = (*producer)(nil)
	_ Prover    = (*producer)(nil)
)

// OpenProducer returns a producer on a connection of its own, or on one for each
// queue where these lie [Client.Apart]; it implements [Pipeliner] and [Aimer].
func (c *Client) OpenProducer(ctx context.Context) (Producer, error) {
	if c.crossSlot {
		return c.openProducers(ctx)
	}
	return c.openProducer(ctx, 0, c.queue)
}

// openProducer returns a producer that is aimed at a queue, on a connection to
// its node.
func (c *Client) openProducer(ctx context.Context, queue int, name string) (Pipeliner, error) {
	key := c.lanes.queues[queue]
	w, err := c.servers.dial(ctx, key, false)
	if err != nil {
		return nil, err
	}
	p := producer{w: w, client: c, key: key, name: name, owed: new(atomic.Int64)}
	w.proves = !c.servers.missing.lacks("PING")
	if err := w.expectAnswers(func() bool { return p.owed.Load() > 0 }); err != nil {
		w.close()
		return nil, c.servers.unfound(explain("connect", w.address(), err))
	}
	if c.cfg.Design == Stream {
		return &streamProducer{producer: p}, nil
	}
	return &p, nil
}

// Aim makes the pushes from now on go to the given queue.
func (p *producer) Aim(queue int) { p.key = p.client.lanes.queues[queue] }

// Send takes one LPUSH of the jobs into the output buffer.
func (p *producer) Send(jobs ...[]byte) error {
	if len(jobs) == 0 {
		return nil
	}
	out := appendHead(p.w.out, 2+len(jobs))
	out = append(out, "$5\r\nLPUSH\r\n"...)
	out = appendWord(out, p.key)
	for _, job := range jobs {
		p.w.noteSize(len(job))
		out = appendWord(out, job)
	}
	p.w.out = out
	p.staged++
	return nil
}

// ready is why nothing can be sent: the connection was closed meanwhile.
func (p *producer) ready() error {
	if err := p.w.ready(); err != nil {
		return p.fault(err)
	}
	return nil
}

// Flush writes what Send took.
func (p *producer) Flush() error {
	err := p.w.ready()
	p.owed.Add(p.staged)
	p.staged = 0
	if err := p.w.write(err); err != nil {
		return p.fault(err)
	}
	return nil
}

// Await waits for the answer to the oldest push that has none, for as long as
// nothing was sent.
func (p *producer) Await() error {
	p.w.reading.Lock()
	defer p.w.reading.Unlock()
	err := p.w.next()
	if err == nil {
		_, err = p.w.in.integer()
	}
	if err == nil || isReply(err) {
		p.owed.Add(-1)
	}
	if err != nil {
		return p.fault(err)
	}
	return nil
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
	if !isReply(err) {
		err = p.w.broken(err)
	}
	if err == ErrClosed {
		return err
	}
	return tooLong(explainOn("push to", p.name, p.w.address(), err), p.w.longest.Load())
}

// smallestLimit is the smallest value of proto-max-bulk-len and of
// client-query-buffer-limit.
const smallestLimit = 1 << 20

// tooLong names the settings by which a server may have refused a job for its size:
// it closes the connection then, with or without a word.
func tooLong(err error, longest int64) error {
	var known *Error
	if !errors.As(err, &known) || longest+2 <= smallestLimit {
		return err
	}
	if hungUp(err) || strings.Contains(err.Error(), "Protocol error: invalid bulk length") {
		known.hint = fmt.Sprintf("the largest job had %d bytes, and a server closes the connection on one that is longer than its proto-max-bulk-len or client-query-buffer-limit; raise them, or send smaller jobs", longest)
	}
	return err
}

// Prove sends a PING if the connection was idle for a moment.
func (p *producer) Prove() error {
	if err := p.w.proveIdle(); err != nil {
		return p.fault(err)
	}
	return nil
}

func (p *producer) Close() error { return p.w.close() }
