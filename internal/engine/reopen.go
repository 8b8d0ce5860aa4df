package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// patience is how long a run waits for a server to come back, or for another to
// take its place, before a lost connection ends it.
const patience = 30 * time.Second

// How connections are opened again. A message that is published before the
// subscribers are back is lost, so they try more often than producers and consumers,
// of which there can be many.
var (
	workersPolicy     = reconnect.Policy{Immediate: 1, First: 20 * time.Millisecond, Longest: 500 * time.Millisecond}
	subscribersPolicy = reconnect.Policy{Immediate: 1, First: 20 * time.Millisecond, Longest: 50 * time.Millisecond}
)

// errOver is why a producer does not need another connection.
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
	var known interface{ Hint() string }
	if errors.As(e.why, &known) && known.Hint() != "" {
		return known.Hint()
	}
	if errors.As(e.lost, &known) {
		return known.Hint()
	}
	return ""
}

// A connection that is closed within rightAfter of being opened, before any command on
// it was answered, counts as refused. After maxRefused of them in a row the run gives
// up: a proxy closes a connection on which it gets a command that it does not know.
const (
	rightAfter = 100 * time.Millisecond
	maxRefused = 10
)

// streak is a row of connections that were lost before a command was answered.
type streak struct {
	n      atomic.Int32
	opened time.Time
	began  time.Time
}

// answered ends the row. It is called for every answer.
func (k *streak) answered() {
	if k.n.Load() != 0 {
		k.n.Store(0)
	}
}

// next counts the loss, and says how many there were in a row or that another
// connection is pointless.
func (k *streak) next(lost error) (failures int, over bool) {
	now := time.Now()
	if now.Sub(k.opened) >= rightAfter {
		k.n.Store(0) // it was good for a while
	}
	n := int(k.n.Add(1))
	if n == 1 {
		k.began = now
		return n, false
	}
	return n, !refusal(lost) && n >= maxRefused || now.Sub(k.began) > patience
}

// refusal reports whether the error is one that the server answered.
func refusal(err error) bool {
	var reply *resp.ReplyError
	return errors.As(err, &reply)
}

// reopened opens what was lost again and again until that succeeds, with the pauses
// of the policy. It gives up with the error that lost it when the
// patience is over or the server has ended, and when over says that it is not
// needed any more, with the error of over.
func reopened[T any](r *run, op string, k *streak, lost error, policy reconnect.Policy, over func() error, open func(context.Context) (T, error)) (conn T, err error) {
	began := time.Now()
	failures, hopeless := k.next(lost)
	if hopeless {
		return conn, fmt.Errorf("%w; so did the %d connections before it", lost, failures-1)
	}
	for tries := 1; ; tries++ {
		r.wait(policy.Pause(failures))
		ctx, cancel := context.WithTimeout(r.ctx, 2*time.Second)
		conn, err = open(ctx)
		cancel()
		if err == nil {
			k.opened = time.Now()
			r.reconnect(op, lost, k.opened.Sub(began), tries == 1)
			return conn, nil
		}
		if waited(lost) && tries == 1 {
			r.problem(op, lost) // the server is away, and not only a connection
		}
		if r.ctx.Err() != nil {
			return conn, context.Cause(r.ctx)
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
	p.lost(err, p.pending.len() == 0 && errors.Is(err, jobqueue.ErrStale))
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
		p.draining.Store(p.answering && refusal(err))
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
	p.prover, _ = conn.(jobqueue.Prover)
	if p.aimer != nil {
		p.aimer = conn.(jobqueue.QueueSelector)
	}
	p.pending.forget()
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
	conn, err := reopened(c.r, "consume", &c.streak, lost, workersPolicy, ctx.Err, func(context.Context) (jobqueue.Consumer, error) { return c.r.openConsumer(c.index) })
	if err != nil {
		return err
	}
	c.use(conn)
	c.done, c.updates, c.working = nil, nil, false
	c.busy.Store(false)
	return nil
}

// use takes the next connection.
func (c *consumer) use(conn jobqueue.Consumer) {
	c.r.conns.Lock()
	c.conn = jobqueue.PublishPopperOf(conn)
	c.r.conns.Unlock()
}

// exchange is a turn on the connection. If the connection was closed while nothing was
// under way, the turn takes place on the next one, with the same jobs.
func (c *consumer) exchange(ctx context.Context, outcomes []jobqueue.Outcome, acked func(i, receivers int), most int, wait time.Duration) ([][]byte, error) {
	for {
		jobs, err := c.conn.PublishAndPop(ctx, outcomes, acked, most, wait)
		if !errors.Is(err, jobqueue.ErrStale) {
			if err == nil || errors.Is(err, jobqueue.ErrEmpty) {
				c.streak.answered()
			} else if errors.Is(err, jobqueue.ErrLost) && most > 0 && !refusal(err) {
				c.r.lostPop(most)
				if c.acks == len(outcomes) {
					err = waitError{err}
				}
			}
			return jobs, err
		}
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
	conn, err := c.r.openConsumer(c.index)
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
