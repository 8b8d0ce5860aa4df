package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Store holds the rows of the jobs. Its methods may be called by several goroutines at
// once.
type Store interface {
	// Insert stores jobs that have not ended, all or none of them.
	Insert(ctx context.Context, ids, tenants []string) error
	// Finish updates jobs that ended alike, and says how many rows there were.
	Finish(ctx context.Context, ids []string, status, reason string) (rows int64, err error)
	// Close removes what the run made in it.
	Close(ctx context.Context) error
}

// openStore opens the table of the jobs.
func (r *run) openStore() (err error) {
	open := r.o.OpenStore
	if open == nil {
		open = func(ctx context.Context, o jobtable.Options) (Store, error) { return jobtable.Open(ctx, o) }
	}
	if r.store, err = open(r.ctx, jobtable.Options{
		URL: r.o.Postgres, Table: r.s.Entry.Postgres.Table, Connections: r.s.Entry.Postgres.Connections,
		Route: r.way(scenario.EntryTarget),
		Run:   r.o.ID, Prefix: string(flight.AppendIDPrefix(nil, r.format.Run)), Tenant: flight.TenantName(0),
	}); err != nil {
		r.store = nil
	}
	return err
}

// storeDoor stores jobs and then pushes their ids over its own connection, as the
// handler of an API does.
type storeDoor struct {
	*producer // its connection, and what becomes of the pushes over it

	ids, tenants []string
	failing      time.Time // since when no row could be inserted
}

// openStoreDoor opens a connection for pushes. The pool of the table is common to all
// doors.
func (r *run) openStoreDoor() (*storeDoor, error) {
	conn, err := r.b.OpenProducer(r.ctx)
	if err != nil {
		return nil, fmt.Errorf("open a connection for pushes: %w", err)
	}
	p := &producer{r: r, pushConn: pushConn{conn: conn}, tally: r.tally(), shard: r.rec.Shard()}
	if len(r.s.Queues) > 1 {
		p.aimer = conn.(jobqueue.QueueSelector)
	}
	return &storeDoor{producer: p}, nil
}

func (d *storeDoor) close() { d.r.closeProducer(&d.conn) }

// admit inserts the rows of a group and pushes it.
func (d *storeDoor) admit(ctx context.Context, g pace.Group) error {
	d.entering = ctx
	d.encode(g)
	err := d.r.store.Insert(ctx, d.ids, d.tenants)
	if away(err) {
		err = d.r.whileAway(ctx, "store", err, func() error { return nil }, func() error { return d.r.store.Insert(ctx, d.ids, d.tenants) })
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil // the run is over: what became of the row is not known
		}
		return d.unstored(g, err)
	}
	d.failing = time.Time{}
	at := d.r.now()
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		_, j := d.r.flight.Find(n)
		j.Stamp[flight.StoredAt] = at
		j.Mark(n, flight.Stored)
	}
	return d.pushStored(ctx, g)
}

// encode writes the elements, ids and tenants of a group.
func (d *storeDoor) encode(g pace.Group) {
	d.arena, d.ends, d.ids, d.tenants = d.arena[:0], d.ends[:0], d.ids[:0], d.tenants[:0]
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		d.arena = d.r.format.Append(d.arena, n)
		d.ends = append(d.ends, len(d.arena))
		d.ids = append(d.ids, string(d.r.format.AppendID(nil, n)))
		d.tenants = append(d.tenants, flight.TenantName(d.r.spread.Tenant(n)))
	}
	d.batch = d.batch[:0]
	from := 0
	for _, end := range d.ends {
		d.batch = append(d.batch, d.arena[from:end:end])
		from = end
	}
}

// unstored gives up a group whose rows were not inserted, or of which that is not
// known.
func (d *storeDoor) unstored(g pace.Group, err error) error {
	d.gone(g, ledger.Unstored)
	if hopeless(err) {
		return err
	}
	d.r.problem("store", err)
	if d.failing.IsZero() {
		d.failing = time.Now()
	} else if time.Since(d.failing) > d.r.patience() {
		return fmt.Errorf("no row could be inserted for %s: %w", d.r.patience(), err)
	}
	return nil
}

// pushStored pushes the ids of a group whose rows are there.
func (d *storeDoor) pushStored(ctx context.Context, g pace.Group) error {
	for {
		if d.broken.Load() {
			if err := d.reopen(); err != nil {
				d.unpushed(g)
				if errors.Is(err, errOver) {
					return nil
				}
				return err
			}
		}
		if ctx.Err() != nil {
			d.unpushed(g)
			return nil
		}
		d.aim(g)
		err := d.conn.Push(d.r.ctx, d.batch...)
		switch {
		case err == nil:
			d.acked(g, d.r.now())
			return nil
		case errors.Is(err, jobqueue.ErrStale):
			d.lost(err, true) // nothing was written
			continue
		case d.r.faults.full(err):
			d.r.problem("push", err)
			d.gone(g, ledger.Unpushed)
			return nil
		case errors.Is(err, jobqueue.ErrLost):
			if resp.IsReply(err) {
				d.gone(g, ledger.Unpushed)
			} else {
				d.unknown(g)
			}
			d.lost(err, false)
			return nil
		}
		return err
	}
}

// unpushed closes jobs whose ids were not written. When the run was stopped at once
// they are abandoned instead.
func (d *storeDoor) unpushed(g pace.Group) {
	if d.r.ctx.Err() == nil {
		d.gone(g, ledger.Unpushed)
	}
}

// save updates the row of a job whose work is done, where there are rows. A job whose
// row was not updated is lost, and its end is not published.
func (c *consumer) save(i int) error {
	h := c.held[i]
	if c.r.store == nil || h.job == nil {
		return nil
	}
	c.workDone(h, c.r.now())
	status, reason := jobtable.Completed, ""
	if c.r.spread.Fail(h.n) {
		status, reason = jobtable.Failed, simulated
	}
	c.id[0] = string(c.r.format.AppendID(nil, h.n))
	rows, err := c.r.store.Finish(c.r.saving, c.id[:], status, reason)
	if away(err) {
		rows, err = c.saveLater(status, reason, err)
	}
	switch {
	case err != nil && c.r.saving.Err() != nil:
		return c.r.saving.Err() // the run is over: what became of the row is not known
	case err != nil && hopeless(err):
		return err
	case err != nil:
		c.r.problem("save", err)
	case rows == 0:
		c.r.problem("save", errNoRow)
	default:
		return nil
	}
	// The answer to the push may still be on its way.
	if marks, _, here := h.job.Mark(h.n, flight.Unsaved); here && flight.Accepted(marks) {
		c.r.surelyLost(h.block, h.job, h.n, c.tally, ledger.Unsaved)
	}
	c.held[i].job, c.outcomes[i].Message = nil, nil
	return nil
}

// saveLater updates the row of a job when Postgres is there again. It gives up when the
// worker is killed.
func (c *consumer) saveLater(status, reason string, err error) (rows int64, _ error) {
	err = c.r.whileAway(c.r.saving, "save", err, c.lostLife, func() (err error) {
		rows, err = c.r.store.Finish(c.r.saving, c.id[:], status, reason)
		return err
	})
	return rows, err
}

// hopeless reports whether an error is the end of those who wait for Postgres.
func hopeless(err error) bool {
	_, gone := errors.AsType[*goneError](err)
	return gone || errors.Is(err, jobqueue.ErrLost)
}

// lostLife is the error of a worker that was killed.
func (c *consumer) lostLife() error {
	if c.killed() {
		return jobqueue.ErrLost
	}
	return nil
}

// away reports whether a statement was not sent, because Postgres is away.
func away(err error) bool {
	_, away := errors.AsType[*jobtable.AwayError](err)
	return away
}

// whileAway executes a statement that was not sent again and again until it is, with the
// pauses of the policy. It gives up at the end of ctx, with the error of over, and when
// the patience is over.
func (r *run) whileAway(ctx context.Context, op string, err error, over, statement func() error) error {
	lost, began := err, time.Now()
	r.problem(op, lost)
	for failures := 1; away(err); failures++ {
		if why := cmp.Or(ctx.Err(), over()); why != nil {
			return why
		}
		if time.Since(began) > r.patience() {
			return &goneError{lost, err, fmt.Sprintf("nor could it be done for %s: ", r.patience())}
		}
		reconnect.Wait(workersPolicy.Pause(failures), ctx.Done())
		err = statement()
	}
	r.reconnect(op, idleError{lost}, time.Since(began), false)
	return err
}

// errNoRow says that the row of a job is missing.
var errNoRow = errors.New("the job was popped, and its row is not in the table: it was pushed and never stored, or another client removed it")

// closeStore removes what the run made in the table.
func (r *run) closeStore() error {
	if r.store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), 30*time.Second)
	defer cancel()
	err := r.store.Close(ctx)
	if r.faults.storeGone() {
		return nil // a private server is removed with all that it holds
	}
	return err
}
