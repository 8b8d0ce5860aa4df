package jobqueue

import (
	"context"

	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/internal/ring"
)

// streamField is the name of the field of an entry that holds the job.
const streamField = "job"

// streamProducer pushes by XADD.
type streamProducer struct {
	producer
	// sizes is how many jobs each push has that was sent and not answered. Who sends and
	// who waits for the answers may be two goroutines.
	sizes ring.Shared[int]
}

var _ pipeline = (*streamProducer)(nil)

// Send takes one push of the jobs into the output buffer. There is no XADD of
// several entries, so several jobs go in by a transaction: all or none.
func (p *streamProducer) Send(jobs ...[]byte) error {
	if len(jobs) == 0 {
		return nil
	}
	out := p.w.Out
	if len(jobs) > 1 {
		out = append(out, "*1\r\n$5\r\nMULTI\r\n"...)
	}
	for _, job := range jobs {
		out = append(out, "*5\r\n$4\r\nXADD\r\n"...)
		out = resp.AppendWord(out, p.key)
		out = append(out, "$1\r\n*\r\n"...)
		out = resp.AppendWord(out, streamField)
		p.w.NoteSize(len(job))
		out = resp.AppendWord(out, job)
	}
	if len(jobs) > 1 {
		out = append(out, "*1\r\n$4\r\nEXEC\r\n"...)
	}
	p.w.Out = out
	p.staged++
	p.sizes.Push(len(jobs))
	return nil
}

// Await waits for the answer to the oldest push that has none.
func (p *streamProducer) Await() error {
	p.w.Reading.Lock()
	defer p.w.Reading.Unlock()
	err := p.await()
	if err == nil || resp.IsReply(err) {
		p.owed.Add(-1)
	}
	return err
}

func (p *streamProducer) await() error {
	in := &p.w.In
	// The push may be sent only while we wait, so its size is known not before
	// its answer is there.
	if err := p.w.Next(); err != nil {
		return p.fault(err)
	}
	n, ok := p.sizes.Pop()
	if !ok {
		return p.fault(resp.ProtocolError("an answer to a push that was not sent"))
	}
	if n == 1 {
		if _, err := in.Bulk(); err != nil {
			return p.fault(err)
		}
		return nil
	}
	// MULTI says OK and each XADD QUEUED, or what is wrong. Then EXEC has the
	// ids, or an error that says no more than that there was one before.
	var wrong error
	for range 1 + n {
		if _, _, err := in.Head(); err != nil {
			if !resp.IsReply(err) {
				return p.fault(err)
			}
			if wrong == nil {
				wrong = err
			}
		}
	}
	ids, err := in.Array()
	for range ids {
		if _, each := in.Bulk(); each != nil {
			if !resp.IsReply(each) {
				return p.fault(each)
			}
			if wrong == nil {
				wrong = each
			}
		}
	}
	if wrong != nil && (err == nil || resp.IsReply(err)) {
		err = wrong
	}
	if err != nil {
		return p.fault(err)
	}
	return nil
}

// Push sends the jobs and waits for the answer.
func (p *streamProducer) Push(ctx context.Context, jobs ...[]byte) error {
	return push(ctx, p, jobs)
}
