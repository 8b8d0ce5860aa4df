// Package worker is a pool of consumers that works on the jobs of a queue: it
// pops, does the work, and publishes what became of it. It replaces the
// workers of a system under test where those are elsewhere, and is small enough
// to be one in earnest.
//
// It measures nothing but how long each job's work took, which travels in the
// update; to put load on a pipeline and time it is the business of package
// scenario. Begin reading at [Pool].
package worker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// Job is one unit of work.
type Job struct {
	// ID and Tenant are what the element says, see [jobqueue.ParseElement].
	ID, Tenant string
	// Element is what was in the list. Work may keep and change it.
	Element []byte
}

// Work does one job. An error means that the job failed, and its text is
// published. ctx ends when the pool is to stop at once: work that goes on then
// is waited for, and nothing is published of it any more. Work is called by all
// consumers at the same time.
type Work func(ctx context.Context, job Job) error

// Queue is what a pool takes its jobs from: a [jobqueue.Backend], or any other
// that can open consumers.
type Queue interface {
	OpenConsumer(ctx context.Context) (jobqueue.Consumer, error)
}

// Pool works on the jobs of a queue. It is used once.
type Pool struct {
	// Queue and Work are required.
	Queue Queue
	Work  Work
	// Consumers is how many jobs are worked on at the same time, 1 if zero.
	Consumers int
	// Channel is the number of the channel on which a tenant's updates are
	// published; nil means 0 for all.
	Channel func(tenant string) int
	// Running has each job announced as RUNNING before its work.
	Running bool
	// Jobs ends the pool after so many jobs; 0 sets no limit.
	Jobs int64
	// Idle ends the pool when there was no job for so long; 0 lets it wait.
	Idle time.Duration
	// Stop ends the pool when it is closed: no job is taken any more, those that
	// were taken are finished and published. nil is never closed.
	Stop <-chan struct{}
	// Outage gets the error when the queue cannot be reached, and nil when it can be
	// again: once for all consumers. It must not block. It may be nil.
	Outage func(error)

	done, failed, unpublished, dropped, reconnects atomic.Int64

	claimed  atomic.Int64 // how many jobs consumers have said they would take
	hands    atomic.Int64 // unfinished jobs
	idleFrom atomic.Int64 // when the last one was put down, from the start on
	start    time.Time
	enough   func() // ends the taking of jobs

	mu      sync.Mutex
	away    int      // consumers that cannot reach the queue
	refusal error    // the first that is not to be waited for
	kept    []string // jobs whose outcomes were not published
	because error    // why not
	last    Failure
}

// Failure is a job that failed.
type Failure struct {
	// Job is its id, and Reason the text of the error of its work.
	Job    string `json:"job"`
	Reason string `json:"reason"`
}

// Tally is the account of the jobs that a pool took.
type Tally struct {
	// Completed and Failed were published as such.
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
	// Unpublished were worked on, and that could not be published until the pool
	// ended: the queue was away, or refused it.
	Unpublished int64 `json:"unpublished"`
	// Dropped were unfinished when the pool was stopped at once.
	Dropped int64 `json:"dropped"`
	// Reconnects counts connections that broke and were replaced.
	Reconnects int64 `json:"reconnects"`
}

// Tally is the account so far. It may be asked while the pool runs.
func (p *Pool) Tally() Tally {
	return Tally{
		Completed: p.done.Load(), Failed: p.failed.Load(),
		Unpublished: p.unpublished.Load(), Dropped: p.dropped.Load(),
		Reconnects: p.reconnects.Load(),
	}
}

// Run works until Stop closes, until Jobs or Idle says that it is enough, or
// until ctx ends, which stops at once and drops unfinished jobs: that is the
// context's error.
//
// A queue that refuses what a pool needs, e.g. because the user lacks a permission, is
// not waited for. No job is taken any more, those that were taken are
// finished, and the refusal is Run's error. That the server takes no writes is
// such a refusal when it has lasted for half a minute.
//
// A queue that cannot be reached is tried again and again, at most five seconds
// apart. An outcome that could not be published is kept and tried again, too,
// before another job is taken: after a broken connection it may be published
// twice, and is not forgotten.
func (p *Pool) Run(ctx context.Context) error {
	if p.Queue == nil || p.Work == nil {
		return errors.New("run a pool of workers: Queue and Work must be set")
	}
	p.start = time.Now()
	taking, enough := context.WithCancel(ctx)
	defer enough()
	p.enough = enough

	var consumers, watchers sync.WaitGroup
	watchers.Go(func() { p.stops(taking) })
	if p.Idle > 0 {
		watchers.Go(func() { p.idles(taking) })
	}
	for range max(1, p.Consumers) {
		consumers.Go(func() {
			c := &consumer{p: p, ctx: ctx, taking: taking, proved: map[int]bool{}}
			c.acked = c.published // bound once
			c.loop()
		})
	}
	consumers.Wait()
	enough()
	watchers.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.refusal
}

// stops ends the taking of jobs when Stop closes.
func (p *Pool) stops(taking context.Context) {
	select {
	case <-p.Stop:
		p.enough()
	case <-taking.Done():
	}
}

// idles ends the taking of jobs when there was none for too long.
func (p *Pool) idles(taking context.Context) {
	timer := time.NewTimer(p.Idle)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-taking.Done():
			return
		}
		rest := p.Idle
		if p.hands.Load() == 0 {
			if rest -= time.Since(p.start) - time.Duration(p.idleFrom.Load()); rest <= 0 {
				p.enough()
				return
			}
		}
		timer.Reset(rest)
	}
}

// claim reports whether one more job may be taken.
func (p *Pool) claim() bool { return p.Jobs <= 0 || p.claimed.Add(1) <= p.Jobs }

// take notes that a consumer has a job, and put that the job is over.
func (p *Pool) take() { p.hands.Add(1) }

func (p *Pool) put() {
	p.idleFrom.Store(int64(time.Since(p.start)))
	p.hands.Add(-1)
}
