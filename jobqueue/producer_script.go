package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
)

// Script is a Lua script that puts jobs in. It gets Args and, behind them, each job as one
// more argument, and it returns a whole number.
type Script struct {
	Text string
	Keys []string // all in the slot of the client's queue
	Args []string
}

// scriptProducer pushes by EVALSHA.
type scriptProducer struct {
	producer
	head []byte // the words behind the number of words, up to the jobs
	// words are the number of words in head.
	words int
}

var _ pipeline = (*scriptProducer)(nil)

// OpenScriptProducer returns a producer that pushes by the script, in place of the commands
// of the client's design. The server has got the script when it returns. The producer is a
// [Pipeliner].
func (c *Client) OpenScriptProducer(ctx context.Context, s Script) (Pipeliner, error) {
	p, err := c.newProducer(ctx, 0, c.queue)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, p.w.Abort)
	defer stop()
	p.w.Out = resp.AppendCommand(p.w.Out, "SCRIPT", "LOAD", s.Text)
	p.owed.Add(1)
	err = p.w.Flush()
	var sha []byte
	if err == nil {
		sha, err = p.w.In.Bulk()
	}
	p.owed.Add(-1)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		err = p.w.Broken(err) // before the close, which would be taken for the reason
		p.w.Close()
		return nil, redisconn.ExplainOn("load the script that pushes to", c.queue, p.w.Address(), err)
	}
	words := append([]string{"EVALSHA", string(sha), fmt.Sprint(len(s.Keys))}, s.Keys...)
	words = append(words, s.Args...)
	var head []byte
	for _, word := range words {
		head = resp.AppendWord(head, word)
	}
	return &scriptProducer{producer: *p, head: head, words: len(words)}, nil
}

// Send takes one call of the script with the jobs into the output buffer.
func (p *scriptProducer) Send(jobs ...[]byte) error {
	if len(jobs) == 0 {
		return nil
	}
	out := append(resp.AppendHead(p.w.Out, p.words+len(jobs)), p.head...)
	for _, job := range jobs {
		p.w.NoteSize(len(job))
		out = resp.AppendWord(out, job)
	}
	p.w.Out = out
	p.staged++
	return nil
}

// Push sends the jobs and waits for the answer.
func (p *scriptProducer) Push(ctx context.Context, jobs ...[]byte) error { return push(ctx, p, jobs) }

// Await waits for the answer to the oldest push that has none. A server that has lost the
// script, by a restart or by SCRIPT FLUSH, carries nothing out: another producer loads it again.
func (p *scriptProducer) Await() error {
	err := p.answer()
	if err == nil {
		return nil
	}
	var reply *resp.ReplyError
	if errors.As(err, &reply) {
		// Up to Redis 6 an error inside of a script stands at the end of another one.
		if _, inside, wrapped := strings.Cut(reply.Text, ": -"); wrapped && strings.HasPrefix(reply.Text, "ERR Error running script") {
			err = &resp.ReplyError{Text: inside}
		}
		if strings.HasPrefix(reply.Text, "NOSCRIPT") {
			return redisconn.ExplainOn("push to", p.name, p.w.Address(), redisconn.Lost(err))
		}
	}
	return p.fault(err)
}

// SelectQueue does nothing: a script has one queue.
func (p *scriptProducer) SelectQueue(int) {}
