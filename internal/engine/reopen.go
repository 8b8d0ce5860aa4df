package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// patience is how long a run waits for a server to come back, or for another to
// take its place, before a lost connection ends it. An outage that the scenario asks for
// comes on top: see [run.patience].
const patience = 30 * time.Second

// patience is how long this run waits.
func (r *run) patience() time.Duration { return patience + fault.Outage(r.s.Faults) }

// How connections are opened again. A message that is published before the
// subscribers are back is lost, so they try more often than producers and consumers,
// of which there can be many.
var (
	workersPolicy     = reconnect.Policy{Immediate: 1, First: 20 * time.Millisecond, Longest: 500 * time.Millisecond}
	subscribersPolicy = reconnect.Policy{Immediate: 1, First: 20 * time.Millisecond, Longest: 50 * time.Millisecond}
)

// errOver is why no other connection is needed. It is no error of the run.
var errOver = errors.New("the load is over")

// errEnded is why no other connection is attempted.
var errEnded = errors.New("the server has ended")

// goneError is why a lost connection ends the run: no other could be opened. Its remedy
// is that of the reason, which is more precise than that of the loss.
type goneError struct {
	lost, why error
	after     string
}

func (e *goneError) Error() string { return e.lost.Error() + "; " + e.after + e.why.Error() }

func (e *goneError) Unwrap() []error { return []error{e.lost, e.why} }

func (e *goneError) Hint() string {
	if errors.Is(e.why, errEnded) {
		return "redis-server ended during the run: see whether the system ended it (out of memory), or an administrator did"
	}
	return cmp.Or(problem.Of(e.why).Hint, problem.Of(e.lost).Hint)
}

// reopened opens what was lost again and again until that succeeds, with the pauses
// of the policy. It gives up with the error that lost it when the
// patience is over or the server has ended, and when over says that it is not
// needed any more, with the error of over.
func reopened[T any](r *run, op string, k *reconnect.Streak, lost error, policy reconnect.Policy, over func() error, open func(context.Context) (T, error)) (conn T, err error) {
	began := time.Now()
	patience := r.patience()
	failures, hopeless := k.Next(resp.IsReply(lost), patience)
	if hopeless {
		return conn, fmt.Errorf("%w; so did the %d connections before it", lost, failures-1)
	}
	for tries := 1; ; tries++ {
		r.wait(policy.Pause(failures))
		ctx, cancel := context.WithTimeout(r.ctx, 2*time.Second)
		conn, err = open(ctx)
		cancel()
		if err == nil {
			r.reconnect(op, lost, k.Opened().Sub(began), tries == 1)
			return conn, nil
		}
		if waited(lost) && tries == 1 {
			r.problem(op, lost) // the server is away, and not only a connection
		}
		if r.ctx.Err() != nil {
			return conn, context.Cause(r.ctx)
		}
		if r.faults.ended() {
			return conn, errOver // the run has ended the server itself
		}
		if why := over(); why != nil {
			r.problems.mu.Lock()
			if r.away == nil && op != "push" { // the others find the server, too, if there is one
				r.away = fmt.Errorf("%w; no other could be had until the run was over: %w", lost, err)
			}
			r.problems.mu.Unlock()
			return conn, why
		}
		if r.serverEnded() {
			return conn, &goneError{lost, errEnded, ""}
		}
		if time.Since(began) > patience {
			return conn, &goneError{lost, err, fmt.Sprintf("no other could be had for %s: ", patience)}
		}
		failures++
	}
}

// wait waits that long, but not beyond the end of the run or of its server.
func (r *run) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx.Done():
	case <-r.o.ServerEnded:
	}
}

func (r *run) serverEnded() bool {
	select {
	case <-r.o.ServerEnded:
		return true
	default:
		return false
	}
}

// lasting turns the loss of a connection into the task of opening another.
func (p *producer) lasting(err error) error {
	if !errors.Is(err, jobqueue.ErrLost) {
		return err
	}
	p.lost(err, p.pending.Len() == 0 && errors.Is(err, jobqueue.ErrStale))
	return nil
}

// lost notes that the connection is gone; idle says that nothing was under way.
// The sender opens another, if there is anything left to send.
func (p *producer) lost(err error, idle bool) {
	p.r.conns.Lock()
	first := !p.broken.Load()
	if first {
		p.cause = err
		if idle {
			p.cause = idleError{err}
		}
	}
	p.r.conns.Unlock()
	if first {
		p.draining.Store(p.answering && resp.IsReply(err))
		p.broken.Store(true)
		if !idle {
			p.r.problem("push", err)
		}
	}
}

// over says that what is still to be sent is too late.
func (p *producer) over() error {
	if p.entering != nil {
		if p.entering.Err() != nil {
			return errOver
		}
		return nil
	}
	if p.r.now()-catchUp > p.r.cut.Load() {
		return errOver
	}
	return nil
}

// reopen replaces the producer's connection. What was pushed over the old one
// and not answered stays unacknowledged.
func (p *producer) reopen() error {
	// A server that refuses pushes answers those that are under way, too.
	p.r.await(refusals, func() bool { return !p.draining.Load() })
	p.conn.Close()
	p.abandon()
	p.r.conns.Lock()
	cause := p.cause
	p.r.conns.Unlock()
	conn, err := reopened(p.r, "push", &p.streak, cause, workersPolicy, p.over, p.r.b.OpenProducer)
	if err != nil {
		return err
	}
	p.r.conns.Lock()
	p.conn = conn
	p.r.conns.Unlock()
	if p.r.ctx.Err() != nil {
		conn.Close() // they may all have been closed already
		return context.Cause(p.r.ctx)
	}
	if p.answering {
		p.pipe = conn.(jobqueue.Pipeliner)
	}
	p.prover, _ = conn.(prover)
	if p.aimer != nil {
		p.aimer = conn.(jobqueue.QueueSelector)
	}
	p.broken.Store(false)
	if p.answering {
		select {
		case p.fresh <- p.pipe: // the reader has read the last answer of the old one
		case <-p.r.ctx.Done():
			return context.Cause(p.r.ctx)
		}
	}
	return nil
}

// abandon notes that pushes over the closed connection will have no answer. It waits for
// the reader of the answers, however long that takes: a push that is still pending when
// the next connection is open would be taken for the one that is answered first there.
// The reader finds the connection closed, but it may be asking the server for a sign of
// life just then.
func (p *producer) abandon() {
	for p.answering && !p.parked.Load() {
		if p.r.ctx.Err() != nil {
			return // the run was stopped at once, and the reader may have an answer still
		}
		time.Sleep(2 * time.Millisecond)
	}
	p.unanswered(p.unwritten)
}

// recall undoes launch: none of the staged jobs was written, and none will be.
func (p *producer) recall() {
	for _, j := range p.slots {
		j.Word.Store(0)
	}
	p.tally.Add(ledger.Sent, -int64(len(p.slots)))
	for _, g := range p.groups {
		if d := int64(g.Due); d >= p.r.rec.From && d < p.r.rec.To {
			p.tally.Add(ledger.WindowSent, -int64(g.Jobs))
		}
	}
}

// finish ends the sender: it opens no connection any more.
func (p *producer) finish() {
	p.finished.Store(true)
	if p.answering && p.broken.Load() && !p.draining.Load() {
		p.r.closeProducer(&p.conn)
		p.abandon()
	}
}

// refusals is how long the answers of a server that refuses pushes are waited
// for, at most.
const refusals = 2 * time.Second

// reopen replaces the consumer's connection. What it had finished and not yet
// published is lost, unless the queue gives it out again: whether it was published
// is not known, and nothing is published twice.
func (c *consumer) reopen(ctx context.Context, lost error) error {
	c.conn.Close()
	if !waited(lost) {
		c.r.problem("consume", lost)
	}
	conn, err := reopened(c.r, "consume", &c.streak, lost, workersPolicy, ctx.Err, c.open)
	if err != nil {
		return err
	}
	c.use(conn)
	c.drop()
	return nil
}

// open opens another connection.
func (c *consumer) open(ctx context.Context) (jobqueue.Consumer, error) {
	return c.r.openConsumer(ctx, c.index)
}

// drop drops the jobs that the consumer has. Those that are finished may have been
// published: the answer will not come.
func (c *consumer) drop() {
	for _, h := range c.done {
		if h.job == nil {
			continue
		}
		switch marks, _, here := h.job.Mark(h.n, flight.PublishUnknown); {
		case !here:
		case marks&flight.Done != 0:
			c.r.finish(h.block, h.job, h.n, marks, c.shard)
		}
	}
	c.done, c.updates, c.working = nil, nil, false
	c.busy.Store(false)
}

// use takes the next connection.
func (c *consumer) use(conn jobqueue.Consumer) {
	c.r.conns.Lock()
	c.conn = publishpop.Of(conn)
	dead := c.deaths != c.survived
	c.r.conns.Unlock()
	if dead {
		abort(conn) // it was killed meanwhile
	}
}

// exchange is a turn on the connection. If the connection was closed while nothing was
// under way, the turn takes place on the next one, with the same jobs.
func (c *consumer) exchange(ctx context.Context, outcomes []jobqueue.Outcome, acked func(i, receivers int), most int, wait time.Duration) ([][]byte, error) {
	for {
		c.stand(ctx)
		jobs, err := c.conn.PublishAndPop(ctx, outcomes, acked, most, wait)
		if !errors.Is(err, jobqueue.ErrStale) {
			if err == nil || errors.Is(err, jobqueue.ErrEmpty) {
				c.streak.Answered()
				c.stand(ctx) // it takes the jobs after a pause that began meanwhile
			} else if errors.Is(err, jobqueue.ErrLost) && most > 0 && !resp.IsReply(err) {
				c.r.lostPop(most)
				if c.acks == len(outcomes) {
					err = waitError{err}
				}
			}
			return jobs, err
		}
		// A queue that publishes and pops in two writes may have published some already.
		outcomes = outcomes[c.acks:]
		c.answered()
		// Finished jobs are published even when no job may be popped any more, if a
		// connection can be opened for that.
		over := func() error { return cmp.Or(ctx.Err(), c.over()) }
		conn, err := reopened(c.r, "consume", &c.streak, idleError{err}, workersPolicy, over, c.resume)
		if err != nil {
			return nil, err
		}
		c.use(conn)
	}
}

// resume opens a connection that goes on with the jobs of this one.
func (c *consumer) resume(ctx context.Context) (jobqueue.Consumer, error) {
	if old, ok := c.conn.(jobqueue.Reopener); ok {
		return old.Reopen(ctx)
	}
	conn, err := c.open(ctx)
	if err == nil {
		c.conn.Close()
		for i := range c.outcomes {
			c.outcomes[i].Last = false // that connection does not know the jobs
		}
		for i := range c.updates {
			c.updates[i].Last = false
		}
	}
	return conn, err
}

// idleError marks the error of a connection that was lost while nothing was
// under way.
type idleError struct{ error }

func (e idleError) Unwrap() error { return e.error }

// waitError marks the error of a connection that was lost while a consumer waited
// on it for a job, and did nothing else. It is no error of the run while another
// can be opened at once: whether a job was lost with it, the ledger knows.
type waitError struct{ error }

func (e waitError) Unwrap() error { return e.error }

func waited(err error) bool {
	var e waitError
	return errors.As(err, &e)
}
