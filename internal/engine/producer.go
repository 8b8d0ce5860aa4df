package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/internal/ring"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// maxGroups bounds how many pushes share one write when a producer has fallen
// behind or many tokens are free.
const maxGroups = 64

// maxWrite bounds the bytes of such a write.
const maxWrite = 1 << 20

// producer sends jobs over one connection.
type producer struct {
	r     *run
	index int
	pushConn
	wait  waiter.Waiter
	tally *ledger.Tally
	shard *record.Shard // of the goroutine that reads the answers

	staged
	pending ring.Shared[pace.Group] // pushes that were sent and not answered
	// sentUpTo is when the last group was due that was sent.
	sentUpTo time.Duration

	// broken is set by the goroutine that finds the connection lost; fresh brings the
	// next one to the reader of the answers, and is closed when there will be none.
	broken atomic.Bool
	fresh  chan jobqueue.Pipeliner
	cause  error // of broken; guarded by r.conns
	// draining says that the reader of the answers still gets some over the broken
	// connection, although the server refuses what is pushed.
	draining atomic.Bool
	// parked says that the reader of the answers waits for the next connection, and
	// finished that the sender opens none any more.
	parked, finished atomic.Bool
	// unwritten is how many of the pending groups, the last ones, were not written.
	unwritten int
	streak    reconnect.Streak
	// entering ends when jobs that are stored are not pushed any more. It is nil without
	// an entry.
	entering context.Context
}

// pushConn is a producer's connection, and what it can do besides pushing.
type pushConn struct {
	conn jobqueue.Producer  // replaced under r.conns
	pipe jobqueue.Pipeliner // nil when the connection can only wait for each answer
	// answering says that another goroutine reads the answers: pipe is not nil.
	answering bool
	aimer     jobqueue.QueueSelector // nil with one queue
	prover    prover                 // nil when the connection cannot die unnoticed
}

// prover is a producer that can be asked, ahead of a push, whether its connection is still
// alive. A consumer proves its connection when it publishes nothing and pops nothing.
type prover interface {
	// Prove returns an error that matches [jobqueue.ErrStale] when the connection is dead.
	// It is called by the goroutine that pushes, when everything sent was flushed.
	Prove() error
}

// staged are the jobs of the next write.
type staged struct {
	arena  []byte
	ends   []int // of the jobs in arena
	batch  [][]byte
	slots  []*flight.Job
	groups []pace.Group
}

// early is how long before a job is due a connection that was closed while idle is
// opened again, so that the job is not late because of it.
const early = int64(100 * time.Millisecond)

// provedBefore is how long before a job is due, at least, an idle connection is checked
// to be alive, so that the job waits neither for the answer nor for a new connection.
const provedBefore = int64(1200 * time.Millisecond)

// catchUp is how long after the end of the load a producer may still send what
// was due before it.
const catchUp = int64(200 * time.Millisecond)

// maxWrites is how many writes a second all producers of an open loop make
// together before pushes begin to share them.
const maxWrites = 10_000

// maxTick bounds what sharing a write may add to lateness.
const maxTick = 500 * time.Microsecond

// tick is the minimum time between two writes of one producer. Up to maxWrites
// pushes a second each has its own write, and tick is 0. Beyond that, waking and
// writing for each would take more CPU time than Redis itself and disturb the
// measurement, so jobs that come due within a tick share a write. It shows as lateness
// of at most the tick. The pushes of all producers count, since one host wakes for
// them. If those of each producer counted, a rate just below the limit would cost this
// process twice as much as one just above it, and a search for the highest rate would
// stop too early.
func tick(s scenario.Scenario) time.Duration {
	if s.Load.Closed() || s.Schedule().PeakRate()/float64(s.Batch) <= maxWrites {
		return 0
	}
	return min(time.Duration(s.Producers)*time.Second/maxWrites, maxTick)
}

// open sends what is due, when it is due. A producer that has fallen behind
// sends everything overdue at once, each job with its own due time: the
// schedule is never moved.
func (p *producer) open() error {
	share := p.r.s.Schedule().Share(p.index, p.r.s.Producers)
	limit := plan.JobLimit(p.r.s)
	g := plan.Clip(share.Next(), limit)
	tick, last := int64(tick(p.r.s)), int64(-1<<62)
	past := false
	defer func() {
		if !past {
			p.r.passed.Done()
		}
	}()
	for g.Jobs > 0 {
		if !past && int64(g.Due) >= p.r.rec.To {
			past = true
			p.r.passed.Done()
		}
		now, cut := p.r.now(), p.r.cut.Load()
		if int64(g.Due) > cut || now-catchUp > cut || p.r.ctx.Err() != nil {
			return nil // what is overdue by now counts as unsent
		}
		ahead := max(int64(g.Due), last+tick) - now
		if p.broken.Load() && ahead < early {
			if err := p.reopen(); err != nil {
				return err
			}
			continue
		}
		if p.prover != nil && ahead > provedBefore {
			if !p.wait.Wait(time.Duration(ahead - provedBefore)) {
				last = -1 << 62 // the load is over: what is due shares no later write
			} else if err := p.prove(); err != nil {
				return err
			}
			continue
		}
		if ahead > 2*early {
			ahead -= early // to find out in time that the connection was closed meanwhile
		}
		if ahead > 0 {
			if !p.wait.Wait(time.Duration(ahead)) {
				last = -1 << 62 // the load is over: what is due shares no later write
			}
			continue
		}
		if p.r.room.Load() <= 0 {
			p.r.capped()
			time.Sleep(time.Millisecond) // a waiter that was stopped does not wait
			continue
		}
		staged := 0
		for len(p.groups) < maxGroups && len(p.arena) < maxWrite && g.Jobs > 0 && int64(g.Due) <= now {
			p.sentUpTo = g.Due
			staged += g.Jobs
			g.First += p.r.base
			p.stage(g)
			g = plan.Clip(share.Next(), limit)
		}
		p.r.room.Add(-int64(staged))
		last = now
		if err := p.lasting(p.send()); err != nil {
			return err
		}
	}
	return nil
}

// closed sends a job whenever a token is free. The job is due at the moment at which
// the producer got the token.
func (p *producer) closed() error {
	defer p.r.passed.Done()
	batch, limit := p.r.s.Batch, p.r.base+plan.JobLimit(p.r.s)
	for {
		n := p.r.tokens.Take(batch * maxGroups)
		if n == 0 {
			return nil
		}
		if err := p.prove(); err != nil {
			return err
		}
		if p.broken.Load() {
			if err := p.reopen(); err != nil {
				return err
			}
		}
		due := p.r.now()
		if due >= p.r.rec.To || due > p.r.cut.Load() {
			p.r.tokens.End()
			return nil
		}
		first := p.r.numbers.Add(int64(n)) - int64(n)
		for ; n > 0; n -= batch {
			g := plan.Clip(pace.Group{First: first, Jobs: batch, Due: time.Duration(due)}, limit)
			if g.Jobs == 0 {
				break
			}
			p.stage(g)
			first += int64(batch)
		}
		if err := p.lasting(p.send()); err != nil {
			return err
		}
		if first >= limit {
			p.r.tokens.End()
			return nil
		}
	}
}

// prove makes sure that a connection that was idle is alive.
func (p *producer) prove() error {
	if p.prover == nil || p.broken.Load() {
		return nil
	}
	return p.lasting(p.prover.Prove())
}

// blank are the stamps of a new job. NotifiedAt is absent, too: any moment is later.
var blank = [flight.Stamps]int64{
	flight.PoppedAt: flight.Absent, flight.DoneAt: flight.Absent, flight.PublishedAt: flight.Absent, flight.NotifiedAt: flight.Absent, flight.FirstAt: flight.Absent, flight.RunningAt: flight.Absent, flight.WorkReported: flight.Absent,
	flight.StoredAt: flight.Absent, flight.SavedAt: flight.Absent, flight.BroadcastAt: flight.Absent,
}

// aim makes the push of a group go to its queue.
func (p *producer) aim(g pace.Group) {
	if p.aimer != nil {
		p.aimer.SelectQueue(p.r.spread.Queue(g.First))
	}
}

// stage encodes a group and takes its jobs into flight.
func (p *producer) stage(g pace.Group) {
	if p.r.entry != nil {
		p.enter(g)
		return
	}
	p.batch = p.batch[:0]
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		p.slots = append(p.slots, p.r.start(n, int64(g.Due)))
		at := len(p.arena)
		p.arena = p.r.format.Append(p.arena, n)
		p.batch = append(p.batch, p.arena[at:len(p.arena):len(p.arena)])
		p.ends = append(p.ends, len(p.arena))
	}
	if p.pipe != nil {
		p.aim(g)
		// It copies what it takes; only the pushes of one group are held.
		if err := p.lasting(p.pipe.Send(p.batch...)); err != nil {
			p.r.fail("push", err)
		}
		p.pending.Push(g)
	}
	p.groups = append(p.groups, g)
}

// send writes what was staged: all at once over a connection that can pipeline, else
// group by group, each with its own moment.
func (p *producer) send() error {
	var err error
	if p.r.entry != nil {
		p.launch(p.groups, p.slots)
		p.r.entry.put(p.groups...)
	} else if p.pipe != nil {
		p.launch(p.groups, p.slots)
		for err = p.pipe.Flush(); errors.Is(err, jobqueue.ErrStale); err = p.resend() {
			// Nothing was written, so it is sent over the next connection.
			p.lost(err, p.pending.Len() <= len(p.groups))
			p.unwritten = len(p.groups)
			err = p.reopen()
			p.unwritten = 0
			if err != nil {
				p.recall()
				break
			}
		}
	} else {
		err = p.push()
	}
	p.groups, p.slots, p.arena, p.ends = p.groups[:0], p.slots[:0], p.arena[:0], p.ends[:0]
	return err
}

// resend sends what was staged over another connection.
func (p *producer) resend() error {
	at, slot, now := 0, 0, p.r.now()
	for _, g := range p.groups {
		p.batch = p.batch[:0]
		for range g.Jobs {
			p.batch = append(p.batch, p.arena[at:p.ends[slot]:p.ends[slot]])
			at = p.ends[slot]
			p.slots[slot].Stamp[flight.SentAt] = now
			slot++
		}
		p.aim(g)
		if err := p.pipe.Send(p.batch...); err != nil {
			return err
		}
		p.pending.Push(g)
	}
	return p.pipe.Flush()
}

// launch stamps the jobs of the groups as sent and makes them visible to other
// goroutines: they are written right after it.
func (p *producer) launch(groups []pace.Group, slots []*flight.Job) {
	at := p.r.now()
	i := 0
	var inWindow int64
	for _, g := range groups {
		for n := g.First; n < g.First+int64(g.Jobs); n++ {
			slots[i].Stamp[flight.SentAt] = at
			slots[i].Launch(n)
			i++
		}
		if d := int64(g.Due); d >= p.r.rec.From && d < p.r.rec.To {
			inWindow += int64(g.Jobs)
		}
	}
	p.tally.Add(ledger.Sent, int64(i))
	p.tally.Add(ledger.WindowSent, inWindow)
}

// push sends the staged groups one by one over a connection that waits for
// each answer.
func (p *producer) push() error {
	at, slot := 0, 0
	for i, g := range p.groups {
		p.batch = p.batch[:0]
		for k := range g.Jobs {
			end := p.ends[slot+k]
			p.batch = append(p.batch, p.arena[at:end:end])
			at = end
		}
		p.aim(g)
		p.launch(p.groups[i:i+1], p.slots[slot:slot+g.Jobs])
		slot += g.Jobs
		err := p.conn.Push(p.r.ctx, p.batch...)
		for errors.Is(err, jobqueue.ErrStale) {
			p.lost(err, true)
			if err = p.reopen(); err != nil {
				return err
			}
			err = p.conn.Push(p.r.ctx, p.batch...)
		}
		if p.answered(g, p.r.now(), err) {
			continue
		}
		if errors.Is(err, jobqueue.ErrLost) {
			if resp.IsReply(err) {
				p.gone(g, ledger.Refused)
			} else {
				p.unknown(g)
			}
			p.lost(err, false)
			if i == len(p.groups)-1 {
				return nil
			}
			if err := p.reopen(); err != nil { // the other groups were not sent yet
				return err
			}
			continue
		}
		return err
	}
	return nil
}
