package worker

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
)

const (
	// firstWait is that of a pop in an outage, whose answer says that it is over.
	firstWait = 100 * time.Millisecond
	// grace is how long a pool that stops goes on trying to publish outcomes when the
	// queue is away.
	grace = 10 * time.Second
	// readOnlyTimeout is how long a server may say that it takes no writes before it
	// is believed to be a replica, and not a master that is being replaced.
	readOnlyTimeout = 30 * time.Second
)

// reconnects is how a consumer reconnects. A single loss is not reported.
var reconnects = reconnect.Policy{Immediate: 1, First: 100 * time.Millisecond, Longest: 5 * time.Second, Report: 2}

// consumer is one worker of a pool.
type consumer struct {
	p           *Pool
	ctx, taking context.Context // end when to stop at once, and when to take no more

	conn jobqueue.PublishPopper // nil while disconnected
	// proved are the channels on which a publish went through on this
	// connection. Until then none is sent together with a pop: if it were
	// refused, the job that the pop took would be lost.
	proved map[int]bool
	// holding says that the current job was popped on this connection.
	holding bool
	// claimed says that one more job may be taken.
	claimed bool

	outcomes []jobqueue.Outcome // what is to be published: one or none
	message  []byte             // of it
	status   jobqueue.Status    // that it tells
	job      string             // that it is about
	reason   string             // why that failed
	acked    func(i, receivers int)

	failures int       // since the last answer
	away     bool      // the pool knows of them
	until    time.Time // when a consumer that stops gives up
	fault    error     // the last one
	readOnly time.Time // since when the server says that it takes no writes
}

// loop goes on until there is nothing to publish and no job to take.
func (c *consumer) loop() {
	defer c.end()
	for c.ctx.Err() == nil {
		most := c.most()
		if most == 0 && len(c.outcomes) == 0 {
			return
		}
		jobs, err := c.turn(most)
		switch {
		case err == nil && len(jobs) > 0:
			c.answered()
			c.work(jobs[0])
		case err == nil, errors.Is(err, jobqueue.ErrEmpty):
			c.answered()
		case c.taking.Err() != nil && errors.Is(err, c.taking.Err()):
			// The pop was broken off. The current outcome is published next.
		default:
			c.fault = err
			if c.final(err) {
				c.p.refuse(err)
				return
			}
			if !c.recover(err) {
				return
			}
		}
	}
}

// most is how many jobs may be asked for, 0 or 1.
func (c *consumer) most() int {
	if c.taking.Err() != nil || len(c.outcomes) > 0 && !c.proved[c.outcomes[0].Channel] {
		return 0
	}
	if !c.claimed {
		c.claimed = c.p.claim()
	}
	if !c.claimed {
		return 0
	}
	return 1
}

// turn publishes what is to be published and asks for the next job.
func (c *consumer) turn(most int) ([][]byte, error) {
	ctx := c.taking
	if most == 0 {
		ctx = c.ctx
	}
	if c.conn == nil {
		conn, err := c.p.Queue.OpenConsumer(ctx)
		if err != nil {
			return nil, err
		}
		c.conn = publishpop.Of(conn)
		if c.failures > 0 {
			c.p.reconnects.Add(1)
		}
	}
	wait := redisconn.PopWait(c.p.Consumers)
	if c.away {
		wait = firstWait
	}
	jobs, err := c.conn.PublishAndPop(ctx, c.outcomes, c.acked, most, wait)
	if errors.Is(err, jobqueue.ErrStale) && c.resume(ctx) {
		return c.conn.PublishAndPop(ctx, c.outcomes, c.acked, most, wait)
	}
	return jobs, err
}

// resume goes on over another connection with the same job, after one
// that was closed while it was idle and has got nothing of the last call. If it
// cannot, the connection is replaced like any other that broke.
func (c *consumer) resume(ctx context.Context) bool {
	old, ok := c.conn.(jobqueue.Reopener)
	if !ok {
		return false
	}
	conn, err := old.Reopen(ctx)
	if err != nil {
		return false
	}
	c.conn = publishpop.Of(conn)
	c.p.reconnects.Add(1)
	return true
}

// published notes that the outcome of the current job is published.
func (c *consumer) published(int, int) {
	c.proved[c.outcomes[0].Channel] = true
	c.outcomes = c.outcomes[:0]
	if c.status == jobqueue.Completed {
		c.p.done.Add(1)
	} else {
		c.p.failed.Add(1)
		c.p.blame(Failure{Job: c.job, Reason: c.reason})
	}
	c.p.put()
}

// answered notes that the queue can be reached.
func (c *consumer) answered() {
	c.failures, c.until, c.readOnly = 0, time.Time{}, time.Time{}
	if c.away {
		c.away = false
		c.p.regain()
	}
}

// work does a job and prepares what is to be published of it.
func (c *consumer) work(element []byte) {
	c.p.take()
	c.claimed, c.holding = false, true
	element = bytes.Clone(element) // it lies in the connection's buffer
	e := jobqueue.ParseElement(element)
	channel := c.p.channelOf(e.TenantID)
	if c.p.Running {
		c.announce(channel, jobqueue.Update{TenantID: e.TenantID, JobID: e.JobID, Status: jobqueue.Running})
	}
	from := time.Now()
	err := c.p.Work(c.ctx, Job{ID: e.JobID, Tenant: e.TenantID, Element: element})
	took := time.Since(from)
	if c.ctx.Err() != nil {
		c.p.dropped.Add(1)
		c.p.put()
		return
	}
	u := jobqueue.Update{TenantID: e.TenantID, JobID: e.JobID, Status: jobqueue.Completed, Work: took}
	if err != nil {
		why := err.Error()
		u.Status, u.Error, c.reason = jobqueue.Failed, &why, why
	}
	c.status, c.job = u.Status, e.JobID
	c.message = u.AppendTo(c.message[:0])
	c.outcomes = append(c.outcomes[:0], jobqueue.Outcome{Message: c.message, Channel: channel, Last: c.holding})
}

// announce publishes that a job is running. If that fails the work is still done: its
// outcome is what counts.
func (c *consumer) announce(channel int, u jobqueue.Update) {
	c.message = u.AppendTo(c.message[:0])
	outcomes, acked := []jobqueue.Outcome{{Message: c.message, Channel: channel}}, func(int, int) { c.proved[channel] = true }
	_, err := c.conn.PublishAndPop(c.ctx, outcomes, acked, 0, 0)
	if errors.Is(err, jobqueue.ErrStale) && c.resume(c.ctx) {
		_, err = c.conn.PublishAndPop(c.ctx, outcomes, acked, 0, 0)
	}
	if err != nil {
		c.disconnect()
		c.failures++
	}
}

// final reports whether waiting for a server that says so is pointless.
func (c *consumer) final(err error) bool {
	switch {
	case redisconn.Refused(err):
		return true
	case !redisconn.ReadOnly(err):
		c.readOnly = time.Time{}
	case c.readOnly.IsZero():
		c.readOnly = time.Now()
	default:
		return time.Since(c.readOnly) >= readOnlyTimeout
	}
	return false
}

// recover waits before the next try to reach the queue and reports whether to try.
// After the first failure it does not wait, and reports no outage.
func (c *consumer) recover(err error) bool {
	c.disconnect()
	c.failures++
	if reconnects.Reports(c.failures) && !c.away {
		c.away = true
		c.p.lose(err)
	}
	over := c.taking.Done()
	if len(c.outcomes) > 0 {
		over = c.ctx.Done()
		if c.taking.Err() != nil && c.until.IsZero() {
			c.until = time.Now().Add(grace)
		}
		if !c.until.IsZero() && time.Now().After(c.until) {
			return false
		}
	}
	reconnect.Wait(reconnects.Pause(c.failures), over)
	return true
}

// disconnect gives the connection up.
func (c *consumer) disconnect() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing is on it that could still be saved
	}
	c.conn, c.holding = nil, false
	clear(c.proved)
	if len(c.outcomes) > 0 {
		c.outcomes[0].Last = false // the next connection does not know the job
	}
}

// end closes the connection and accounts for the current job.
func (c *consumer) end() {
	c.disconnect()
	if len(c.outcomes) > 0 {
		c.p.keep(c.job, c.fault)
		c.p.put()
	}
}
